"""Letters: they go before routine broadcasts and starve nobody, heed the switches, and are given up only where nothing more can come of them."""

import json
import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import Limits, SignUpLimits
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import NOT_TRIED, Answer, Outcome, Parcel
from chalicelib.domain.pace import PROBE_EVERY, SLOW, Tempo
from chalicelib.domain.times import to_ms
from chalicelib.errors import StateLater
from chalicelib.flows.send_reply import send_reply
from chalicelib.flows.sign_up import sign_up
from chalicelib.flows.signing import Human, Origin
from chalicelib.flows.slots import pacer
from chalicelib.flows.turn_switch import turn_switch
from chalicelib.state.table import Change, Key
from chalicelib.store.addresses import address_key
from chalicelib.store.pace import find_tempo, tempo_key
from chalicelib.store.sign_ups import VALID
from chalicelib.store.stores import Stores
from tests.engine.town import Crash, Town

MINUTE = timedelta(minutes=1)
OUT_OF_REACH = Outcome(Answer.NOT_SENT, "ConnectTimeoutError")


@pytest.fixture
def town() -> Town:
    made = Town(pace={Channel.EMAIL: 14})
    limits = replace(made.services.city.limits, sign_ups=SignUpLimits(per_hour=10_000))
    made.services = replace(made.services, city=replace(made.services.city, limits=limits))
    return made


def sign_somebody_up(town: Town, number: int = 1) -> str:
    """Somebody signs up on a page; their letter's name."""
    sign_up(email=f"new{number}@example.org", topics=["transit"], locale="en", services=town.services, origin=Origin(human=Human.SURE))
    return str(json.loads(town.notes.bodies[-1])["reply"])


def letters(town: Town) -> int:
    """How many letters arrived."""
    return sum(one.to.value.startswith("new") for one in town.providers[Channel.EMAIL].truth)


def live(town: Town, length: timedelta) -> None:
    """Minutes go by, in which queues are worked off and the clock ticks."""
    end = town.clock() + length
    while town.clock() < end:
        town.work()
        town.tick()
        town.work()
        town.clock.advance(MINUTE)


def shut(town: Town) -> None:
    """Nothing came back from the sender: it is left alone but for probes, the first of them now."""
    town.state.table.update(tempo_key(Channel.EMAIL), Change(set={"shut_until": to_ms(town.clock()), "version": 1, "good": 0}))


def tempo(town: Town) -> Tempo:
    key = tempo_key(Channel.EMAIL)
    return find_tempo(Channel.EMAIL, {key: town.state.table.get(key) or {}})


# --- beside broadcasts -----------------------------------------------------------------------------------------------


def test_a_letter_every_three_seconds_keeps_no_routine_broadcast_waiting(town: Town) -> None:
    refused, limits = 0, Limits(sign_ups=SignUpLimits(per_hour=500))
    town.services = replace(town.services, city=replace(town.services.city, limits=limits))
    for number in range(400):
        send_reply(sign_somebody_up(town, number), services=town.services)
        for _ in range(5):
            town.clock.advance(timedelta(seconds=0.58))
            refused += pacer(Channel.EMAIL, urgent=False, tempo=Tempo(), services=town.services).take(5, 5) is not None
    assert (refused, letters(town)) == (0, 400)


def test_a_letter_does_not_wait_for_a_routine_broadcast_to_end(town: Town) -> None:
    town.services = replace(town.services, sleep=lambda _seconds: None)  # other workers wait for their slots
    while pacer(Channel.EMAIL, urgent=False, tempo=Tempo(), services=town.services).take(14, 14) is None:
        pass
    town.services = replace(town.services, sleep=lambda seconds: town.clock.advance(timedelta(seconds=seconds)))
    send_reply(sign_somebody_up(town), services=town.services)
    assert letters(town) == 1


def test_a_letter_leaves_an_urgent_broadcast_its_turn(town: Town) -> None:
    assert pacer(Channel.EMAIL, urgent=True, tempo=Tempo(), services=town.services).take(14, 14) is None
    until = tempo(town).urgent_until
    send_reply(sign_somebody_up(town), services=town.services)
    assert (letters(town), tempo(town).urgent_until) == (1, until)
    assert pacer(Channel.EMAIL, urgent=False, tempo=Tempo(), services=town.services).take(14, 14) is not None


def test_an_emergency_goes_through_once_its_provider_is_well_though_letters_come_each_second(town: Town) -> None:
    for _ in range(5):
        town.follower("transit", channels=[Channel.EMAIL], shard=3)
    town.providers[Channel.EMAIL].fault = lambda _parcel: OUT_OF_REACH
    shut(town)
    _a_letter_each_second(town, 100)
    name = town.broadcast("transit", urgent=True)
    _a_letter_each_second(town, 20)
    assert (letters(town), len(town.providers[Channel.EMAIL].truth)) == (0, 0)
    town.providers[Channel.EMAIL].fault = lambda _parcel: None
    _a_letter_each_second(town, 120)
    assert (town.counts(name)[Channel.EMAIL], tempo(town).shut_until) == (Counter({Mark(State.ACCEPTED): 5}), None)


def _a_letter_each_second(town: Town, seconds: int) -> None:
    for second in range(seconds):
        send_reply(sign_somebody_up(town, second), services=town.services)
        town.work()
        if second % 60 == 0:
            town.tick()
        town.clock.advance(timedelta(seconds=1))


@pytest.mark.parametrize(
    ("outcome", "takes", "good", "shut_for"),
    [
        pytest.param(Outcome(Answer.ACCEPTED), timedelta(0), 1, timedelta(0), id="accepted"),
        pytest.param(Outcome(Answer.REFUSED), timedelta(0), 1, timedelta(0), id="refused is an answer"),
        pytest.param(Outcome(Answer.LATER), timedelta(0), 0, PROBE_EVERY, id="later"),
        pytest.param(OUT_OF_REACH, timedelta(0), 0, PROBE_EVERY, id="not sent"),
        pytest.param(Outcome(Answer.UNKNOWN), timedelta(0), 0, PROBE_EVERY, id="unknown"),
        pytest.param(Outcome(Answer.NOT_SENT, NOT_TRIED), timedelta(0), 0, PROBE_EVERY, id="not tried"),
        pytest.param(Outcome(Answer.ACCEPTED), SLOW + timedelta(seconds=2), 0, PROBE_EVERY, id="accepted far too late"),
    ],
)
def test_what_came_of_a_letter_counts_for_its_sender(town: Town, outcome: Outcome, takes: timedelta, good: int, shut_for: timedelta) -> None:
    shut(town)
    name = sign_somebody_up(town)
    provider = town.providers[Channel.EMAIL]
    provider.fault = lambda _parcel: outcome
    provider.before_call = lambda _parcel: town.clock.advance(takes)
    send_reply(name, services=town.services)
    now = to_ms(town.clock())
    assert (tempo(town).good, tempo(town).shut_until) == (good, now + round(shut_for.total_seconds() * 1000))


def test_a_throttled_letter_slows_its_sender_down(town: Town) -> None:
    town.providers[Channel.EMAIL].fault = lambda _parcel: Outcome(Answer.LATER)
    send_reply(sign_somebody_up(town), services=town.services)
    assert tempo(town).speed == 6860


# --- switches --------------------------------------------------------------------------------------------------------


def turn(town: Town, name: str, *, stopped: bool) -> None:
    turn_switch(name, stopped=stopped, why="", by="ana", services=town.services)


@pytest.mark.parametrize("switch", ["all", "email"])
def test_under_a_switch_no_letter_goes_and_once_it_is_released_it_does(town: Town, switch: str) -> None:
    turn(town, switch, stopped=True)
    name = sign_somebody_up(town)
    live(town, timedelta(hours=3))
    assert (letters(town), town.plain.replies.state(name)) == (0, {"state": "waiting", "tries": 0})
    turn(town, switch, stopped=False)
    live(town, 2 * MINUTE)
    assert (letters(town), town.plain.replies.state(name)) == (1, {"state": "accepted", "tries": 1})


@pytest.mark.parametrize("switch", ["sms", "kiosk", "source:demo-city"])
def test_another_switch_stops_no_letter(town: Town, switch: str) -> None:
    turn(town, switch, stopped=True)
    send_reply(sign_somebody_up(town), services=town.services)
    assert letters(town) == 1


# --- how long it is tried --------------------------------------------------------------------------------------------


def given_up(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Why letters were given up, as an alarm hears it."""
    return [record.fields["why"] for record in caplog.records if record.message == "letter given up" and record.levelno == logging.ERROR]  # type: ignore[attr-defined]


@pytest.mark.parametrize("outcome", [OUT_OF_REACH, Outcome(Answer.LATER)], ids=["out of reach", "later"])
def test_a_letter_arrives_once_its_provider_is_back_after_two_hours(town: Town, outcome: Outcome, caplog: pytest.LogCaptureFixture) -> None:
    town.providers[Channel.EMAIL].fault = lambda _parcel: outcome
    name = sign_somebody_up(town)
    live(town, timedelta(hours=2))
    town.providers[Channel.EMAIL].fault = lambda _parcel: None
    live(town, timedelta(minutes=12))
    assert (letters(town), town.plain.replies.state(name)) == (1, {"state": "accepted", "tries": 1})
    assert given_up(caplog) == []


def test_a_letter_arrives_once_its_sender_opens_after_an_hour(town: Town) -> None:
    name = sign_somebody_up(town)
    for _ in range(60):
        town.state.table.update(tempo_key(Channel.EMAIL), Change(set={"shut_until": to_ms(town.clock() + 2 * MINUTE), "version": 1, "good": 0}))
        live(town, MINUTE)
    assert (town.providers[Channel.EMAIL].attempts, town.plain.replies.state(name)) == ([], {"state": "waiting", "tries": 0})
    live(town, timedelta(minutes=12))
    assert letters(town) == 1


def test_a_letter_that_cannot_be_handed_over_is_given_up_with_its_link_and_somebody_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.providers[Channel.EMAIL].fault = lambda _parcel: OUT_OF_REACH
    name = sign_somebody_up(town)
    live(town, VALID)
    assert (town.plain.replies.state(name), given_up(caplog)) == ({"state": "waiting", "tries": 0}, [])
    live(town, timedelta(minutes=15))
    assert (town.plain.replies.state(name), given_up(caplog)) == ({"state": "failed", "tries": 1}, ["link_ended"])
    assert len(town.providers[Channel.EMAIL].attempts) < 600


def test_a_letter_whose_outcome_is_unknown_five_times_is_given_up_and_somebody_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.providers[Channel.EMAIL].fault = lambda _parcel: Outcome(Answer.UNKNOWN)
    name = sign_somebody_up(town)
    live(town, timedelta(hours=1))
    assert len(town.providers[Channel.EMAIL].attempts) == 5
    assert (town.plain.replies.state(name), given_up(caplog)) == ({"state": "failed", "tries": 6}, ["too_many_tries"])


def test_a_letter_that_costs_five_workers_their_lives_is_given_up_and_somebody_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    def die(_parcel: Parcel) -> None:
        raise Crash

    town.providers[Channel.EMAIL].before_call = die
    name = sign_somebody_up(town)
    live(town, timedelta(hours=1))
    assert (town.plain.replies.state(name), given_up(caplog)) == ({"state": "failed", "tries": 6}, ["too_many_tries"])


def test_a_letter_whose_address_cannot_be_unsealed_is_given_up_and_somebody_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    name = sign_somebody_up(town)
    town.state.table.update(address_key(town.plain.vault.hash(Address(Channel.EMAIL, "new1@example.org"))), Change(set={"sealed": "1.broken"}))
    send_reply(name, services=town.services)
    assert (town.plain.replies.state(name), given_up(caplog)) == ({"state": "failed", "tries": 1}, ["address_unreadable"])


@pytest.mark.parametrize("gone", ["address", "sign-up", "confirmed"])
def test_a_letter_that_nobody_waits_for_any_more_ends_and_nobody_is_told(town: Town, gone: str, caplog: pytest.LogCaptureFixture) -> None:
    name = sign_somebody_up(town)
    about = str((town.state.table.get(Key(f"R#{name}", "REPLY")) or {})["about"])
    if gone == "address":
        town.state.table.delete(address_key(town.plain.vault.hash(Address(Channel.EMAIL, "new1@example.org"))))
    elif gone == "sign-up":
        town.state.table.delete(Key(f"UP#{about}", "SIGN-UP"))
    else:
        town.state.table.transact([town.plain.sign_ups.confirm_write(about)])
    send_reply(name, services=town.services)
    assert (town.plain.replies.state(name), given_up(caplog), letters(town)) == ({"state": "failed", "tries": 1}, [], 0)


def test_what_was_only_put_off_takes_none_of_the_tries_of_what_is_unknown(town: Town) -> None:
    plan = [Outcome(Answer.UNKNOWN), *[Outcome(Answer.LATER)] * 9, *[Outcome(Answer.UNKNOWN)] * 3]
    town.providers[Channel.EMAIL].answers["new1@example.org"] = plan
    name = sign_somebody_up(town)
    live(town, timedelta(hours=3))
    assert (letters(town), town.plain.replies.state(name)) == (1, {"state": "accepted", "tries": 5})


@pytest.mark.parametrize(
    ("dice", "waits"),
    [pytest.param(0.0, [30, 60, 120, 240, 300, 300], id="least"), pytest.param(1.0, [60, 120, 240, 480, 600, 600], id="most")],
)
def test_a_letter_is_put_off_longer_each_time_up_to_ten_minutes_and_not_with_all_others(town: Town, dice: float, waits: list[int]) -> None:
    town.services = replace(town.services, random=lambda: dice)
    town.providers[Channel.EMAIL].fault = lambda _parcel: Outcome(Answer.LATER)
    name = sign_somebody_up(town)
    for wait in waits:
        send_reply(name, services=town.services)
        town.clock.advance(timedelta(seconds=wait - 1))
        assert town.plain.replies.due(town.clock()) == []
        town.clock.advance(timedelta(seconds=2))
        assert town.plain.replies.due(town.clock()) == [name]


def test_a_put_off_that_is_made_again_does_not_undo_the_next_workers_claim(town: Town) -> None:
    name, replies = sign_somebody_up(town), town.plain.replies
    first = replies.claim(name, town.clock(), claim="first")
    assert first
    replies.put_off(first, town.clock())
    assert replies.claim(name, town.clock(), claim="second")
    replies.put_off(first, town.clock())  # by the SDK, whose first answer was lost
    assert replies.state(name) == {"state": "claimed", "tries": 1}


def test_a_letter_that_a_busy_table_let_nobody_try_is_not_given_up(town: Town) -> None:
    name, left = sign_somebody_up(town), 6
    inner = town.services.store.table

    class Busy:
        def __getattr__(self, called: str) -> Any:
            return getattr(inner, called)

        def get_many(self, keys: Any, **more: Any) -> Any:
            nonlocal left
            if left and any(key.partition.startswith("A#") for key in keys):
                left -= 1
                raise StateLater("throttled")
            return inner.get_many(keys, **more)

    town.services = replace(town.services, store=Stores(Busy(), town.services.store.vault))  # type: ignore[arg-type]
    for _ in range(10):
        send_reply(name, services=town.services)
        town.clock.advance(timedelta(minutes=1))
    assert (left, letters(town)) == (0, 1)
