"""Until when: the dates and spans of time that residents write, in the words of one language at a time.

`Dec 1`, `1 de diciembre`, `12/24`, `2026-12-01`, `2 weeks`, `una semana`, `3天`, `12월 1일까지`, `tomorrow`, `Friday`, `10` (days).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from chalicelib.domain.folding import atoms, fold

LONGEST_DAYS = 365
"""Nobody pauses for more than a year: who wants longer wants to stop."""

_MOST_READINGS = 50
_LONGEST_WORD = 24
_LONGEST_DATE = 80
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Atoms = tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A word of a date: what kind of word, and its number where it has one. Noise says nothing."""

    kind: str
    value: int = 0


_NOISE = Piece("noise")


@dataclass(frozen=True)
class Dates:
    """The words of one language for dates. `month_first` says how `12/1` is read."""

    pieces: Mapping[Atoms, tuple[Piece, ...]]
    month_first: bool

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> "Dates":
        """Read a language's table of `words.toml`."""
        found: dict[Atoms, tuple[Piece, ...]] = {}
        for word, piece in _entries(row):
            key = atoms(fold(word))
            found[key] = (*found.get(key, ()), piece)
        return cls(found, month_first=bool(row.get("month_first", False)))

    def until(self, text: str, today: date) -> date | None:
        """The day that a text names and nothing else, at most a year from today; None for any other text, and for no day to come."""
        if len(text) > _LONGEST_DATE:
            return None
        letters = atoms(fold(text))
        for pieces in islice(self._readings(letters, 0, set()), _MOST_READINGS):
            found = _day([piece for piece in pieces if piece is not _NOISE], today, month_first=self.month_first)
            if found:
                return min(found, today + timedelta(days=LONGEST_DAYS))
        return None

    def _readings(self, text: Atoms, at: int, dead: set[int]) -> Iterator[tuple[Piece, ...]]:
        """Every way to read all of a text as words of dates, longest words first. `dead` are places from which none leads to its end."""
        if at == len(text):
            yield ()
            return
        found = False
        for end, piece in self._pieces_at(text, at):
            for rest in self._readings(text, end, dead) if end not in dead else ():
                found = True
                yield (piece, *rest)
        if not found:
            dead.add(at)

    def _pieces_at(self, text: Atoms, at: int) -> Iterator[tuple[int, Piece]]:
        for end in range(min(len(text), at + _LONGEST_WORD), at, -1):
            yield from ((end, piece) for piece in self.pieces.get(text[at:end], ()))
        if text[at].isdigit() and len(text[at]) <= 4:
            yield at + 1, Piece("number", int(text[at]))


def _entries(row: Mapping[str, Any]) -> Iterator[tuple[str, Piece]]:
    for month in range(1, 13):
        yield from ((word, Piece("month", month)) for word in row["months"].get(str(month), ()))
    for number, name in enumerate(_WEEK):
        yield from ((word, Piece("weekday", number)) for word in row["days"].get(name, ()))
    yield from ((word, Piece("tomorrow")) for word in row["days"].get("tomorrow", ()))
    for unit in ("days", "weeks", "months"):
        yield from ((word, Piece(f"span_{unit}", count)) for word, count in row.get("spans", {}).get(unit, {}).items())
        yield from ((word, Piece(unit)) for word in row["units"].get(unit, ()))
    yield from ((word, Piece("number", count)) for word, count in row["units"].get("numbers", {}).items())
    noise = (*row["until"].get("before", ()), *row["until"].get("after", ()), *row["units"].get("around", ()))
    yield from ((word, _NOISE) for word in noise)


def _day(pieces: list[Piece], today: date, *, month_first: bool) -> date | None:
    kinds, values = tuple(piece.kind for piece in pieces), [piece.value for piece in pieces]
    if kinds == ("tomorrow",):
        return today + timedelta(days=1)
    if kinds == ("weekday",):
        return today + timedelta(days=(values[0] - today.weekday() - 1) % 7 + 1)
    if len(kinds) == 1 and kinds[0].startswith("span_"):
        return _after(today, values[0], kinds[0].removeprefix("span_"))
    if kinds and kinds[-1] in {"days", "weeks", "months"} and kinds[:-1] in {(), ("number",)}:
        return _after(today, values[0] if len(values) == 2 else 1, kinds[-1])
    if kinds == ("number",):
        return _after(today, values[0], "days")
    return _calendar_day(kinds, values, today, month_first=month_first)


def _calendar_day(kinds: tuple[str, ...], values: list[int], today: date, *, month_first: bool) -> date | None:
    """A month and a day of it, perhaps a year; a word for day may follow the number (12月1日)."""
    if "days" in kinds:
        kept = [(kind, value) for kind, value in zip(kinds, values, strict=True) if kind != "days"]
        kinds, values = tuple(kind for kind, _ in kept), [value for _, value in kept]
    year = None
    if len(values) == 3 and kinds[0] == "number" and values[0] > 31:
        year, kinds, values, month_first = values[0], kinds[1:], values[1:], True
    elif len(values) == 3 and kinds[2] == "number":
        year, kinds, values = values[2], kinds[:2], values[:2]
    if kinds == ("month", "number"):
        return _next(values[0], values[1], year, today)
    if kinds == ("number", "month"):
        return _next(values[1], values[0], year, today)
    if kinds != ("number", "number"):
        return None
    month, day = values if month_first else reversed(values)
    return _next(month, day, year, today) if month <= 12 else _next(day, month, year, today)


def _next(month: int, day: int, year: int | None, today: date) -> date | None:
    """The day of this year, or of the next where it is not to come any more."""
    if year is not None:
        found = _date(year + 2000 if year < 100 else year, month, day)
        return found if found and found > today else None
    coming = (_date(today.year + more, month, day) for more in range(2))
    return next((found for found in coming if found and found > today), None) if (today.month, today.day) != (month, day) else None


def _after(today: date, count: int, unit: str) -> date | None:
    """So many days, weeks or months on; None for none."""
    count = min(count, LONGEST_DAYS)
    if count < 1:
        return None
    if unit != "months":
        return today + timedelta(days=count * (7 if unit == "weeks" else 1))
    return in_months(today, min(count, 12))


def in_months(today: date, count: int) -> date:
    """The same day of a later month, or its last."""
    month = today.month - 1 + count
    year, month = today.year + month // 12, month % 12 + 1
    return next(found for day in range(today.day, 0, -1) if (found := _date(year, month, day)))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
