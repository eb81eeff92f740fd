"""Subscribers from another system, as CSV: columns in any order, one row each, read one at a time. What is wrong is named by line, column and code.

phone email topics language zone quiet_from quiet_until areas consent_at consent_how consent_words consent_proof person filters preferences
"""

import hashlib
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Address
from chalicelib.domain.city import City
from chalicelib.domain.importing import Row, Wrong, masked
from chalicelib.feeds.csv_cells import MARKS, Bad, cell_text, read_address
from chalicelib.feeds.csv_choices import Names, read_filters_of, read_language, read_preferences_of, read_proof, read_topics
from chalicelib.feeds.csv_lines import Cells, Read, check_text, refuse, rows_of

COLUMNS = (
    *("phone", "email", "topics", "language", "zone", "quiet_from", "quiet_until", "areas"),
    *("consent_at", "consent_how", "consent_words", "consent_proof", "person", "filters", "preferences"),
)
NEEDED = ("topics", "language", "consent_at", "consent_how", "consent_words")
_BUCKETS = 4096


def read_subscribers(read: Read, *, city: City, now: datetime) -> Iterator[Row | Wrong]:
    """Every row, or the first thing that is wrong with it. The file is read twice, and nothing of it is kept but twelve bytes a row. Raises Malformed
    where all of it is to be refused: it is no text that we can read, or its header does not say what we need."""
    check_text(read)
    rows = rows_of(read)
    header = _header(next(rows, None))
    reading = _Reading(city, Names.of(city), now, _Seen())
    found = None
    for found in rows:
        yield found if isinstance(found, Wrong) else _row(found, header, reading)
    if found is None:
        raise refuse(1, "no_rows")


def _header(found: Cells | Wrong | None) -> tuple[str, ...]:
    """The columns' names, in the file's order. Raises Malformed."""
    if found is None:
        raise refuse(1, "empty_file")
    if isinstance(found, Wrong):
        raise refuse(found.line, found.code, **found.values)
    names = tuple(re.sub(r"[\s-]+", "_", MARKS.sub("", cell).strip(" '\"").casefold()) for cell in found.cells)
    while names and not names[-1]:
        names = names[:-1]
    wrong = next(_wrong_in(names), None)
    if wrong:
        raise refuse(found.line, wrong[0], name=wrong[1], known=", ".join(COLUMNS))
    return names


def _wrong_in(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Codes, and the column that each is about."""
    for name in names:
        if name not in COLUMNS:
            yield "unknown_column", masked(name)
        if names.count(name) > 1:
            yield "column_twice", name
    if not {"phone", "email"} & set(names):
        yield "no_address_column", ""
    yield from (("missing_column", name) for name in NEEDED if name not in names)


def _row(found: Cells, header: tuple[str, ...], reading: "_Reading") -> Row | Wrong:
    beyond = [cell for cell in found.cells[len(header) :] if cell.strip()]
    if len(found.cells) < len(header) or beyond:
        code = "too_many_cells" if beyond else "too_few_cells"
        return Wrong(found.line, "", code, {"found": str(len(found.cells)), "wanted": str(len(header))})
    try:
        cells = dict.fromkeys(COLUMNS, "") | {name: cell_text(name, cell) for name, cell in zip(header, found.cells, strict=False)}
        return reading.row(found.line, cells)
    except Bad as bad:
        return Wrong(found.line, bad.column, bad.code, bad.values)


@dataclass(frozen=True)
class _Reading:
    """One reading of a file: by whose names, when, and who came before."""

    city: City
    names: Names
    now: datetime
    seen: "_Seen"

    def row(self, line: int, cells: Mapping[str, str]) -> Row:
        """The row that these cells say. Raises Bad."""
        for name in NEEDED:
            if not cells[name]:
                raise Bad(name, "missing")
        addresses = {name: read_address(name, cells[name], self.city.countries) for name in ("phone", "email") if cells[name]}
        if not addresses:
            raise Bad("phone", "no_address")
        row = Row(
            line=line,
            addresses=addresses,
            topics=read_topics(cells["topics"], self.names, self.city),
            locale=read_language(cells["language"], self.city),
            proof=read_proof(cells, self.city.zone, self.now),
            preferences=read_preferences_of(cells),
            filters=read_filters_of(cells, self.names, self.city),
            person=cells["person"],
        )
        self.seen.add(row)
        return row


class _Seen:
    """Every address with every topic of the good rows, and the line of each, in twelve bytes."""

    def __init__(self) -> None:
        self._buckets: list[tuple[array[int], array[int]] | None] = [None] * _BUCKETS

    def add(self, row: Row) -> None:
        """Remember a row. Raises Bad where an earlier one says the same."""
        names = [(column, _short(address, topic)) for column, address in row.addresses.items() for topic in row.topics]
        for column, name in names:
            found = self._buckets[name % _BUCKETS]
            if found and name in found[0]:
                raise Bad(column, "repeated", first=str(found[1][found[0].index(name)]))
        for _, name in names:
            names_here, lines = self._buckets[name % _BUCKETS] or (array("Q"), array("I"))
            names_here.append(name)
            lines.append(row.line)
            self._buckets[name % _BUCKETS] = (names_here, lines)


def _short(address: Address, topic: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{address.text}\n{topic}".encode()).digest()[:8])
