"""Letters and texts to one person that are no broadcast, such as a confirmation: `R#<id>` / `REPLY`, open=REPLY until settled.

The row names an address by its hash and a letter by its template: the queue and the row hold nothing personal. What is said of letters here is as
true of texts.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.address import Channel
from chalicelib.domain.times import to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Absent, Change, Compare, Key, Put, Row, Table, Values, Write, either, equals, every

LEASE = timedelta(seconds=90)
MOST_TRIES = 5
_UNTIL_SWEPT = timedelta(minutes=2)
_KEPT = timedelta(days=7)
_OPEN = "REPLY"


class ReplyState(StrEnum):
    """Where a letter stands: a claimed one whose lease has run out may be claimed again."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    FAILED = "failed"


@dataclass(frozen=True)
class Reply:
    """A letter to one address: the template `letter`, and `about`, the id of what it is about. `tries`: attempts of which nobody knows what
    came, the one under way included; `laters`: how often it was put off; `claim`: whose it is; `due`: when it is to go, None for at once."""

    id: str
    address: str
    letter: str
    about: str
    locale: str
    tries: int = 0
    laters: int = 0
    claim: str = ""
    channel: Channel = Channel.EMAIL
    due: datetime | None = None


@dataclass(frozen=True)
class Replies:
    """Keeps letters until they are handed over."""

    table: Table

    def put_write(self, reply: Reply, now: datetime) -> Write:
        """The write that keeps a letter to be sent, for a transaction. The sweep queues it once it is due, and where nobody else did."""
        values: Values = {
            "address": reply.address,
            "letter": reply.letter,
            "about": reply.about,
            "locale": reply.locale,
            "channel": str(reply.channel),
            "state": str(ReplyState.WAITING),
            "tries": 0,
            "open": _OPEN,
            "due": to_ms(reply.due or now + _UNTIL_SWEPT),
            "ttl": round((now + _KEPT).timestamp()),
        }
        return Put(Row(reply_key(reply.id), values), expect=Absent())

    def due(self, now: datetime) -> list[str]:
        """Letters that somebody should take up by now."""
        page = self.table.query_open(_OPEN, due=to_ms(now), limit=100)
        return [row.key.partition.removeprefix("R#") for row in page.rows]

    def claim(self, name: str, now: datetime, *, claim: str) -> Reply | None:
        """Take up a letter; None where it is settled, or in other hands. Its `tries` counts this one. A call whose answer was lost, and that
        is made again with the same fresh `claim`, finds it its own."""
        until = to_ms(now + LEASE)
        free = either(equals("state", str(ReplyState.WAITING)), every(equals("state", str(ReplyState.CLAIMED)), Compare("due", "<=", to_ms(now))))
        change = Change(set={"state": str(ReplyState.CLAIMED), "due": until, "claim": claim}, add={"tries": 1})
        try:
            return _reply(name, self.table.update(reply_key(name), change, expect=free))
        except WriteRefused as refused:
            return _reply(name, refused.old) if refused.old is not None and refused.old.get("claim") == claim else None

    def put_off(self, reply: Reply, until: datetime) -> None:
        """Leave a claimed letter for later. Nobody was handed it, so this was none of its tries."""
        values: Values = {"state": str(ReplyState.WAITING), "due": to_ms(until), "tries": reply.tries - 1, "laters": reply.laters + 1}
        self._end(reply, Change(set=values))

    def settle(self, reply: Reply, state: ReplyState) -> None:
        """The end of a claimed letter."""
        self._end(reply, Change(set={"state": str(state)}, remove=("open", "due")))

    def state(self, name: str) -> Mapping[str, object] | None:
        """The state and the number of tries of a letter."""
        found = self.table.get(reply_key(name))
        return {"state": found["state"], "tries": found["tries"]} if found else None

    def _end(self, reply: Reply, change: Change) -> None:
        """Only for whoever holds the claim: after its lease the letter is in other hands, and theirs counts."""
        mine = every(equals("state", str(ReplyState.CLAIMED)), equals("claim", reply.claim))
        with suppress(WriteRefused):
            self.table.update(reply_key(reply.id), change, expect=mine)


def reply_key(name: str) -> Key:
    """Where a letter is kept."""
    return Key(f"R#{name}", "REPLY")


def _reply(name: str, values: Values) -> Reply:
    return Reply(
        id=name,
        address=str(values["address"]),
        letter=str(values["letter"]),
        about=str(values["about"]),
        locale=str(values["locale"]),
        tries=int(str(values["tries"])),
        laters=int(str(values.get("laters", 0))),
        claim=str(values.get("claim", "")),
        channel=Channel(str(values.get("channel", Channel.EMAIL))),
    )
