"""What the watchdog over sign-ups by page remembers: `SIGN-UPS` / `WATCH`, and who was asked: `SIGN-UPS` / `ASKED#<ms>#<sign-up>`, for a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.times import from_ms, to_ms
from chalicelib.errors import WriteRefused
from chalicelib.state.table import Change, Compare, Condition, Key, Lacks, Put, Row, Table, Values, Write, either

WATCH = Key("SIGN-UPS", "WATCH")
"""Where the watchdog's memory is kept."""

LOOK_EVERY = timedelta(seconds=30)
LOOK_BACK = timedelta(hours=12)
_KEPT = timedelta(days=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Watch:
    """When it last looked; since when sign-ups count; whether it saw its switch thrown; and the hour whose open share was used up last."""

    looked: datetime = _NEVER
    since: datetime = _NEVER
    guarded: bool = False
    hour: str = ""


@dataclass(frozen=True)
class Watches:
    """Reads and writes what the watchdog remembers."""

    table: Table

    def asked_write(self, sign_up: str, now: datetime) -> Write:
        """The write that remembers that somebody was asked to confirm, for a transaction."""
        return Put(Row(Key(WATCH.partition, f"ASKED#{to_ms(now):014d}#{sign_up}"), {"ttl": round((now + _KEPT).timestamp())}))

    def asked(self, since: datetime) -> list[tuple[datetime, str]]:
        """Who was asked after a moment, and when, oldest first."""
        found: list[tuple[datetime, str]] = []
        after: str | None = f"ASKED#{to_ms(since):014d}#~"
        while after is not None:
            page = self.table.query(WATCH.partition, prefix="ASKED#", after=after)
            for row in page.rows:
                _, at, name = row.key.sort.split("#", 2)
                found.append((from_ms(int(at)), name))
            after = page.after
        return found

    def may_look(self, now: datetime) -> bool:
        """Whether it is time to look again, and nobody else does it now."""
        long_ago = either(Lacks("looked"), Compare("looked", "<=", to_ms(now - LOOK_EVERY)))
        return self._update(Change(set={"looked": to_ms(now)}), long_ago)

    def used_up(self, hour: str) -> bool:
        """Remember that an hour's open share is used up. False where that was known."""
        return self._update(Change(set={"hour": hour}), either(Lacks("hour"), Compare("hour", "<>", hour)))

    def note(self, *, guarded: bool, since: datetime | None = None) -> None:
        """Remember whether the switch is thrown; and where it is released, since when sign-ups count from now on."""
        self.table.update(WATCH, Change(set={"guarded": guarded, **({"since": to_ms(since)} if since else {})}))

    def _update(self, change: Change, expect: Condition) -> bool:
        try:
            self.table.update(WATCH, change, expect=expect)
        except WriteRefused:
            return False
        return True


def read_watch(rows: Mapping[Key, Values]) -> Watch:
    """What the watchdog remembers, among rows already read."""
    found = rows.get(WATCH, {})
    looked, since = (from_ms(int(str(found.get(name, 0)))) for name in ("looked", "since"))
    return Watch(looked, since, found.get("guarded") is True, str(found.get("hour", "")))
