"""Fields of a form: what they hold, and what is wrong with them. What is wrong is a code; the page has a sentence for each."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.domain.quiet import Window

_MOST_WORDS, _LONGEST = 20, 60
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_COMMAS = re.compile(r"[,،、，;؛；\n]")

Fields = Mapping[str, Sequence[str]]


class Fault(StrEnum):
    """What is wrong with a field."""

    HALF = "half"
    TIME = "time"
    SAME = "same"
    UNKNOWN = "unknown"
    LONG = "long"
    PAY = "pay"
    DAY = "day"


@dataclass(frozen=True)
class Filled:
    """Fields of a form whose names begin alike, and what is found wrong with them while they are read."""

    fields: Fields
    prefix: str = ""
    wrong: dict[str, Fault] = field(default_factory=dict)

    def at(self, name: str) -> str:
        """The whole name of a field."""
        return self.prefix + name

    def first(self, name: str) -> str:
        """A field's value without the space around it; empty where there is none."""
        return next(iter(self.fields.get(self.at(name), ())), "").strip()

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return list(self.fields.get(self.at(name), ()))

    def given(self) -> set[str]:
        """The names of the fields that hold something."""
        return {name.removeprefix(self.prefix) for name, values in self.fields.items() if name.startswith(self.prefix) and any(values)}

    def refuse(self, name: str, fault: Fault) -> None:
        """Say what is wrong with a field."""
        self.wrong.setdefault(self.at(name), fault)

    def picked(self, name: str, allowed: Collection[str]) -> str:
        """The one that was picked; empty where none was."""
        value = self.first(name)
        if value and value not in allowed:
            self.refuse(name, Fault.UNKNOWN)
            return ""
        return value

    def ticked(self, name: str, allowed: Collection[str]) -> list[str]:
        """Those that were ticked."""
        values = self.all(name)
        if any(value not in allowed for value in values):
            self.refuse(name, Fault.UNKNOWN)
        return [value for value in values if value in allowed]

    def word(self, name: str) -> str | None:
        """What was typed; None where nothing was."""
        value = self.first(name)
        if len(value) > _LONGEST:
            self.refuse(name, Fault.LONG)
        return value[:_LONGEST] or None

    def words(self, name: str) -> list[str]:
        """What was typed between commas of any script."""
        words = [word for part in _COMMAS.split(self.first(name)) if (word := " ".join(part.split()))]
        if len(words) > _MOST_WORDS or any(len(word) > _LONGEST for word in words):
            self.refuse(name, Fault.LONG)
            return []
        return words

    def window(self, start: str, end: str) -> Window | None:
        """From and until; None where neither is given, or one of them is wrong."""
        given = [name for name in (start, end) if self.first(name)]
        if len(given) == 1:
            self.refuse(end if given == [start] else start, Fault.HALF)
        times = {name: self._minute(name) for name in given}
        if len(given) < len((start, end)) or None in times.values():
            return None
        if times[start] == times[end]:
            self.refuse(end, Fault.SAME)
            return None
        return (times[start] or 0, times[end] or 0)

    def _minute(self, name: str) -> int | None:
        found = _CLOCK.fullmatch(self.first(name))
        if found is None:
            self.refuse(name, Fault.TIME)
            return None
        return int(found[1]) * 60 + int(found[2])


def clock(minute: int) -> str:
    """A minute of the day as a field for times holds it: `08:30`."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
