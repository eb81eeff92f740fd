"""The checker passes what is sound, and finds a violation of each promise wherever one is planted."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.message import Answer, Outcome
from chalicelib.domain.times import to_ms
from chalicelib.domain.tokens import Tokens
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.settings import Stage
from chalicelib.state.table import Key, Row, Values
from chalicelib.store.batch_rows import far_key, packed_cells, what_key
from chalicelib.store.broadcast_rows import broadcast_key, content_key
from chalicelib.store.sealed import Vault
from local.proof.checker import broken
from local.proof.everyone import Recipient
from local.proof.records import Delivery, read_records
from local.proof.truth import Attempt, HandOver, OptOut, Truth
from tests.engine.town import Town

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
UNKNOWN, REFUSED = Outcome(Answer.UNKNOWN, "timeout"), Outcome(Answer.REFUSED, "21211")


@dataclass(frozen=True)
class Scene:
    """A small town after its broadcasts: everything the checker is given."""

    truth: Truth
    rows: Mapping[Key, Values]
    vault: Vault
    tokens: Tokens
    audiences: Mapping[str, set[Recipient]]
    names: Mapping[str, str]
    shown: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = ()

    def broken(self) -> list[str]:
        rows = [Row(key, values) for key, values in self.rows.items()]
        given: dict[str, Any] = {"vault": self.vault, "tokens": self.tokens, "audiences": self.audiences, "shown": self.shown, "texts": self.texts}
        return broken(self.truth, rows, **given)

    # --- finding one's way ---

    def delivery(self, name: str, mark: str, channel: Channel = Channel.SMS) -> Delivery:
        """Some delivery of a broadcast that stands at this mark."""
        found = read_records(Row(key, values) for key, values in self.rows.items()).deliveries.values()
        return next(one for one in found if one.broadcast == self.names[name] and str(one.mark) == mark and one.channel is channel)

    def call(self, name: str, mark: str) -> HandOver:
        """The first hand-over of such a delivery."""
        return next(one for one in self.truth.hand_overs if self.vault.hash(one.to) == self.delivery(name, mark).address and self.is_of(one, name))

    def is_of(self, call: HandOver, name: str) -> bool:
        return (self.tokens.read("delivery", call.token) or ("",))[0] == self.names[name]

    def row(self, name: str) -> Key:
        return broadcast_key(self.names[name])

    # --- planting ---

    def having(self, key: Key, **values: object) -> "Scene":
        """With these values in a row; None takes one out."""
        changed = {**self.rows.get(key, {}), **values}
        return replace(self, rows={**self.rows, key: {name: value for name, value in changed.items() if value is not None}})  # type: ignore[dict-item]

    def without(self, key: Key) -> "Scene":
        return replace(self, rows={one: values for one, values in self.rows.items() if one != key})

    def cell(self, one: Delivery, cell: str) -> "Scene":
        """With another answer of the worker's for a delivery, and counts that know it."""
        key = far_key(one.place[0])
        cells = [cell if number == one.place[1] else old for number, old in enumerate(one.far.cells)]
        return self.having(key, cells=packed_cells(cells)).having(broadcast_key(one.broadcast), state="sending", open="BROADCAST", due=0)

    def seeing(self, **truth: Any) -> "Scene":
        """With another truth."""
        return replace(self, truth=replace(self.truth, **truth))

    def handing(self, *calls: HandOver) -> "Scene":
        return self.seeing(hand_overs=[*self.truth.hand_overs, *calls])

    def entries(self, name: str, what: str) -> list[Key]:
        return [key for key, values in self.rows.items() if key.partition == f"AUDIT#{self.names[name]}" and values["what"] == what]


@cache
def a_scene() -> Scene:
    """`routine`: people on three channels, of whom one opted out, one has a bad number, one's answer was lost; receipts came. `urgent`: one
    was sent again. `stopped`: half way through. `waiting`: for its approval."""
    with TemporaryDirectory() as folder:
        town = Town(Path(folder))
        people = [town.follower("transit", channels=list(Channel), shard=4) for _ in range(6)]
        alarmed = [town.follower("emergency", shard=7) for _ in range(3)]
        sms = town.providers[Channel.SMS]
        refused, lost, again = (town.address(one, Channel.SMS).value for one in (people[1], people[2], alarmed[0]))
        town.opt_out(people[0], Channel.SMS)
        town.clock.advance(MINUTE)
        sms.answers = {refused: [REFUSED], lost: [UNKNOWN], again: [UNKNOWN]}
        sms.swallowed = {lost, again}
        names = {"routine": town.broadcast("transit"), "urgent": town.broadcast("emergency", urgent=True)}
        town.settle(*names.values())
        for one in town.providers[Channel.EMAIL].truth[:3]:
            town.confirm(one)
        town.work()
        names["stopped"] = town.broadcast("transit")
        sms.before_call = lambda parcel: stop_broadcast(names["stopped"], by="cyn", services=town.services) and None
        town.settle(names["stopped"])
        sms.before_call = lambda parcel: None
        names["waiting"] = town.broadcast("emergency", urgent=True, state=BroadcastState.AWAITING_APPROVAL)
        town.settle()
        everywhere = {(one, channel) for one in people for channel in Channel}
        audiences = {names["routine"]: everywhere, names["urgent"]: {(one, Channel.SMS) for one in alarmed}}
        rows = {row.key: row.values for row in town.state.rows()}
        return Scene(town.truth(), rows, town.plain.vault, town.services.tokens, audiences, names, town.shown(town.state.rows()))


# --- sound -----------------------------------------------------------------------------------------------------------


def lagging_counts(scene: Scene) -> Scene:
    counts = scene.rows[scene.row("routine")]["counts"]
    assert isinstance(counts, Mapping)
    email = counts["email"]
    assert isinstance(email, Mapping)
    assert email["delivered"] == 0, "counts were kept before the receipts"
    return scene


def opted_out_and_back(scene: Scene) -> Scene:
    call = scene.call("routine", "accepted")
    out = OptOut(scene.vault.hash(call.to), call.at - MINUTE, call.at - MINUTE, ended=call.at - 50 * SECOND)
    return scene.seeing(opt_outs=[out])


def marked_before_the_opt_out(scene: Scene) -> Scene:
    call = scene.call("routine", "accepted")
    return scene.seeing(opt_outs=[OptOut(scene.vault.hash(call.to), call.at, call.at)])


def _slow(call: HandOver) -> HandOver:
    return replace(call, at=call.at + timedelta(hours=30), timed=False) if call.to.channel is Channel.KIOSK else call


def under_way(scene: Scene) -> Scene:
    """Somebody still waits, so nothing is final: no history, and counts of a minute ago."""
    one = scene.delivery("routine", "failed:21211")
    opened = scene.cell(one, "").having(far_key(one.place[0]), state="queued", open=one.broadcast, due=0)
    opened = replace(opened, shown={}).having(scene.row("routine"), counts={})
    return opened.without(Key(f"S#{one.subscriber}", f"H#{one.broadcast}#{one.channel}"))


def stopped_half_read(scene: Scene) -> Scene:
    return scene.having(Key(f"B#{scene.names['stopped']}", "SHARD#9"), cut=True)


def nobody_there(scene: Scene) -> Scene:
    """Stopped before it was sent: no shard, no batch, no counts."""
    return scene.having(scene.row("waiting"), state="stopped", stop_at=to_ms(scene.truth.at)).having(
        Key(f"AUDIT#{scene.names['waiting']}", "1"), who="cyn", what="broadcast.stopped", at=0
    )


def kept_back(scene: Scene) -> Scene:
    """A guard kept it back after its approval, and it was approved once more."""
    [approved] = scene.entries("urgent", "broadcast.approved")
    return doubled(scene, approved).having(Key(approved.partition, "2"), who="engine", what="broadcast.needs_review", at=0)


SOUND: dict[str, Callable[[Scene], Scene]] = {
    "as it ended": lambda scene: scene,
    "counts kept before late receipts came": lagging_counts,
    "an opt-out that had ended before the attempt": opted_out_and_back,
    "an opt-out after the mark": marked_before_the_opt_out,
    "a letter to one person, twice": lambda scene: scene.handing(
        *[HandOver(scene.call("routine", "accepted").to, scene.tokens.sign("reply", "r"), scene.truth.at)] * 2
    ),
    "a kiosk that took a message long after it was queued": lambda scene: scene.seeing(hand_overs=[_slow(one) for one in scene.truth.hand_overs]),
    "texts without anybody in them": lambda scene: replace(
        scene, texts=("batch settled 40", "https://a.example/unsubscribe/abc%20", "12025559999", "ana@example.org")
    ),
    "the pace exactly": lambda scene: scene.seeing(pace={Channel.SMS: _most(scene)}),
    "somebody still waits": under_way,
    "approved, kept back, and approved again": kept_back,
    "stopped before all was read": stopped_half_read,
    "stopped before it was sent": nobody_there,
    "one that waits for its approval, for days": lambda scene: scene.seeing(at=scene.truth.at + timedelta(days=3)),
    "an address that nobody can open": lambda scene: scene.having(Key("A#1.0", "ADDRESS"), subscriber="0", sealed="1.broken"),
    "a letter that is due": lambda scene: scene.having(Key("R#1", "REPLY"), open="REPLY", due=to_ms(scene.truth.at - MINUTE)),
    "a broadcast under way before its end": lambda scene: scene.having(scene.row("routine"), state="sending", open="BROADCAST", due=0),
}


def _most(scene: Scene) -> int:
    seconds = [one.at.replace(microsecond=0) for one in scene.truth.attempts if one.to.channel is Channel.SMS]
    return max(map(seconds.count, seconds))


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND.keys())
def test_what_is_sound_passes(change: Callable[[Scene], Scene]) -> None:
    assert change(a_scene()).broken() == []


def test_the_scene_has_something_of_everything() -> None:
    scene = a_scene()
    found = read_records(Row(key, values) for key, values in scene.rows.items())
    assert {str(one.mark).split(":")[0] for one in found.deliveries.values()} == {"accepted", "delivered", "failed", "skipped", "unconfirmed"}
    assert {one.state.value for one in found.broadcasts.values()} == {"completed", "stopped", "awaiting_approval"}
    assert any(one.resent for one in found.deliveries.values())


# --- planted ---------------------------------------------------------------------------------------------------------

Plant = Callable[[Scene], Scene]


def not_resent(scene: Scene) -> Scene:
    one = next(key for key, values in scene.rows.items() if values.get("resent"))
    return scene.having(one, resent=[])


def thrice(scene: Scene) -> Scene:
    one = next(key for key, values in scene.rows.items() if values.get("resent"))
    taken = [call for call in scene.truth.hand_overs if scene.is_of(call, "urgent")]
    assert one
    return scene.handing(*[call for call in taken if [other.to for other in taken].count(call.to) == 2])


def from_a_page_that_never_counted(scene: Scene) -> Scene:
    call = scene.call("routine", "accepted")
    broadcast, shard, name, entry, number = scene.tokens.read("delivery", call.token) or ()
    page, _, place = name.split("#")
    return scene.handing(replace(call, token=scene.tokens.sign("delivery", broadcast, shard, f"{page}#other#{place}", entry, number)))


def to_another(scene: Scene) -> Scene:
    call = scene.call("routine", "accepted")
    others = [one for one in scene.truth.hand_overs if one != call]
    return scene.seeing(hand_overs=[*others, replace(call, to=Address(Channel.SMS, "+12025559999"))])


def twice_in_a_batch(scene: Scene) -> Scene:
    key = what_key(scene.delivery("routine", "accepted").place[0])
    entries = json.loads(str(scene.rows[key]["entries"]))
    return scene.having(key, entries=json.dumps([entries[-1], *entries[1:]]))


def shard(scene: Scene, number: int = 4) -> Key:
    return Key(f"B#{scene.names['routine']}", f"SHARD#{number:x}")


def pointer(scene: Scene) -> Key:
    one = scene.delivery("routine", "accepted")
    return Key(f"S#{one.subscriber}", f"H#{one.broadcast}#{one.channel}")


def unseen(scene: Scene, name: str, mark: str) -> Scene:
    call = scene.call(name, mark)
    return scene.seeing(hand_overs=[one for one in scene.truth.hand_overs if one != call])


def opted_out_row(scene: Scene) -> Scene:
    call = scene.call("routine", "accepted")
    unmarked = [replace(one, marked_at=None) for one in scene.truth.attempts]
    return scene.seeing(attempts=unmarked).having(Key(f"A#{scene.vault.hash(call.to)}", "ADDRESS"), opted_out=to_ms(call.at - 41 * SECOND))


def opted_out(before: timedelta, *, answered: bool) -> Plant:
    """One opted out so long before an attempt whose mark was old."""

    def plant(scene: Scene) -> Scene:
        call = scene.call("routine", "accepted")
        out = OptOut(scene.vault.hash(call.to), call.at - before, call.at - before if answered else None)
        marks = {True: call.at - MINUTE, False: call.at}
        attempts = [replace(one, marked_at=marks[answered]) if one.token == call.token else one for one in scene.truth.attempts]
        return scene.seeing(opt_outs=[out], attempts=attempts)

    return plant


def approval(name: str, **changes: object) -> Plant:
    def plant(scene: Scene) -> Scene:
        old = scene.rows[scene.row(name)]["approval"]
        assert isinstance(old, Mapping)
        return scene.having(scene.row(name), approval={**old, **changes})

    return plant


def other_words(scene: Scene) -> Scene:
    return scene.having(content_key(scene.names["routine"]), texts={"en": {"title": "Goodbye", "body": "World"}})


def audit(name: str, what: str, change: Callable[[Scene, Key], Scene]) -> Plant:
    return lambda scene: change(scene, scene.entries(name, what)[0])


def doubled(scene: Scene, key: Key) -> Scene:
    return scene.having(Key(key.partition, f"{key.sort}-again"), **scene.rows[key])


def by_another(scene: Scene, key: Key) -> Scene:
    return scene.having(key, who="zoe")


def kept(channel: str, **changes: int) -> Plant:
    """Counts kept that are off by so much."""

    def plant(scene: Scene) -> Scene:
        counts = scene.rows[scene.row("routine")]["counts"]
        assert isinstance(counts, Mapping)
        old = counts[channel]
        assert isinstance(old, Mapping)
        return scene.having(scene.row("routine"), counts={**counts, channel: {**old, **{name: old[name] + by for name, by in changes.items()}}})

    return plant


def shown(scene: Scene) -> Scene:
    name = scene.names["routine"]
    counts = scene.shown[name]
    return replace(scene, shown={name: {**counts, "email": {**counts["email"], "accepted": counts["email"]["accepted"] + 1}}})


def value(scene: Scene, channel: Channel) -> str:
    return next(one.to.value for one in scene.truth.hand_overs if one.to.channel is channel)


def saying(text: Callable[[Scene], str]) -> Plant:
    return lambda scene: replace(scene, texts=("all is well", text(scene)))


def key_of(text: Callable[[Scene], str]) -> Plant:
    return lambda scene: scene.having(Key(f"S#{text(scene)}", "X"), a=1)


def batch(scene: Scene) -> Key:
    return far_key(scene.delivery("routine", "accepted").place[0])


def orphan(scene: Scene) -> Scene:
    key = batch(scene)
    page, _, place = key.sort.split("#")
    values = {**scene.rows[key], "state": "queued", "open": scene.names["routine"], "due": 0}
    return scene.having(Key(key.partition, f"{page}#other#{place}"), **values)


def _ms(scene: Scene, moment: Callable[[Scene], datetime]) -> int:
    return to_ms(moment(scene))


PLANTED: dict[str, tuple[Plant, str]] = {
    # what was planted: (how, what must be said of it)
    "I1 handed over twice": (lambda scene: scene.handing(scene.call("routine", "accepted")), r"I1: .* handed over 2 times"),
    "I1 urgent, twice, and the row does not say so": (not_resent, r"I1: .* handed over 2 times"),
    "I1 urgent, three times": (thrice, r"I1: .* handed over 4 times"),
    "I1 routine, twice, though the row says so": (
        lambda scene: scene.having(batch(scene), resent=list(range(6))).handing(scene.call("routine", "accepted")),
        r"I1: .* handed over 2 times",
    ),
    "I1 from a page that never counted": (from_a_page_that_never_counted, r"I1: something was handed over on sms"),
    "I1 to another address": (to_another, r"I1: .* another address"),
    "I1 planned twice": (twice_in_a_batch, r"I1: .* was planned 2 times"),
    "I2 ended with somebody untried": (
        lambda scene: scene.cell(scene.delivery("routine", "failed:21211"), "").having(scene.row("routine"), state="completed", open=None, due=None),
        r"I2: .* ended as queued",
    ),
    "I2 ended with somebody unknown": (
        lambda scene: scene.cell(scene.delivery("routine", "unconfirmed"), "unknown").having(scene.row("routine"), state="completed", open=None, due=None),
        r"I2: .* ended as unknown",
    ),
    "I2 completed before a shard was done": (lambda scene: scene.having(shard(scene), done=None), r"I2: .* not all shards are done"),
    "I2 completed and a shard has no row": (lambda scene: scene.without(shard(scene, 9)), r"I2: .* not all shards are done"),
    "I2 completed though cut": (lambda scene: scene.having(shard(scene), cut=True), r"I2: .* not read to its end"),
    "I2 somebody is lost": (
        lambda scene: replace(scene, audiences={scene.names["routine"]: scene.audiences[scene.names["routine"]] | {("f" * 32, Channel.SMS)}}),
        r"I2: …ffff on sms of bc_\w+ is lost",
    ),
    "I2 somebody is too many": (
        lambda scene: replace(scene, audiences={scene.names["urgent"]: set()}),
        r"I2: .* is not of its audience",
    ),
    "I2 accepted that nobody took": (lambda scene: unseen(scene, "routine", "accepted"), r"I2: .* was not handed over and its row says accepted"),
    "I2 delivered that nobody took": (
        lambda scene: unseen(scene.having(batch(scene), receipt_delivered=frozenset({scene.delivery("routine", "accepted").place[1]})), "routine", "delivered"),
        r"I2: .* was not handed over and its row says delivered",
    ),
    **{
        f"I2 handed over and {cell or 'untried'}": (
            lambda scene, cell=cell: scene.cell(scene.delivery("routine", "accepted"), cell),
            r"I2: .* was handed over and its worker wrote",
        )
        for cell in ("skipped:opted_out", "expired", "failed:21211", "")
    },
    "I2 no history": (lambda scene: scene.without(pointer(scene)), r"I2: .* has no history"),
    "I2 history that points elsewhere": (lambda scene: scene.having(pointer(scene), entry=99), r"I2: .* points elsewhere"),
    "I3 marked after the opt-out": (opted_out(SECOND, answered=False), r"I3: .* was marked after"),
    "I3 attempted 6 s after the answer": (opted_out(6 * SECOND, answered=True), r"I3: .* more than 5 s after"),
    "I3 opted out on the row alone": (opted_out_row, r"I3: .* was marked after"),
    "I4 no such broadcast": (lambda scene: scene.without(scene.row("routine")), r"I4: .* no such broadcast"),
    "I4 no content": (lambda scene: scene.without(content_key(scene.names["routine"])), r"I4: .* no such broadcast"),
    "I4 no approval": (lambda scene: scene.having(scene.row("routine"), approval=None), r"I4: .* before it was approved"),
    "I4 approved afterwards": (
        lambda scene: approval("routine", at=_ms(scene, lambda scene: scene.truth.at))(scene),
        r"I4: .* before it was approved",
    ),
    "I4 other words than approved": (other_words, r"I4: .* is not what was approved"),
    "I4 others than approved": (lambda scene: scene.having(scene.row("routine"), reached=["events"]), r"I4: .* is not what was approved"),
    "I4 approval of something else": (approval("routine", hash="0" * 64), r"I4: .* is not what was approved"),
    "I4 urgent without a second person": (approval("urgent", rule="routine"), r"I4: .* not approved by a second person"),
    "I4 approved by its author": (approval("urgent", by="ana"), r"I4: .* not approved by a second person"),
    "I4 to very many without a second person": (
        lambda scene: scene.having(scene.row("routine"), planned={"sms": 5001}),
        r"I4: .* not approved by a second person",
    ),
    "I5 a minute after the stop": (
        lambda scene: scene.having(scene.row("stopped"), stop_at=_ms(scene, lambda scene: scene.call("stopped", "accepted").at - 61 * SECOND)),
        r"I5: .* more than 60 s after the stop",
    ),
    "I5 after the expiry": (
        lambda scene: scene.having(scene.row("routine"), expires_at=_ms(scene, lambda scene: scene.call("routine", "accepted").at - SECOND)),
        r"I5: .* after its expiry",
    ),
    "I6 more than agreed": (lambda scene: scene.seeing(pace={Channel.SMS: _most(scene) - 1}), r"I6: \d+ on sms at"),
    "I6 more calls than agreed, most of them refused": (
        lambda scene: scene.seeing(
            pace={Channel.EMAIL: 60}, attempts=[*scene.truth.attempts, *[Attempt(Address(Channel.EMAIL, "x"), "", scene.truth.at)] * 61]
        ),
        r"I6: 6\d on email at",
    ),
    "I7 nobody made it": (audit("routine", "broadcast.created", Scene.without), r"I7: .* 0 entries of being created"),
    "I7 made twice": (audit("routine", "broadcast.created", doubled), r"I7: .* 2 entries of being created"),
    "I7 made by another": (audit("routine", "broadcast.created", by_another), r"I7: .* created by somebody else"),
    "I7 nobody approved it": (audit("urgent", "broadcast.approved", Scene.without), r"I7: .* 0 entries of being approved"),
    "I7 approved twice": (audit("urgent", "broadcast.approved", doubled), r"I7: .* 2 entries of being approved"),
    "I7 approved by another": (audit("urgent", "broadcast.approved", by_another), r"I7: .* approved by somebody else"),
    "I7 nobody stopped it": (audit("stopped", "broadcast.stopped", Scene.without), r"I7: .* 0 entries of being stopped"),
    "I7 stopped on record alone": (lambda scene: scene.having(scene.row("stopped"), stop_at=None), r"I7: .* 1 entries of being stopped"),
    "I8 shows one more": (shown, r"I8: .* shows other counts"),
    "I8 keeps one more": (kept("sms", accepted=1), r"I8: .* keeps other counts"),
    "I8 keeps one expired who did not": (kept("sms", expired=1, accepted=-1), r"I8: .* keeps other counts"),
    "I8 keeps more delivered than there are": (kept("kiosk", accepted=-1, delivered=1), r"I8: .* keeps other counts"),
    "I8 keeps none": (lambda scene: scene.having(scene.row("routine"), counts=None), r"I8: .* keeps other counts"),
    "I9 a rehearsal that reached somebody": (lambda scene: scene.seeing(stage=Stage.TRAINING), r"I9: training reached a provider"),
    "I9 a rehearsal that called and was refused": (lambda scene: scene.seeing(stage=Stage.TRAINING, hand_overs=[]), r"I9: training reached a provider"),
    "I10 a number in a key": (key_of(lambda scene: value(scene, Channel.SMS)), r"I10: .* in a key that begins with S#"),
    "I10 an address in a key": (key_of(lambda scene: value(scene, Channel.EMAIL)), r"I10: .* in a key that begins with S#"),
    "I10 a number in a text": (saying(lambda scene: f"to {value(scene, Channel.SMS)}."), r"I10: .* in text 1 "),
    "I10 a number in a URL": (saying(lambda scene: f"/x?to={value(scene, Channel.SMS).replace('+', '%2B')}&a"), r"I10: .* in text 1 "),
    "I10 a number without its country": (saying(lambda scene: value(scene, Channel.SMS)[2:]), r"I10: .* in text 1 "),
    "I10 an address in a text": (saying(lambda scene: f'{{"to":"{value(scene, Channel.EMAIL).upper()}"}}'), r"I10: .* in text 1 "),
    "I10 an address in a URL": (saying(lambda scene: f"/x/{value(scene, Channel.EMAIL).replace('@', '%40')}/y"), r"I10: .* in text 1 "),
    "I10 the address of one who was never handed anything": (
        lambda scene: replace(
            scene,
            truth=Truth(scene.truth.at),
            rows={k: v for k, v in scene.rows.items() if k.sort == "ADDRESS"},
            texts=(value(scene, Channel.SMS),),
            audiences={},
        ),
        r"I10: .* in text 0 ",
    ),
    "I11 unfinished long after its expiry": (
        lambda scene: scene.having(scene.row("routine"), state="sending", open="BROADCAST", due=0).seeing(at=scene.truth.at + timedelta(hours=27)),
        r"I11: .* is still sending, long after",
    ),
    "I11 under way and the sweep cannot find it": (lambda scene: scene.having(scene.row("routine"), state="sending"), r"I11: .* is sending and not open"),
    "I11 ended and still open": (lambda scene: scene.having(scene.row("routine"), open="BROADCAST", due=0), r"I11: .* is completed and open"),
    "I11 a batch still open": (lambda scene: scene.having(batch(scene), open=scene.names["routine"], due=0), r"I11: a batch .* is still open$"),
    "I11 a batch that never counted still open": (orphan, r"I11: a batch .* still open and never counted"),
    "I11 a batch that the sweep cannot find": (lambda scene: scene.having(batch(scene), state="waiting"), r"I11: a batch .* is waiting and not open"),
    "I11 a letter that nobody takes up": (
        lambda scene: scene.having(Key("R#1", "REPLY"), open="REPLY", due=_ms(scene, lambda scene: scene.truth.at - timedelta(hours=3))),
        r"I11: a row under R# has been due for long",
    ),
}


@pytest.mark.parametrize(("plant", "said"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_is_found(plant: Plant, said: str) -> None:
    found = plant(a_scene()).broken()
    assert any(re.fullmatch(rf"{said}.*", one) for one in found), found


@pytest.mark.parametrize(("plant", "said"), PLANTED.values(), ids=PLANTED.keys())
def test_what_is_said_names_nobody(plant: Plant, said: str) -> None:
    scene = a_scene()
    values = {one.to.value.removeprefix("+") for one in scene.truth.attempts if one.to.channel is not Channel.KIOSK}
    assert not [one for one in plant(scene).broken() for known in values if known in one]


def test_every_promise_has_a_planted_violation() -> None:
    assert {name.split()[0] for name in PLANTED} == {f"I{number}" for number in range(1, 12)}
