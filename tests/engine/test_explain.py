"""Explaining a delivery: for whoever got it and whoever did not, the reason that decided, with what they wanted then and not now."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import BroadcastState
from chalicelib.domain.consent import EVERYTHING as ALL_TOPICS
from chalicelib.domain.consent import Consent, How, Step, detail_of
from chalicelib.domain.explaining import SENTENCES
from chalicelib.domain.filters import EVERYTHING, Filters, Hours
from chalicelib.domain.jobs import FanOutJob
from chalicelib.domain.message import Answer, Outcome
from chalicelib.domain.notice import Severity
from chalicelib.domain.preferences import UNCHOSEN, Digest, Preferences
from chalicelib.errors import NotFound
from chalicelib.flows.approve import approve
from chalicelib.flows.explain import Explained, explain
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.state.table import Row
from chalicelib.store.notices import revision_key
from chalicelib.store.subscriptions import Subscription
from tests.engine.town import VISIBILITY, Town

ANA = "a" * 32
PHONE, EMAIL = Address(Channel.SMS, "+12025550142"), Address(Channel.EMAIL, "ana@example.org")
SEVERE = Filters(severity=Severity.SEVERE)


@pytest.fixture
def town() -> Town:
    return Town()


def note(town: Town, step: Step, topic: str, *, address: Address = PHONE, filters: Filters = EVERYTHING, preferences: Preferences = UNCHOSEN) -> Consent:
    """An entry of the ledger, a minute after the one before."""
    town.clock.advance(timedelta(minutes=1))
    hash = town.plain.vault.hash(address)
    return Consent(ANA, hash, address.channel, topic, step, How.KEYWORD, town.new_id(), "en", town.clock(), detail=detail_of(filters, preferences))


def join(town: Town, topic: str = "transit", *, address: Address = PHONE, filters: Filters = EVERYTHING, preferences: Preferences = UNCHOSEN) -> None:
    store, entry = town.plain, note(town, Step.JOINED, topic, address=address, filters=filters, preferences=preferences)
    known = store.addresses.claim(address, subscriber=ANA, verified=True)
    one = Subscription(ANA, topic, address.channel, known.hash, "en", preferences, filters)
    town.state.table.transact([*store.subscriptions.join_writes(one), store.consents.add_write(entry)])


def leave(town: Town, topic: str = "transit", *, step: Step = Step.LEFT) -> None:
    store = town.plain
    town.state.table.transact([*store.subscriptions.leave_writes(ANA, topic, Channel.SMS), store.consents.add_write(note(town, step, topic))])


def choose(town: Town, topic: str = "transit", *, filters: Filters = EVERYTHING, preferences: Preferences = UNCHOSEN) -> None:
    store = town.plain
    [one] = [found for found in store.subscriptions.of(ANA, Channel.SMS) if found.topic == topic]
    entry = note(town, Step.PREFERENCES, topic, filters=filters, preferences=preferences)
    chosen = replace(one, filters=filters, preferences=preferences)
    town.state.table.transact([*store.subscriptions.choice_writes(chosen), store.consents.add_write(entry)])


def send(town: Town, *topics: str, minutes: int = 1) -> str:
    """A broadcast is sent, as far as it can be by now."""
    town.clock.advance(timedelta(minutes=minutes))
    name = town.broadcast(*(topics or ("transit",)))
    town.work()
    return name


def ask(town: Town, name: str, address: Address = PHONE) -> Explained:
    return explain(address, name, services=town.services)


def codes(found: Explained) -> list[str]:
    for because in found.because:
        assert because.detail and "{" not in because.detail
    return [because.code for because in found.because]


# --- who got it ------------------------------------------------------------------------------------------------------


def test_who_got_it_is_told_when_they_were_planned_and_what_brought_it(town: Town) -> None:
    join(town)
    name = send(town, "transit/red-line")
    found = ask(town, name)
    assert (found.recipient, str(found.mark), found.channel) == (True, "accepted", Channel.SMS)
    assert codes(found) == ["planned", "followed"]
    town.deliver_receipts()
    assert codes(ask(town, name)) == ["planned", "followed", "receipt"]
    assert str(ask(town, name).mark) == "delivered"
    assert list(found.standing.follows) == ["transit"]


def test_what_they_changed_later_changes_no_explanation(town: Town) -> None:
    join(town, filters=SEVERE)
    name = send(town)
    choose(town)
    found = ask(town, name)
    assert (found.recipient, str(found.mark)) == (True, "skipped:filtered")
    assert codes(found) == ["planned", "followed", "filtered", "skipped"]
    assert found.because[2].values == {"topic": "transit", "filter": "severity"}
    assert found.chosen and found.chosen.filters == SEVERE
    leave(town)
    assert codes(ask(town, name)) == codes(found)


@pytest.mark.parametrize(
    ("preferences", "filters", "because"),
    [
        pytest.param(Preferences(digest=Digest.WEEKLY), EVERYTHING, ("digest", "weekly"), id="a digest"),
        pytest.param(Preferences(paused_until=Town().clock() + timedelta(days=2)), EVERYTHING, ("paused", "2026-12-03T12:00:00Z"), id="a pause"),
        pytest.param(UNCHOSEN, SEVERE, ("filtered", "severity"), id="a filter"),
        pytest.param(Preferences(quiet=(300, 540)), EVERYTHING, ("quiet_hours", "05:00"), id="their quiet hours"),
        pytest.param(Preferences(zone="America/Los_Angeles", quiet=(180, 300)), EVERYTHING, ("quiet_hours", "America/Los_Angeles"), id="quiet far away"),
        pytest.param(UNCHOSEN, Filters(hours=Hours(frozenset({1}), 600, 660)), ("outside_hours", "hours"), id="other hours"),
        pytest.param(UNCHOSEN, Filters(hours=Hours(frozenset({4}))), ("outside_hours", "days"), id="other days"),
    ],
)
def test_the_choice_that_decided_is_named(town: Town, preferences: Preferences, filters: Filters, because: tuple[str, str]) -> None:
    join(town, preferences=preferences, filters=filters)
    found = ask(town, send(town))
    [choice] = [one for one in found.because if one.code not in {"planned", "followed", "skipped", "held"}]
    assert choice.code == because[0]
    assert because[1] in choice.values.values()
    assert found.chosen and (found.chosen.preferences, found.chosen.filters) == (preferences, filters)
    assert codes(found)


def test_what_was_held_says_until_when_and_still_says_so_once_it_went(town: Town) -> None:
    shard = int(ANA[0], 16)
    town.follower("transit", locale="ar", quiet=(360, 540), shard=shard)  # another batch of the same shard
    town.follower("transit/red-line", quiet=(360, 540), shard=shard)  # before them in their batch
    join(town, preferences=Preferences(quiet=(360, 540)))
    name = send(town, "transit/red-line")
    found = ask(town, name)
    assert (str(found.mark), codes(found)) == ("held", ["planned", "followed", "quiet_hours", "held"])
    assert found.because[1].values["topic"] == "transit"
    assert found.because[2].values["until"] == found.because[3].values["until"] == "2026-12-01T14:00:00Z"
    town.settle(name)
    assert (str(ask(town, name).mark), codes(ask(town, name))) == ("accepted", ["planned", "followed", "quiet_hours"])


DAILY, WEEKLY = (Preferences(digest=digest) for digest in (Digest.DAILY, Digest.WEEKLY))


def turn(town: Town, preferences: Preferences) -> None:
    """Twenty seconds after what was before, they change when it comes, as on their page."""
    town.clock.advance(timedelta(seconds=20))
    store, now = town.plain, town.clock()
    [one] = store.subscriptions.of(ANA, Channel.SMS)
    detail = detail_of(EVERYTHING, preferences)
    entry = Consent(ANA, one.address, Channel.SMS, ALL_TOPICS, Step.PREFERENCES, How.WEB, town.new_id(), "en", now, detail=detail)
    changed = replace(one, preferences=preferences).from_now(now, before=one)
    town.state.table.transact([*store.subscriptions.choice_writes(changed, before=one), store.consents.add_write(entry)])


@pytest.mark.parametrize(
    ("turns", "seconds", "digest"),
    [
        pytest.param([UNCHOSEN], 20, "daily", id="less than a minute ago"),
        pytest.param([UNCHOSEN], 70, None, id="longer ago"),
        pytest.param([UNCHOSEN, DAILY], 20, "daily", id="there and back"),
        pytest.param([UNCHOSEN, DAILY], 70, "daily", id="there and back, longer ago"),
        pytest.param([WEEKLY], 20, "daily", id="to another digest"),
        pytest.param([UNCHOSEN, WEEKLY], 70, "weekly", id="to another digest, longer ago"),
    ],
)
def test_who_has_just_changed_their_digest_is_told_what_held_when_it_was_sent(town: Town, turns: list[Preferences], seconds: int, digest: str | None) -> None:
    join(town, preferences=DAILY)
    for preferences in turns:
        turn(town, preferences)
    town.clock.advance(timedelta(seconds=seconds))
    found = ask(town, send(town, minutes=0))
    expected = ("skipped:digest", ["planned", "followed", "digest", "skipped"]) if digest else ("accepted", ["planned", "followed"])
    assert (str(found.mark), codes(found)) == expected
    assert [one.values["digest"] for one in found.because if one.code == "digest"] == ([digest] if digest else [])


def test_who_joined_anew_with_another_digest_is_told_of_the_old_one_for_a_minute(town: Town) -> None:
    join(town, preferences=DAILY)
    town.clock.advance(timedelta(hours=1))
    [one] = town.plain.subscriptions.of(ANA, Channel.SMS)
    entry = note(town, Step.JOINED, "transit")
    again = replace(one, preferences=UNCHOSEN).from_now(town.clock(), before=one)
    town.state.table.transact([*town.plain.subscriptions.join_writes(again), town.plain.consents.add_write(entry)])
    town.clock.advance(timedelta(seconds=20))
    assert codes(ask(town, send(town, minutes=0))) == ["planned", "followed", "digest", "skipped"]


def test_who_wants_it_by_email_alone_is_told_so(town: Town) -> None:
    join(town, preferences=Preferences(email_first=True))
    join(town, address=EMAIL)
    name = send(town)
    assert codes(ask(town, name)) == ["planned", "followed", "by_email", "skipped"]
    assert str(ask(town, name).mark) == "skipped:by_email"
    assert str(ask(town, name, EMAIL).mark) == "accepted"


def test_who_gets_a_digest_by_email_alone_is_told_so(town: Town) -> None:
    join(town, filters=SEVERE, preferences=replace(DAILY, digest_hour=8, email_first=True))
    join(town, address=EMAIL, preferences=replace(DAILY, digest_hour=8, email_first=True))
    town.clock.advance(timedelta(minutes=1))
    town.broadcast("transit", severity=Severity.SEVERE)
    for _ in range(24):
        town.clock.advance(timedelta(minutes=5))
        town.tick()
        town.work()
    [digest] = [one.id for one in town.plain.broadcasts.page(limit=10)[0] if one.author == "digest"]
    found = ask(town, digest)
    assert (str(found.mark), codes(found)) == ("skipped:by_email", ["planned", "followed", "by_email", "skipped"])
    assert str(ask(town, digest, EMAIL).mark) == "accepted"


def test_of_two_topics_each_that_said_no_is_named(town: Town) -> None:
    join(town, filters=SEVERE)
    join(town, "transit/red-line", preferences=Preferences(digest=Digest.DAILY))
    found = ask(town, send(town, "transit/red-line"))
    assert (str(found.mark), codes(found)) == ("skipped:digest", ["planned", "followed", "filtered", "digest", "skipped"])
    assert found.standing.follows.keys() == {"transit", "transit/red-line"}


def test_who_paused_while_it_was_held_is_told_of_the_pause(town: Town) -> None:
    join(town, preferences=Preferences(quiet=(360, 540)))
    name = send(town)
    choose(town, preferences=Preferences(quiet=(360, 540), paused_until=town.clock() + timedelta(days=1)))
    town.settle(name)
    found = ask(town, name)
    assert str(found.mark) == "skipped:paused"
    assert codes(found) == ["planned", "followed", "quiet_hours", "paused", "skipped"]


def held_then(town: Town, act: Callable[[], None]) -> Explained:
    join(town, preferences=Preferences(quiet=(360, 540)))
    name = send(town)
    act()
    town.settle(name)
    return ask(town, name)


def test_who_left_while_it_was_held_is_told_when(town: Town) -> None:
    found = held_then(town, lambda: leave(town))
    assert str(found.mark) == "skipped:opted_out"
    assert codes(found) == ["planned", "followed", "quiet_hours", "skipped", "left_before"]


def test_who_said_stop_while_it_was_held_is_told_when(town: Town) -> None:
    found = held_then(town, lambda: town.plain.addresses.opt_out(town.plain.vault.hash(PHONE), town.clock()))
    assert codes(found) == ["planned", "followed", "quiet_hours", "skipped", "opted_out"]


@pytest.mark.parametrize(
    ("outcome", "mark", "code"),
    [
        (Outcome(Answer.REFUSED, code="21211"), "failed:21211", "failed"),
        (Outcome(Answer.UNKNOWN), "unconfirmed", "unproven"),
    ],
    ids=["refused", "lost"],
)
def test_what_a_provider_did_is_told(town: Town, outcome: Outcome, mark: str, code: str) -> None:
    join(town)
    town.providers[Channel.SMS].answers[PHONE.value] = [outcome] * 2
    name = send(town)
    town.settle(name)
    found = ask(town, name)
    assert (str(found.mark), codes(found)[-1]) == (mark, code)


def test_what_was_sent_again_says_so(town: Town) -> None:
    join(town)
    provider = town.providers[Channel.SMS]
    provider.can_find, provider.answers[PHONE.value] = True, [Outcome(Answer.UNKNOWN)]
    name = send(town)
    town.settle(name)
    assert codes(ask(town, name)) == ["planned", "followed", "sent_again"]


def test_a_correction_is_for_whoever_got_the_wrong_one_whatever_they_chose_since(town: Town) -> None:
    join(town)
    wrong = send(town)
    choose(town, preferences=Preferences(quiet=(360, 540)))
    found, content = town.plain.broadcasts.get(wrong), town.plain.broadcasts.content(wrong)
    assert found and content
    right = replace(found, id="bc_right", audience=replace(found.audience, corrects=wrong), state=BroadcastState.SENDING)
    town.state.table.transact(town.plain.broadcasts.create_writes(right, content))
    fan_out(FanOutJob("bc_right", int(ANA[0], 16)), services=town.services)
    assert codes(ask(town, "bc_right")) == ["planned", "followed"]


def test_who_wants_an_alert_calm_is_told_of_the_calm_of_then(town: Town) -> None:
    join(town, preferences=Preferences(calm=True))
    first = send(town)
    found, content = town.plain.broadcasts.get(first), town.plain.broadcasts.content(first)
    assert found and content
    town.clock.advance(timedelta(minutes=5))
    update = replace(found, id="bc_update", send_at=replace(found.send_at, instant=town.clock()), state=BroadcastState.SENDING)
    town.state.table.transact(town.plain.broadcasts.create_writes(update, replace(content, revision=2)))
    rows = [Row(revision_key(content.notice, number), {"broadcast": name}) for number, name in ((1, first), (2, "bc_update"))]
    town.state.table.put_many(rows)
    fan_out(FanOutJob("bc_update", int(ANA[0], 16)), services=town.services)
    for hours in (0, 5):
        town.clock.advance(timedelta(hours=hours))
        found_now = ask(town, "bc_update")
        assert codes(found_now)[:3] == ["planned", "followed", "calm"]
        assert found_now.because[2].values == {"until": "2026-12-01T12:32:00Z"}


def test_what_expired_says_so(town: Town) -> None:
    join(town, preferences=Preferences(quiet=(360, 540)))
    town.clock.advance(timedelta(minutes=1))
    name = town.broadcast("transit", lasts=timedelta(minutes=30))
    town.settle(name)
    assert codes(ask(town, name))[-1] == "expired"


# --- who did not -----------------------------------------------------------------------------------------------------


def test_who_follows_something_else_is_told(town: Town) -> None:
    join(town, "jobs")
    found = ask(town, send(town))
    assert (found.recipient, found.mark, found.chosen, codes(found)) == (False, None, None, ["never_followed"])
    assert list(found.standing.follows) == ["jobs"]


def test_an_address_that_we_do_not_know_has_the_same_shape(town: Town) -> None:
    found = ask(town, send(town))
    assert (found.recipient, found.mark, found.chosen, codes(found)) == (False, None, None, ["unknown_address"])


def test_of_an_erased_address_nothing_is_known(town: Town) -> None:
    town.plain.addresses.opt_out(town.plain.vault.hash(PHONE), town.clock())
    assert codes(ask(town, send(town))) == ["erased"]


def test_who_joined_after_is_told_when(town: Town) -> None:
    join(town, "jobs")
    name = send(town)
    join(town)
    found = ask(town, name)
    assert codes(found) == ["joined_after"]
    assert found.because[0].values == {"topic": "transit", "at": "2026-12-01T12:03:00Z"}
    assert list(found.standing.follows) == ["jobs"]


@pytest.mark.parametrize(("step", "code"), [(Step.LEFT, "left_before"), (Step.STOPPED, "stopped")])
def test_who_left_before_is_told_when(town: Town, step: Step, code: str) -> None:
    join(town)
    leave(town, step=step)
    name = send(town)
    join(town)
    found = ask(town, name)
    assert codes(found) == [code]
    assert found.because[0].values["at"] == "2026-12-01T12:02:00Z"


def test_who_left_while_it_waited_for_its_approval_had_left_before(town: Town) -> None:
    join(town)
    name = town.broadcast("transit", urgent=True, state=BroadcastState.AWAITING_APPROVAL)
    leave(town)
    town.clock.advance(timedelta(minutes=1))
    approve(name, by="ben", services=town.services)
    town.settle(name)
    assert codes(ask(town, name)) == ["left_before"]


@pytest.mark.parametrize("state", [BroadcastState.AWAITING_APPROVAL, BroadcastState.NEEDS_REVIEW, BroadcastState.SCHEDULED])
def test_one_that_was_never_launched_says_so_first(town: Town, state: BroadcastState) -> None:
    join(town)
    name = town.broadcast("transit", state=state, later=timedelta(minutes=10))
    assert codes(ask(town, name)) == ["not_launched", "followed"]


def test_one_that_is_being_read_says_so(town: Town) -> None:
    join(town)
    town.clock.advance(timedelta(minutes=1))
    name = town.broadcast("transit")
    for message in town.state.queues.receive(["launch"], 1, VISIBILITY):
        town.run(message)
    assert codes(ask(town, name)) == ["not_read_yet", "followed"]


def test_one_that_was_stopped_before_their_page_says_so(town: Town) -> None:
    join(town)
    town.clock.advance(timedelta(minutes=1))
    name = town.broadcast("transit")
    for message in town.state.queues.receive(["launch"], 1, VISIBILITY):
        town.run(message)
    stop_broadcast(name, by="ana", services=town.services)
    town.settle(name)
    assert codes(ask(town, name)) == ["stopped_before", "followed"]


def test_one_that_was_not_for_their_channel_says_so(town: Town) -> None:
    join(town)
    name = send(town)
    found = town.plain.broadcasts.get(name)
    content = town.plain.broadcasts.content(name)
    assert found and content
    other = replace(found, id="bc_mail", audience=replace(found.audience, channels=(Channel.EMAIL,)), state=BroadcastState.SENDING)
    town.state.table.transact(town.plain.broadcasts.create_writes(other, content))
    assert codes(ask(town, "bc_mail")) == ["other_channel", "followed"]
    correction = replace(other, id="bc_right", audience=replace(found.audience, corrects=name))
    town.state.table.transact(town.plain.broadcasts.create_writes(correction, content))
    assert codes(ask(town, "bc_right")) == ["corrects", "followed"]
    digest = replace(other, id="bc_day", audience=replace(found.audience, digest="daily-08-0-"))
    town.state.table.transact(town.plain.broadcasts.create_writes(digest, content))
    assert codes(ask(town, "bc_day")) == ["is_digest", "followed"]


def test_after_a_month_the_ledger_still_says_who_followed(town: Town) -> None:
    join(town)
    name = send(town, "jobs")
    town.clock.advance(timedelta(days=31))
    assert codes(ask(town, name)) == ["long_ago", "never_followed"]


def test_a_broadcast_that_is_none_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound):
        ask(town, "bc_none")


def test_every_code_has_its_sentence_in_the_past_of_staff() -> None:
    assert all(sentence.endswith((".", "}.")) and sentence[0].isupper() for sentence in SENTENCES.values())
