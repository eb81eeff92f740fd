"""Sign-ups on a page that wait for their letter's link: `UP#<id>` / `SIGN-UP`; and how many letters an address was sent
in a day: `A#<hash>` / `LETTERS#<day>`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Absent, Change, Compare, Key, Lacks, Put, Row, Table, Update, Values, Write, either

VALID = timedelta(hours=48)
MOST_LETTERS = 3
"""Confirmation letters to one address in a day: enough for whoever lost one, too few to pester anybody."""
_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class SignUp:
    """Topics that somebody asked for on a page, for an address that is still to be proven theirs."""

    id: str
    address: str
    subscriber: str
    topics: tuple[str, ...]
    locale: str
    at: datetime
    confirmed: bool = False

    def is_valid(self, now: datetime) -> bool:
        """Whether its link still counts."""
        return now - self.at < VALID


@dataclass(frozen=True)
class SignUps:
    """Reads and writes sign-ups."""

    table: Table

    def get(self, name: str) -> SignUp | None:
        """The sign-up of this id."""
        found = self.table.get(_key(name))
        return _sign_up(name, found) if found else None

    def put_write(self, sign_up: SignUp) -> Write:
        """The write that keeps a sign-up, for a transaction."""
        values: Values = {
            "address": sign_up.address,
            "subscriber": sign_up.subscriber,
            "topics": list(sign_up.topics),
            "locale": sign_up.locale,
            "at": to_ms(sign_up.at),
            "ttl": round((sign_up.at + _KEPT).timestamp()),
        }
        return Put(Row(_key(sign_up.id), values), expect=Absent())

    def confirm_write(self, name: str) -> Write:
        """The write that uses a sign-up up, for a transaction: refused the second time."""
        return Update(_key(name), Change(set={"confirmed": True}), expect=Lacks("confirmed"))

    def may_write(self, address: str, now: datetime) -> bool:
        """Whether one more letter may go to this address today; counts it."""
        key = Key(f"A#{address}", f"LETTERS#{now:%Y-%m-%d}")
        change = Change(set={"ttl": round((now + _KEPT).timestamp())}, add={"count": 1})
        try:
            self.table.update(key, change, expect=either(Lacks("count"), Compare("count", "<", MOST_LETTERS)))
        except WriteRefused:
            return False
        return True


def _key(name: str) -> Key:
    return Key(f"UP#{name}", "SIGN-UP")


def _sign_up(name: str, values: Values) -> SignUp:
    topics = values["topics"]
    return SignUp(
        id=name,
        address=str(values["address"]),
        subscriber=str(values["subscriber"]),
        topics=tuple(str(one) for one in topics) if isinstance(topics, list) else (),
        locale=str(values["locale"]),
        at=from_ms(int(str(values["at"]))),
        confirmed=bool(values.get("confirmed")),
    )
