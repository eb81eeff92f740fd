"""Which choice decided, as the one rule of reception says it; and the ledger replayed."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.about import NOTHING_SAID
from chalicelib.domain.address import Channel
from chalicelib.domain.consent import EVERYTHING, Consent, How, Step, detail_of, read_detail
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.explaining import SENTENCES, clock, of_state, why, window_told
from chalicelib.domain.filters import EVERYTHING as ALL_OF_IT
from chalicelib.domain.filters import Filters
from chalicelib.domain.matching import Told
from chalicelib.domain.notice import Kind, Severity
from chalicelib.domain.preferences import UNCHOSEN, Preferences
from chalicelib.domain.reception import Hold, Occasion, Wish
from chalicelib.domain.standing_then import standing_at

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
OCCASION = Occasion(Told(Kind.TRANSIT, Severity.MODERATE, False, NOTHING_SAID), ZONE, (0, 0), NOON + timedelta(minutes=20))


def test_who_wants_it_calm_is_told_when() -> None:
    verdict, because = why("transit", Wish(Channel.SMS, Preferences(calm=True)), OCCASION, NOON)
    assert verdict == Hold(NOON + timedelta(minutes=20))
    assert (because.code, because.values) == ("calm", {"until": "2026-12-01T17:20:00Z"})


def test_who_wants_it_now_has_nothing_against_it() -> None:
    assert why("transit", Wish(Channel.SMS), OCCASION, NOON)[1].detail == SENTENCES["wants_it"]


def test_who_wants_it_calm_and_sleeps_is_told_of_the_quiet_where_it_is_over_last() -> None:
    occasion = Occasion(OCCASION.told, ZONE, (0, 0), NOON - timedelta(minutes=1))
    _, because = why("transit", Wish(Channel.SMS, Preferences(calm=True, quiet=(700, 780))), occasion, NOON)
    assert because.values == {"from_": "11:40", "to": "13:00", "zone": "America/New_York", "until": "2026-12-01T18:00:00Z"}


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (State.SKIPPED, "broadcast_stopped", ["It was not handed over: broadcast stopped."]),
        (State.FAILED, "", ["The provider, or we, could not deliver it: no code was given."]),
        (State.UNKNOWN, "", [SENTENCES["unproven"]]),
        (State.EXPIRED, "", [SENTENCES["expired"]]),
        (State.DELIVERED, "", []),
    ],
    ids=str,
)
def test_a_state_says_what_it_means(state: State, reason: str, said: list[str]) -> None:
    assert [because.detail for because in of_state(state, reason)] == said


def test_hours_are_told_as_clocks_show_them() -> None:
    assert (clock(1440), clock(1290)) == ("00:00", "21:30")
    assert (window_told((1260, 480)), window_told(None)) == (("21:00", "08:00"), (None, None))


# --- the ledger ------------------------------------------------------------------------------------------------------

SEVERE = Filters(severity=Severity.SEVERE)
CALM = Preferences(calm=True)


class Ledger:
    """A person's acts, a minute apart."""

    def __init__(self) -> None:
        self.entries: list[Consent] = []

    def add(self, step: Step, topic: str = "transit", *, by: Channel = Channel.SMS, f: Filters = ALL_OF_IT, p: Preferences = UNCHOSEN, tag: str = "en") -> None:
        at = NOON + timedelta(minutes=len(self.entries))
        self.entries.append(Consent("s", "a", by, topic, step, How.KEYWORD, f"SM{len(self.entries)}", tag, at, detail=detail_of(f, p)))

    def at(self, minute: int | None = None, by: Channel = Channel.SMS) -> dict[str, tuple[Filters, Preferences, str]]:
        moment = None if minute is None else NOON + timedelta(minutes=minute)
        return {topic: (one.filters, one.preferences, one.locale) for topic, one in standing_at(self.entries, by, moment).follows.items()}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def test_what_was_chosen_holds_from_its_entry_on(ledger: Ledger) -> None:
    ledger.add(Step.JOINED, f=SEVERE)
    ledger.add(Step.PREFERENCES, f=SEVERE, p=CALM)
    assert ledger.at(-1) == {}
    assert ledger.at(0) == {"transit": (SEVERE, UNCHOSEN, "en")}
    assert ledger.at(1) == ledger.at() == {"transit": (SEVERE, CALM, "en")}


def test_what_is_chosen_for_all_leaves_filters_and_holds_on_every_channel(ledger: Ledger) -> None:
    ledger.add(Step.JOINED, f=SEVERE)
    ledger.add(Step.JOINED, by=Channel.EMAIL)
    ledger.add(Step.PREFERENCES, EVERYTHING, p=CALM)
    assert ledger.at() == {"transit": (SEVERE, CALM, "en")}
    assert ledger.at(by=Channel.EMAIL) == {"transit": (ALL_OF_IT, CALM, "en")}


@pytest.mark.parametrize(("step", "topic", "left"), [(Step.LEFT, "transit", {"jobs"}), (Step.STOPPED, "transit", {"jobs"}), (Step.STOPPED, EVERYTHING, set())])
def test_who_goes_is_gone_on_that_channel(ledger: Ledger, step: Step, topic: str, left: set[str]) -> None:
    for name in ("transit", "jobs"):
        ledger.add(Step.JOINED, name)
    ledger.add(Step.JOINED, by=Channel.EMAIL)
    ledger.add(step, topic)
    assert ledger.at().keys() == left
    assert ledger.at(by=Channel.EMAIL).keys() == {"transit"}
    found = standing_at(ledger.entries, Channel.SMS)
    assert found.left["transit"] == NOON + timedelta(minutes=3)
    assert (found.stopped is not None) == (step is Step.STOPPED)


def test_who_comes_back_follows_as_they_say_now(ledger: Ledger) -> None:
    ledger.add(Step.JOINED, f=SEVERE)
    ledger.add(Step.STOPPED)
    ledger.add(Step.RESTORED, tag="es")
    assert ledger.at() == {"transit": (ALL_OF_IT, UNCHOSEN, "es")}
    found = standing_at(ledger.entries, Channel.SMS)
    assert (found.left, found.stopped) == ({}, None)
    assert found.follows["transit"].since == NOON + timedelta(minutes=2)


def test_who_joins_again_follows_since_the_first_time(ledger: Ledger) -> None:
    ledger.add(Step.JOINED)
    ledger.add(Step.JOINED, f=SEVERE)
    found = standing_at(ledger.entries, Channel.SMS).follows["transit"]
    assert (found.since, found.filters) == (NOON, SEVERE)


def test_another_language_is_for_all_of_a_channel(ledger: Ledger) -> None:
    ledger.add(Step.JOINED)
    ledger.add(Step.LANGUAGE, EVERYTHING, tag="ar")
    assert ledger.at()["transit"][2] == "ar"


def test_a_choice_for_what_nobody_follows_changes_nothing(ledger: Ledger) -> None:
    ledger.add(Step.PREFERENCES, p=CALM)
    assert ledger.at() == {}


def test_a_proof_and_what_was_chosen_stand_in_one_detail() -> None:
    detail = detail_of(SEVERE, CALM, proof='{"by": "desk", "how": "paper"}')
    assert read_detail(detail) == (SEVERE, CALM)
    assert json.loads(detail).items() >= {"by": "desk", "how": "paper"}.items()
    assert detail_of(ALL_OF_IT, UNCHOSEN, proof='{"how": "paper"}') == '{"how": "paper"}'
    assert detail_of(ALL_OF_IT, UNCHOSEN) == ""


def test_a_mark_is_no_hold() -> None:
    verdict, because = why("transit", Wish(Channel.SMS, filters=SEVERE), OCCASION, NOON)
    assert isinstance(verdict, Mark) and because.code == "filtered"
