"""A lost answer in a worker's hands: whom the provider is asked about, in what words, for how long, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.batch import LEASE, BatchKey, BatchState, Entry, HowFar, What
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import State
from chalicelib.domain.message import Message, SmsMessage
from chalicelib.domain.pace import Tempo
from chalicelib.flows.doubts import ASKING, SKEW, resolve_unknown
from chalicelib.flows.slots import pacer
from chalicelib.flows.task import Progress, Task
from chalicelib.store.addresses import address_key
from chalicelib.store.batches import Answers
from tests.engine.town import PlainRenderer, Town

SMS = Channel.SMS
DOUBT = "unknown"
ROUTINE_WINDOW, URGENT_WINDOW = timedelta(minutes=15), timedelta(minutes=2)


@dataclass
class Asked:
    """A provider that is asked what it holds, and takes its time."""

    town: Town
    says: bool | None = False
    holds: str = ""
    takes: timedelta = timedelta(0)
    asked: list[tuple[str, list[str], datetime]] = field(default_factory=list)
    most: int = 25

    def find(self, to: Address, *messages: Message, since: datetime) -> bool | None:
        bodies = [message.body for message in messages if isinstance(message, SmsMessage)]
        self.asked.append((to.value, bodies, since))
        self.town.clock.advance(self.takes)
        return True if self.holds in bodies else self.says


class Tongues(PlainRenderer):
    """Says which language, for which topic."""

    def sms(self, content: Content, locale: str) -> SmsMessage:
        return SmsMessage(f"in {locale}", 1, "GSM-7")


@dataclass
class Desk:
    """A batch of three followers in a worker's hands, all in doubt unless said otherwise."""

    town: Town = field(default_factory=Town)
    urgent: bool = False
    cells: tuple[str, ...] = (DOUBT, DOUBT, DOUBT)
    window_over: bool = True
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider = Asked(self.town)
        self.town.services = replace(self.town.services, sender=lambda _channel: self.provider, renderer=Tongues)
        self.people = [self.town.follower("transit", shard=3) for _ in self.cells]
        found = self.town.plain.broadcasts.get(self.town.broadcast("transit", urgent=self.urgent))
        assert found
        self.broadcast: Broadcast = found
        self.doubt_since = self.town.clock()
        window = URGENT_WINDOW if self.urgent else ROUTINE_WINDOW
        self.town.clock.advance(window if self.window_over else window - timedelta(seconds=1))

    def address(self, entry: int) -> str:
        return self.town.address(self.people[entry], SMS).value

    def resolve(
        self, *, resent: Sequence[int] = (), tries: int = 1, stale: bool = False, doubt_from: datetime | None = None, in_doubt: bool = True, **far: object
    ) -> tuple[tuple[str, ...], list[int]]:
        """The cells after it, and who is to be sent again."""
        town, now = self.town, self.town.clock()
        entries = [Entry(one, town.plain.vault.hash(town.address(one, SMS)), "transit") for one in self.people]
        content = town.plain.broadcasts.content(self.broadcast.id)
        assert content
        row = replace(HowFar(BatchState.CLAIMED, self.cells, now, tries=tries), **far)  # type: ignore[arg-type]
        way = pacer(SMS, urgent=self.urgent, tempo=Tempo(), services=town.services)
        task = Task(
            key=BatchKey(self.broadcast.id, 3, "P0000#a#0000"),
            claim="me",
            what=What(SMS, "en", entries),
            far=row,
            broadcast=self.broadcast,
            content=content,
            pacer=way,
            started=now,
            services=town.services,
            stale=stale,
            messages=self.messages,
        )
        answers = Answers(self.cells, frozenset(resent), self.doubt_since if in_doubt else None, doubt_from)
        progress, again = resolve_unknown(task, Progress(answers, marked_at=now))
        return progress.answers.cells, again


def test_nobody_is_asked_about_whom_no_doubt_is() -> None:
    desk = Desk(cells=("", "accepted", "unconfirmed"))
    assert desk.resolve() == (desk.cells, [])
    assert not desk.provider.asked


@pytest.mark.parametrize("urgent", [False, True], ids=["routine", "urgent"])
def test_before_its_window_is_over_a_doubt_stays_one(urgent: bool) -> None:
    desk = Desk(urgent=urgent, window_over=False)
    assert desk.resolve() == (desk.cells, [])
    assert not desk.provider.asked


def test_a_doubt_without_a_beginning_is_left_alone() -> None:
    desk = Desk()
    assert desk.resolve(in_doubt=False) == (desk.cells, [])


@pytest.mark.parametrize(("tries", "cells"), [(9, ("unconfirmed",) * 3), (8, (DOUBT,) * 3)], ids=["given up", "not yet"])
def test_a_batch_that_is_given_up_leaves_no_doubt(tries: int, cells: tuple[str, ...]) -> None:
    desk = Desk(window_over=False)
    assert desk.resolve(tries=tries) == (cells, [])


def test_a_receipt_settles_its_own_entry_and_no_other() -> None:
    desk = Desk(window_over=False)
    assert desk.resolve(receipts={State.FAILED: frozenset({1})}) == ((DOUBT, "accepted", DOUBT), [])
    assert not desk.provider.asked


@pytest.mark.parametrize(
    ("urgent", "says", "resent", "cells", "again"),
    [
        pytest.param(False, True, (), ("accepted",) * 3, [], id="it has them"),
        pytest.param(False, False, (), (DOUBT,) * 3, [0, 1, 2], id="it has them not"),
        pytest.param(False, None, (), ("unconfirmed",) * 3, [], id="it cannot say"),
        pytest.param(True, None, (), (DOUBT,) * 3, [0, 1, 2], id="it cannot say, and it is urgent"),
        pytest.param(True, False, (1,), (DOUBT, "unconfirmed", DOUBT), [0, 2], id="one was sent again before"),
    ],
)
def test_what_the_provider_says_decides(urgent: bool, says: bool | None, resent: tuple[int, ...], cells: tuple[str, ...], again: list[int]) -> None:
    desk = Desk(urgent=urgent)
    desk.provider.says = says
    assert desk.resolve(resent=resent) == (cells, again)


@pytest.mark.parametrize("said", [{"stop_at": True}, {"expires_at": True}], ids=["stopped", "expired"])
def test_nobody_is_sent_again_what_ended_meanwhile(said: dict[str, bool]) -> None:
    desk = Desk(urgent=True)
    desk.broadcast = replace(desk.broadcast, **dict.fromkeys(said, desk.town.clock()))
    assert desk.resolve() == (("unconfirmed",) * 3, [])


def test_the_provider_is_asked_about_each_by_their_number_and_words_since_the_attempt() -> None:
    desk = Desk()
    began = desk.town.clock() - timedelta(minutes=20)
    desk.resolve(doubt_from=began)
    assert desk.provider.asked == [(desk.address(entry), ["in en"], began - SKEW) for entry in range(3)]
    assert set(desk.messages) == {("transit", "en")}


def test_where_nobody_noted_when_the_attempt_began_a_lease_is_allowed_for() -> None:
    desk = Desk(cells=(DOUBT,))
    started = desk.town.clock()
    desk.resolve()
    assert [since for _, _, since in desk.provider.asked] == [started - LEASE - SKEW]


def test_whoever_there_is_no_time_to_ask_about_waits() -> None:
    desk = Desk()
    desk.provider.takes = ASKING
    desk.provider.says = True
    assert desk.resolve() == (("accepted", "accepted", DOUBT), [])
    assert len(desk.provider.asked) == 2  # the second just in time


@pytest.mark.parametrize(("stale", "cells", "again"), [(True, ("accepted",), []), (False, (DOUBT,), [0])], ids=["an old batch", "a fresh one"])
def test_of_an_old_batch_words_of_every_language_count(stale: bool, cells: tuple[str, ...], again: list[int]) -> None:
    desk = Desk(cells=(DOUBT,))
    desk.provider.holds = "in es"
    assert desk.resolve(stale=stale) == (cells, again)


def test_of_an_old_batch_the_provider_is_asked_once_about_each_whatever_languages_there_are() -> None:
    desk = Desk()
    languages = desk.town.services.city.languages
    desk.resolve(stale=True)
    assert len(languages) == 12
    assert [(to, sorted(bodies)) for to, bodies, _ in desk.provider.asked] == [
        (desk.address(entry), sorted(f"in {one}" for one in languages)) for entry in range(3)
    ]


def test_about_a_number_that_is_no_longer_known_nobody_can_be_asked() -> None:
    desk = Desk()
    desk.provider.says = True
    gone = address_key(desk.town.plain.vault.hash(desk.town.address(desk.people[1], SMS)))
    desk.town.state.table.delete(gone)
    assert desk.resolve() == (("accepted", "unconfirmed", "accepted"), [])
