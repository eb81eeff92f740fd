"""Kill switches: `SWITCHES` / `SWITCHES`, one value per switch that is thrown, with who threw it, when and why.

`all` and a channel's name stop every hand-over, `broadcast:<id>` those of one broadcast; `source:<id>` stops that source's posts. `sign-ups`
stops sign-ups by page that did not answer a question. Workers read the row with each look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Change, Has, Key, Lacks, Table, Update, Values, Write

SWITCHES = Key("SWITCHES", "SWITCHES")
"""Where all of them are kept."""

ALL = "all"
SIGN_UPS = "sign-ups"


@dataclass(frozen=True)
class Thrown:
    """Who threw a switch, when and why."""

    by: str
    at: datetime
    why: str = ""


@dataclass(frozen=True)
class Switches:
    """Reads and throws switches."""

    table: Table

    def thrown(self) -> dict[str, Thrown]:
        """Every switch that is thrown, by name."""
        return read_switches({SWITCHES: self.table.get(SWITCHES) or {}})

    def throw_write(self, name: str, thrown: Thrown) -> Write:
        """The write that throws a switch. It loses where it is thrown already, so that each real change is told of once."""
        values: Values = {"by": thrown.by, "at": to_ms(thrown.at), "why": thrown.why}
        return Update(SWITCHES, Change(set={name: values}), expect=Lacks(name))

    def release_write(self, name: str) -> Write:
        """The write that releases a switch. It loses where it is not thrown."""
        return Update(SWITCHES, Change(remove=(name,)), expect=Has(name))


def read_switches(rows: Mapping[Key, Values]) -> dict[str, Thrown]:
    """The thrown switches among rows already read."""
    found = rows.get(SWITCHES, {})
    return {name: _thrown(value) for name, value in found.items() if isinstance(value, Mapping)}


def stops(thrown: Mapping[str, object], channel: Channel, broadcast: str) -> bool:
    """Whether nothing of a broadcast may be handed over on a channel."""
    return stops_all(thrown, channel) or broadcast_switch(broadcast) in thrown


def stops_all(thrown: Mapping[str, object], channel: Channel) -> bool:
    """Whether nothing at all may be handed over on a channel, whatever it belongs to."""
    return ALL in thrown or str(channel) in thrown


def source_switch(source: str) -> str:
    """The name of a source's switch."""
    return f"source:{source}"


def broadcast_switch(broadcast: str) -> str:
    """The name of a broadcast's switch."""
    return f"broadcast:{broadcast}"


def _thrown(value: Values) -> Thrown:
    return Thrown(str(value.get("by", "")), from_ms(int(str(value.get("at", 0)))), str(value.get("why", "")))
