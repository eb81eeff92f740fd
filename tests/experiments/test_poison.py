"""One message in a hundred is poison. The others are all sent, poison is a dead letter after five receives, and sent once after it is mended.

Poison of each kind: a batch whose row cannot be read, batches in a language whose template is broken, jobs that nobody can read, people who
are gone, and addresses that cannot be unsealed.
"""

import json
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from chalice.app import SQSEvent

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.delivery import Mark, SkipReason, State
from chalicelib.domain.message import SmsMessage
from chalicelib.errors import RenderFailed
from chalicelib.intake import jobs
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_queue import Received
from chalicelib.state.table import Change, Key, Row
from chalicelib.store.addresses import address_key
from chalicelib.store.batch_rows import what_key
from infra.redrive import LocalDeadLetters, redrive
from infra.watch import LOGGED
from local.pumps import sqs_record
from tests.engine.town import VISIBILITY, PlainRenderer, Town
from tests.experiments.sizes import SIZES

FULL = 10_000
QUEUE = "sms-routine"
JUNK = ("{", '{"version": 9, "batch": "P0000"}', json.dumps({"broadcast": "x" * 10_000, "shard": 0, "batch": "P0000#t#0"}))
"""Not JSON; of a version nobody wrote yet; ten kilobytes."""


@dataclass
class Fragile(PlainRenderer):
    """A renderer with one broken template."""

    broken: set[str] = field(default_factory=set)

    def sms(self, content: Content, locale: str) -> SmsMessage:
        if locale in self.broken:
            raise RenderFailed(f"no template for {locale}")
        return super().sms(content, locale)


@dataclass
class Lambda:
    """Runs the handlers on the town's queues as Lambda does, and counts how often each message was handed out."""

    town: Town
    receives: Counter[int] = field(default_factory=Counter)

    def work(self, *queues: str) -> None:
        """Work off what these queues show now."""
        while got := self.town.state.queues.receive(queues, 1, VISIBILITY):
            self.receives[got[0].id] += 1
            if not self._fails(got[0]):
                self.town.state.queues.delete(got[0].id)

    def live(self, minutes: int) -> None:
        """An hour, or however long, of the city."""
        for _ in range(minutes):
            self.work("launch", "fan-out-routine", QUEUE)
            jobs.tick(services=self.town.services)
            self.town.clock.advance(timedelta(minutes=1))

    def _fails(self, message: Received) -> bool:
        door = {"launch": jobs.launch, "fan-out-routine": jobs.fan_out, QUEUE: jobs.send}[message.queue]
        event = SQSEvent({"Records": [sqs_record(message, self.town.clock())]}, {})
        return bool(door(event, services=self.town.services)["batchItemFailures"])


def dead(town: Town) -> dict[int, str]:
    """The dead letters, by id."""
    with town.state.file.reading() as connection:
        return dict(connection.execute("SELECT id, body FROM queue_messages WHERE queue = ?", (f"{QUEUE}-dead",)))


@SIZES
def test_poison_dies_alone_and_lives_again_once_mended(tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture) -> None:
    """Seen to fail with `each_record` letting a failure out, with the queue's MOST_RECEIVES at 4, with `open_address_or_none` raising (one
    address that cannot be unsealed takes its chunk along), with the line "job given up" left out, and with `Batches.settle` keeping no
    answers (a re-driven job then finds people untried who had it)."""
    caplog.set_level(logging.ERROR)
    town, renderer = Town(tmp_path), Fragile(broken={"xx"})
    town.providers[Channel.SMS].most = 25
    town.services = replace(town.services, renderer=lambda: renderer)
    city, few = Lambda(town), round(FULL * share / 400)
    people = {
        kind: [town.follower("transit", locale=locale) for _ in range(count)]
        for kind, locale, count in (
            ("good", "en", round(FULL * share) - 3 * few),
            ("unsealable", "en", few),
            ("gone", "en", few),
            ("unreadable template", "xx", few),
        )
    }
    for person in people["unsealable"]:
        town.state.table.update(_address(town, person), Change(set={"sealed": "1.broken"}))
    name = town.broadcast("transit")
    city.work("launch")
    city.work("fan-out-routine")
    for person in people["gone"]:
        town.state.table.delete(_address(town, person))
    torn, theirs = _tear_a_batch(town, name)
    for body in JUNK * few:
        town.state.queues.named(QUEUE).send([Outgoing(body)])

    city.live(45)

    handed, bad = town.handed_over(), {*theirs, *people["unreadable template"], *people["unsealable"], *people["gone"]}
    good = set(people["good"]) - bad
    assert handed == Counter(town.address(person, Channel.SMS).text for person in good), "every good one was sent, once"
    lying = dead(town)
    assert len(lying) >= len(JUNK) * few + 2
    assert {city.receives[id] for id in lying} == {5}
    given_up = [line for line in caplog.records if line.getMessage() == "job given up"]
    assert len(given_up) >= len(lying)
    assert "job given up" in LOGGED

    renderer.broken.clear()
    town.state.table.put(torn)
    city.receives.clear()
    said: list[str] = []
    redrive(LocalDeadLetters(town.state.queues), [QUEUE], say=said.append)
    assert said == [f"{QUEUE}: {len(lying)} queued again"]
    city.work(QUEUE)
    handed = town.handed_over()
    mended = good | ((set(theirs) | set(people["unreadable template"])) - set(people["unsealable"]) - set(people["gone"]))
    assert handed == Counter(town.address(person, Channel.SMS).text for person in mended), "what was mended is sent, each once"

    city.live(45)
    again = [id for id, body in dead(town).items() if body in JUNK]
    assert [city.receives[id] for id in again] == [5] * len(JUNK) * few, "what nobody can read is dead again"
    audience = {(person, Channel.SMS) for kind in people.values() for person in kind}
    assert town.broken({name: audience}) == []
    assert town.counts(name)[Channel.SMS] == {
        Mark(State.ACCEPTED): len(mended),
        Mark(State.FAILED): few,
        Mark(State.SKIPPED, SkipReason.NO_ADDRESS): few,
    }


def _address(town: Town, person: str) -> Key:
    return address_key(town.plain.vault.hash(town.address(person, Channel.SMS)))


def _tear_a_batch(town: Town, name: str) -> tuple[Row, list[str]]:
    """Make one batch unreadable: its row as it was, and whose it is."""
    key = next(key for shard in range(16) for key, far in town.plain.batches.of_shard(name, shard) if len(far.cells) > 2)
    kept = town.state.table.get(what_key(key))
    assert kept
    town.state.table.update(what_key(key), Change(set={"channel": "smoke"}))
    return Row(what_key(key), kept), [str(entry[0]) for entry in json.loads(str(kept["entries"]))]
