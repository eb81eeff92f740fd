"""What SES refuses whole, for one recipient's sake or for everybody's, as a real worker meets it: in its slots, at its pace."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from chalicelib.channels.email import EmailSender, email_sender
from chalicelib.domain.address import Channel
from chalicelib.domain.delivery import Mark, State
from tests.channels.wire import Asked, Provider, Reply, provider
from tests.engine.town import Town
from tests.render.notices import a_city

PACE = 14
CALL = timedelta(milliseconds=100)


@dataclass
class Strict:
    """An SES that takes a tenth of a second a call, refuses a call whole that holds one of `bad`, and keeps whom it took when."""

    town: Town
    bad: set[str]
    code: str = "BadRequestException"
    sizes: list[int] = field(default_factory=list)
    took: list[tuple[datetime, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        to = [entry["Destination"]["ToAddresses"][0] for entry in asked.json["BulkEmailEntries"]]
        self.sizes.append(len(to))
        now = self.town.clock()
        self.town.clock.advance(CALL)
        if self.bad.intersection(to):
            return Reply(400, {"message": "no"}, {"x-amzn-errortype": self.code})
        self.took += [(now, one) for one in to]
        return Reply(200, {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": one} for one in to]})


@pytest.fixture(scope="module")
def ses() -> Iterator[Provider]:
    with provider(lambda asked: Reply(500)) as one:
        yield one


@pytest.fixture(scope="module")
def sender(ses: Provider) -> EmailSender:
    return email_sender(SimpleNamespace(ses_url=ses.url, email_from="alerts@larkhaven.example", email_pace=PACE), a_city())


def broadcast(ses: Provider, sender: EmailSender, people: int, bad: slice, code: str = "BadRequestException") -> tuple[Strict, Counter[Mark], list[str]]:
    """What SES saw of a broadcast to so many, how it ended for them, and who they are."""
    town = Town(pace={Channel.EMAIL: PACE})
    to = [town.address(town.follower("transit", channels=[Channel.EMAIL], shard=3), Channel.EMAIL).value for _ in range(people)]
    strict = Strict(town, set(to[bad]), code)
    ses.answer = strict
    town.services = replace(town.services, sender=lambda channel: sender if channel is Channel.EMAIL else town.providers[channel])
    name = town.broadcast("transit", lasts=timedelta(minutes=20))
    town.settle(name)
    return strict, town.counts(name)[Channel.EMAIL], to


@pytest.mark.parametrize("people", [14, 40, 60])
@pytest.mark.parametrize("number", [0, 7, 13], ids=lambda number: f"number {number}")
def test_one_that_spoils_the_call_fails_alone_and_everybody_else_gets_it_once(ses: Provider, sender: EmailSender, people: int, number: int) -> None:
    strict, counts, to = broadcast(ses, sender, people, slice(number, number + 1))
    assert counts == {Mark(State.ACCEPTED): people - 1, Mark(State.FAILED): 1}
    assert sorted(one for _, one in strict.took) == sorted({*to} - {to[number]})
    assert len(strict.sizes) <= math.ceil(people / PACE) + 1 + 2 * math.ceil(math.log2(PACE))


@pytest.mark.parametrize("people", [14, 60])
def test_words_that_ses_refuses_fail_for_everybody_in_as_many_calls_as_halves_make(ses: Provider, sender: EmailSender, people: int) -> None:
    strict, counts, _ = broadcast(ses, sender, people, slice(None), "MessageRejected")
    assert counts == {Mark(State.FAILED): people}
    assert strict.took == []
    assert len(strict.sizes) < 2 * people
