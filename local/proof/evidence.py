"""Evidence: the ground truth and the rows of a city on this machine, read from its state file."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import wiring
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import EVERYTHING, Step
from chalicelib.domain.times import from_ms
from chalicelib.domain.tokens import Tokens
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.state.table import Row
from chalicelib.store.sealed import Vault
from local.clock import CityClock
from local.options import Options
from local.proof.truth import Attempt, HandOver, OptOut, Truth
from local.world.errands import EVENTS_QUEUE
from local.world.ledger import ACCEPTED
from local.world.screens import PREFIX

LATE = timedelta(milliseconds=250)
"""How much later than a call began the world may note it, on a busy machine."""

_CALLS = "SELECT channel, recipient, token, at, outcome FROM world_messages WHERE via IN ('api', 'email') ORDER BY seq"
_TAKEN = "SELECT channel, recipient, token, at FROM world_messages WHERE via = 'kiosk' ORDER BY seq"
_QUEUED = f"""
SELECT substr(queue, {len(PREFIX) + 1}), coalesce(json_extract(body, '$.token'), '') FROM queue_messages
WHERE queue LIKE '{PREFIX}%' AND 'q-' || id NOT IN (SELECT provider_id FROM world_messages WHERE via = 'kiosk')
"""  # noqa: S608 - our own names
_ANSWERED = """
SELECT min(answer.at) FROM world_messages AS text JOIN world_messages AS answer ON answer.via = 'reply' AND answer.recipient = text.sender
AND answer.seq > text.seq WHERE text.via = 'text' AND text.provider_id = ?
"""
_BODIES = f"SELECT body FROM queue_messages WHERE queue NOT IN ('{EVENTS_QUEUE}', '{EVENTS_QUEUE}-dead')"  # noqa: S608
_TARGETS = "SELECT DISTINCT target FROM world_errands WHERE target <> ''"
_MESSAGES = "SELECT body || ' ' || html || ' ' || headers FROM world_messages WHERE via IN ('api', 'email')"
_URL = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True)
class Evidence:
    """What the checker asks for: `broken(found.truth, found.rows, vault=found.vault, tokens=found.tokens, texts=[*found.texts, *log_lines])`."""

    truth: Truth
    rows: Sequence[Row]
    vault: Vault
    tokens: Tokens
    texts: Sequence[str]


def evidence(options: Options, *, late: timedelta = LATE) -> Evidence:
    """All there is in `options.state_file` and `options.secrets_file`. `texts` are bodies of queues and dead letters, and URLs that were
    given away. Best read while the city is down or at rest."""
    file = SqliteFile(options.state_file)
    services, now = wiring.build(options.settings()), CityClock(file).now()
    rows = list(every_row(file))
    with file.reading() as connection:
        truth = Truth(
            at=now,
            hand_overs=list(_hand_overs(connection, now)),
            attempts=[Attempt(_to(channel, to), token, from_ms(at)) for channel, to, token, at, _ in connection.execute(_CALLS)],
            opt_outs=_opt_outs(connection, rows),
            pace=services.pace,
            stage=options.settings().stage,
            late=late,
        )
        texts = list(_texts(connection))
    return Evidence(truth, rows, services.store.vault, services.tokens, texts)


def every_row(file: SqliteFile) -> Iterator[Row]:
    """Every row of the table in a file, a partition at a time."""
    table = SqliteTable(file)
    with file.reading() as connection:
        partitions = [name for (name,) in connection.execute("SELECT DISTINCT pk FROM state_rows")]
    for name in partitions:
        after: str | None = ""
        while after is not None:
            page = table.query(name, after=after or None)
            yield from page.rows
            after = page.after


def _hand_overs(connection: sqlite3.Connection, now: datetime) -> Iterator[HandOver]:
    """What providers took. A kiosk's message is handed over once it is queued; of the moment we know only that its screen had it later."""
    for channel, to, token, at, outcome in connection.execute(_CALLS):
        if outcome == ACCEPTED:
            yield HandOver(_to(channel, to), token, from_ms(at))
    for channel, to, token, at in connection.execute(_TAKEN):
        yield HandOver(_to(channel, to), token, from_ms(at), timed=False)
    for kiosk, token in connection.execute(_QUEUED):
        yield HandOver(Address(Channel.KIOSK, kiosk), token, now, timed=False)


def _to(channel: str, value: str) -> Address:
    return Address(Channel(channel), value)


def _opt_outs(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[OptOut]:
    """The stop words that were answered, each until its owner came back."""
    ledger = [row.values for row in rows if row.key.partition.startswith("S#") and row.key.sort.startswith("C#")]
    back = [(str(one["address"]), _at(one)) for one in ledger if one["step"] in {Step.JOINED, Step.RESTORED}]
    found: list[OptOut] = []
    for one in ledger:
        answered = connection.execute(_ANSWERED, (one["source"],)).fetchone()[0] if one["step"] == Step.STOPPED and one["topic"] == EVERYTHING else None
        if answered is not None:
            moment, address = from_ms(answered), str(one["address"])
            ended = min((at for other, at in back if other == address and at >= _at(one)), default=None)
            found.append(OptOut(address, moment, moment, ended))
    return found


def _at(values: Any) -> datetime:
    return from_ms(int(str(values["at"])))


def _texts(connection: sqlite3.Connection) -> Iterator[str]:
    """Everything that went through a queue of ours and is still there, and every URL that providers and residents were given."""
    yield from (body for (body,) in connection.execute(_BODIES))
    yield from (target for (target,) in connection.execute(_TARGETS))
    for (text,) in connection.execute(_MESSAGES):
        yield from _URL.findall(text)
