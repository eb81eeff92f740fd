"""Inbound texts that were answered: `IN#<sid>` / `TEXT`, the provider's id of a text and our replies. Never what was written.

A text is answered once: whatever it changes and this row are one transaction, and whoever finds the row gives its reply.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step, wording_id
from chalicelib.domain.conversation import Meaning
from chalicelib.domain.talk_state import Memory
from chalicelib.domain.times import to_ms
from chalicelib.errors import TransactionRefused, WriteRefused
from chalicelib.state.table import Absent, Change, Exists, Key, Put, Row, Table, Value, Values, Write
from chalicelib.store.consents import Consents
from chalicelib.store.packing import packed
from chalicelib.store.subscribers import Person, Subscribers

_KEPT = timedelta(days=30)
_BESIDE = 3
"""Writes that every answer adds: the text's row, the memory, the wording."""


@dataclass(frozen=True)
class Inbound:
    """A text a resident sent us: the provider's id of it, who sent it and what it means. `answered` says that the provider
    itself has replied already, so that our reply stays unsaid."""

    sid: str
    person: Person
    meaning: Meaning
    locale: str
    at: datetime
    answered: bool = False

    def consent(self, step: Step, topic: str, *, subscriber: str, reply: str, detail: str = "") -> Consent:
        """What the ledger says of this text and a topic. `detail` is what was chosen."""
        return Consent(
            subscriber=subscriber,
            address=self.person.hash,
            channel=Channel.SMS,
            topic=topic,
            step=step,
            how=How.KEYWORD,
            source=self.sid,
            locale=self.locale,
            at=self.at,
            word=self.meaning.word,
            wording="" if self.answered else wording_id(reply),
            detail=detail,
        )


Replies = tuple[str, ...]
"""What a text is answered with, one message each; none is silence."""


@dataclass(frozen=True)
class InboundTexts:
    """Answers texts, each once."""

    table: Table
    subscribers: Subscribers
    consents: Consents

    def answered(self, sid: str) -> Replies | None:
        """What this text was answered with, if it was."""
        found = self.table.get(_text_key(sid))
        return _replies(found) if found is not None else None

    def answer(
        self, inbound: Inbound, replies: Replies, memory: Memory, changes: Sequence[Sequence[Write]] = (), *, meanwhile: Memory | None = None
    ) -> Replies:
        """Make the changes and settle the text. The replies that are true: ours, or those of whoever settled it before us.

        Each group of changes is made whole, and in order. More than fit one transaction take several, the earlier with
        `meanwhile` as memory (else `memory`); the last settles the text. Raises TransactionRefused where the person's rows have
        changed since they were read."""
        said = () if inbound.answered else replies
        *earlier, last = packed(changes, beside=_BESIDE)
        who, turn = inbound.person.hash, inbound.person.memory.turn
        for number, writes in enumerate(earlier):
            self.table.transact([self.subscribers.remember_write(who, meanwhile or memory, since=turn + number), *writes])
        kept = [self.consents.wording_write(said[0])] if said and changes else []
        since = turn + len(earlier) if said or changes else None  # silence that changes nothing is true whoever came between
        own = [Put(_row(inbound, said), expect=Absent()), self.subscribers.remember_write(who, memory, since=since)]
        try:
            self.table.transact([*own, *kept, *last])
        except TransactionRefused:
            found = self.answered(inbound.sid)
            if found is None:
                raise
            return found
        return said

    def hollow(self, sid: str) -> None:
        """Keep of a text only that it was answered: what we said goes, and delivered again it changes nothing."""
        with suppress(WriteRefused):  # no text of that name, or its time is over
            self.table.update(_text_key(sid), Change(remove=("replies", "reply")), expect=Exists())


def _row(inbound: Inbound, replies: Replies) -> Row:
    values: dict[str, Value] = {"at": to_ms(inbound.at), "ttl": round((inbound.at + _KEPT).timestamp())}
    if replies:
        values["replies"] = list(replies)
    return Row(_text_key(inbound.sid), values)


def _replies(values: Values) -> Replies:
    """Those of a row; one of an earlier release held a single one."""
    found = values.get("replies") or ([values["reply"]] if values.get("reply") else [])
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def _text_key(sid: str) -> Key:
    """Where it is kept how a text was answered."""
    return Key(f"IN#{sid}", "TEXT")
