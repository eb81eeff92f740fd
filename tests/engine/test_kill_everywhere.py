"""The process dies before and after every state and provider call of a broadcast on three channels. Nobody is missed, nobody twice."""

import logging
from collections.abc import Callable, Sequence
from functools import cache

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import LEASE, WINDOW_ROUTINE
from chalicelib.domain.delivery import State
from chalicelib.domain.message import Advice, Answer, Outcome
from chalicelib.domain.notice import Kind, Notice, Severity, Text
from chalicelib.flows.approve import approve
from chalicelib.flows.fan_out import SLACK
from chalicelib.flows.post_broadcast import Order, post_broadcast
from chalicelib.flows.preview import preview
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.intake.sms import reply_to
from chalicelib.logs import JsonLine
from chalicelib.store.requests import RequestName
from local.proof.everyone import Recipient
from local.proof.truth import OptOut
from tests.engine.correcting import a_correction, corrected, may_have
from tests.engine.kills import EVERY, Names, Scenario, Step, Struck, Tape, Taped, settle
from tests.engine.town import Town

SLICES = 4
SWEEPS = 3 * EVERY
SHARD = 5
UNKNOWN, OPTED_OUT = Outcome(Answer.UNKNOWN, "timeout"), Outcome(Answer.REFUSED, "21610", advice=Advice.OPTED_OUT)


# --- who is there ----------------------------------------------------------------------------------------------------


def a_crowd(town: Town, names: Names) -> None:
    """Five in one shard on three channels: one follows two topics, one reads Spanish, one has quiet hours for three minutes more."""
    for more in ({}, {}, {"locale": "es"}, {"quiet": (6 * 60, 7 * 60 + 3)}):
        town.follower("transit", channels=list(Channel), shard=SHARD, **more)  # type: ignore[arg-type]
    town.follower("transit", "transit/red-line", channels=list(Channel), shard=SHARD)
    names["first"] = town.broadcast("transit/red-line")


def a_doubtful_few(*, urgent: bool) -> Step:
    """Four with phones: the answers to two calls are lost, one of them after it was taken; one opted out at the provider."""

    def people(town: Town, names: Names) -> None:
        taken, lost, out, _ = [town.address(town.follower("transit", shard=SHARD), Channel.SMS).value for _ in range(4)]
        provider = town.providers[Channel.SMS]
        provider.answers, provider.swallowed = {taken: [UNKNOWN], lost: [UNKNOWN], out: [OPTED_OUT]}, {taken}
        provider.can_find = not urgent
        names["first"] = town.broadcast("transit", urgent=urgent)

    return people


def nobody_told_yet(town: Town, names: Names) -> None:
    """Three with phones, and nothing to say so far."""
    for _ in range(3):
        town.follower("transit", shard=SHARD)


# --- what happens ----------------------------------------------------------------------------------------------------


def settled(*, receipts: bool = False) -> Step:
    return lambda town, names: settle(town, *names.values(), receipts=receipts)


def work(jobs: int) -> Step:
    def step(town: Town, names: Names) -> None:
        town.work(most=jobs)

    return step


def stopped(town: Taped, names: Names) -> None:
    town.act(lambda town: stop_broadcast(names["first"], by="cyn", services=town.services))


def set_right(town: Taped, names: Names) -> None:
    """As the API does it: whoever asks again under the same name is told what they were told."""

    def correct(town: Town) -> None:
        correction = a_correction(names["first"])
        before = town.services.store.requests.find(correction.request, town.clock())
        names["second"] = str(before.answer["id"]) if before else corrected(town, names["first"])

    town.act(correct)


def opted_out(town: Taped, names: Names) -> None:
    """The second of them texts STOP, and has the answer."""
    phone = town.address(followers(town)[1], Channel.SMS)
    form = {"MessageSid": "SM" + "0" * 32, "From": phone.value, "Body": "STOP"}
    town.act(lambda town: reply_to(form, services=town.services))
    town.opt_outs.append(OptOut(town.plain.vault.hash(phone), town.clock(), town.clock()))


def posted(town: Taped, names: Names) -> None:
    """An emergency, which takes a second person."""
    notice = Notice("", Kind.EMERGENCY, Severity.SEVERE, {"en": Text("Water", "Boil it")}, "en", topics=("transit",))
    order = Order(notice, None, "ana", RequestName("ana", "POST /v1/broadcasts", "k"), "hash")

    def post(town: Town) -> None:
        answer = post_broadcast(order, preview(notice, None, services=town.services), services=town.services).answer
        names["first"] = str(answer["id"])

    town.act(post)


def approved(town: Taped, names: Names) -> None:
    town.act(lambda town: approve(names["first"], by="ben", services=town.services))


# --- how it ended ----------------------------------------------------------------------------------------------------


def followers(town: Town) -> list[str]:
    return sorted({row.key.partition.removeprefix("S#") for row in town.state.rows() if row.key.partition.startswith(f"S#{SHARD}")})


def everybody(*channels: Channel) -> Callable[[Town, Names], list[str]]:
    return lambda town, names: town.broken({names["first"]: {(one, channel) for one in followers(town) for channel in channels}})


def the_first_and_who_may_have_got_it(town: Town, names: Names) -> list[str]:
    return town.broken({names["second"]: may_have(town, names["first"])})


def whoever(town: Town, names: Names) -> list[str]:
    return town.broken()


def wrong(tape: Tape, town: Town, names: Names, struck: Sequence[Struck]) -> list[str]:
    """All that the checker finds; who was left in doubt though nobody was attempting them at a death; and an end that came late."""
    found = tape.scenario.wrong(town, names)
    doubtful = frozenset[Recipient]().union(*(one.doubtful for one in struck))
    lost = {(who, channel) for name in names.values() for who, channel, mark in town.standings(name) if mark.state is State.UNCONFIRMED}
    waits = len(struck) * ((LEASE + WINDOW_ROUTINE if doubtful else SLACK) + SWEEPS)
    late = town.clock() - max(struck[-1].at, tape.clean.clock())
    return [*found, *(f"in doubt without a cause: {one}" for one in lost - doubtful), *([f"ended {late - waits} late"] if late > waits else [])]


SCENARIOS = {
    "sent, held and released": Scenario(a_crowd, [settled()], everybody(*Channel)),
    "confirmed by receipts": Scenario(a_crowd, [work(17), settled(receipts=True)], everybody(*Channel), since=1),
    "stopped half way": Scenario(a_crowd, [work(18), stopped, settled()], whoever),
    "corrected half way": Scenario(a_crowd, [work(19), set_right, settled()], the_first_and_who_may_have_got_it, since=1),
    "routine, in doubt, asked about": Scenario(a_doubtful_few(urgent=False), [settled()], everybody(Channel.SMS)),
    "urgent, in doubt, sent again": Scenario(a_doubtful_few(urgent=True), [settled()], everybody(Channel.SMS)),
    "one opts out half way": Scenario(a_crowd, [work(18), opted_out, settled()], everybody(*Channel), since=1),
    "posted and approved": Scenario(nobody_told_yet, [posted, approved, settled()], everybody(Channel.SMS)),
}


@cache
def tape(name: str) -> Tape:
    return Tape(SCENARIOS[name])


@pytest.mark.parametrize("slice_", range(SLICES))
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_death_at_any_call_neither_loses_nor_doubles(name: str, slice_: int, caplog: pytest.LogCaptureFixture) -> None:
    """Seen to fail with `after_crash` leaving what was being attempted untried, with `is_counted` true of every token, without the history
    rows, with `Batches.mark` naming nobody, without the sweep's shards or its batches, with `verdict` passing over an
    opt-out, with `ProgressReader.read` ending before orphans are gone, and with `resolve_unknown` forgetting who was sent again."""
    caplog.set_level(logging.INFO)
    for death in tape(name).deaths()[slice_::SLICES]:
        assert wrong(tape(name), *tape(name).play(death)) == [], death
    said = [JsonLine().format(record) for record in caplog.records]
    assert tape(name).clean.broken(texts=said) == [], "somebody's address is in a log line"
