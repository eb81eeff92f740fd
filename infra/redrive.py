"""Queue again what workers gave up on: `python -m infra.redrive sms-routine --stage prod`; without a queue, say what lies dead.

    dead letter queue ──receive──▶ its own queue ──▶ only then delete

Whatever stops this half way, a message is in one of the two, or in both: then its job runs twice, and the rows let it do its work once. Bodies
are moved unread and never printed. `--stage local` does the same for the city on this machine (STATE_DIR), running or not.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from infra.build import STAGES
from infra.functions import WORKERS
from local.clock import CityClock
from local.options import read_options

QUEUES = tuple(worker.queue for worker in WORKERS)
_IN_HAND_SECONDS = 60
_PATIENCE_SECONDS = 2
"""How long one receive listens: it then asks every server that may keep a message of the queue."""


Say = Callable[[str], None]


class NoCity(Exception):
    """This machine has no city where it was looked for."""


class DeadLetters(Protocol):
    """Where a stage keeps what its workers gave up on."""

    def depth(self, queue: str) -> int:
        """How many messages of this queue are dead."""

    def redrive(self, queue: str) -> int:
        """Queue them again, to be tried anew. Returns how many."""


@dataclass(frozen=True)
class SqsDeadLetters:
    """Those of a deployed stage, whose queues' names begin with `prefix`."""

    client: Any
    prefix: str

    def depth(self, queue: str) -> int:
        """About how many lie there: SQS does not count exactly."""
        asked = self.client.get_queue_attributes(QueueUrl=self._url(f"{queue}-dead"), AttributeNames=["ApproximateNumberOfMessages"])
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])

    def redrive(self, queue: str) -> int:
        """Move them, ten at a time, until none shows. What SQS does not take stays where it is."""
        dead, alive, moved = self._url(f"{queue}-dead"), self._url(queue), 0
        while found := self._receive(dead):
            entries = [{"Id": str(number), "MessageBody": one["Body"]} for number, one in enumerate(found)]
            taken = self.client.send_message_batch(QueueUrl=alive, Entries=entries).get("Successful", [])
            done = [{"Id": one["Id"], "ReceiptHandle": found[int(one["Id"])]["ReceiptHandle"]} for one in taken]
            if done:
                self.client.delete_message_batch(QueueUrl=dead, Entries=done)
            moved += len(done)
        return moved

    def _receive(self, url: str) -> list[dict[str, Any]]:
        got = self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=_IN_HAND_SECONDS, WaitTimeSeconds=_PATIENCE_SECONDS)
        return list(got.get("Messages", []))

    def _url(self, name: str) -> str:
        return str(self.client.get_queue_url(QueueName=self.prefix + name)["QueueUrl"])


@dataclass(frozen=True)
class LocalDeadLetters:
    """Those of the city on this machine."""

    queues: SqliteQueues

    def depth(self, queue: str) -> int:
        """How many lie there."""
        return self.queues.depth(f"{queue}-dead")

    def redrive(self, queue: str) -> int:
        """Move them in one write."""
        return self.queues.redrive(queue)


def main(arguments: Sequence[str]) -> int:
    """Re-drive what was asked for, saying how many; without a queue, only look."""
    parser = argparse.ArgumentParser(prog="redrive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queues", nargs="*", metavar="QUEUE", help=f"one or more of: {', '.join(QUEUES)}")
    parser.add_argument("--stage", choices=("local", *STAGES), default="prod")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.queues) - set(QUEUES))
    if unknown:
        parser.error(f"there is no queue {unknown[0]}; there are {', '.join(QUEUES)}")
    try:
        letters = dead_letters(asked.stage)
        if asked.queues:
            redrive(letters, asked.queues, say=_say)
        else:
            look(letters, say=_say)
    except (NoCity, BotoCoreError, ClientError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


def redrive(letters: DeadLetters, queues: Sequence[str], *, say: Say) -> None:
    """Queue again what lies dead of these queues."""
    for queue in queues:
        say(f"{queue}: {letters.redrive(queue)} queued again")


def look(letters: DeadLetters, *, say: Say) -> None:
    """Say of each queue how many of its messages are dead."""
    found = {queue: letters.depth(queue) for queue in QUEUES}
    for queue, count in found.items():
        if count:
            say(f"{queue}: {count} dead")
    if not any(found.values()):
        say("Nothing lies dead.")


def dead_letters(stage: str) -> DeadLetters:
    """Those of a stage. Credentials and region are boto3's own business. Raises NoCity where this machine has none."""
    if stage != "local":
        return SqsDeadLetters(boto3.client("sqs"), f"belfry-{stage}-")
    place = read_options(os.environ).state_file
    if not place.is_file():
        raise NoCity(f"There is no city at {place}; STATE_DIR says where one is.")
    file = SqliteFile(place)
    return LocalDeadLetters(SqliteQueues(file, CityClock(file).now))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
