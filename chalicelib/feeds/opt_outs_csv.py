"""Opt-outs as an export wrote them, read back line by line: a keyed hash or an address, on a channel, since when."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.exporting import OptedOut
from chalicelib.domain.importing import Wrong
from chalicelib.domain.parsing import parse_email, parse_phone
from chalicelib.domain.times import parse_moment
from chalicelib.errors import Invalid
from chalicelib.feeds.csv_cells import Bad, cell_text
from chalicelib.feeds.csv_lines import Cells, Read, check_text, refuse, rows_of
from chalicelib.feeds.csv_out import OPT_OUT_COLUMNS

_HASH = re.compile(r"\w{1,8}\.[0-9a-f]{40}")


def read_opt_outs_csv(read: Read, *, now: datetime) -> Iterator[tuple[int, OptedOut] | Wrong]:
    """Each opt-out with its line, or what is wrong with it: any phone that could text us is taken here, for a stop is owed to all. Raises Malformed."""
    check_text(read)
    rows = rows_of(read)
    header = next(rows, None)
    if not isinstance(header, Cells):
        raise refuse(1, "empty_file" if header is None else header.code, **(header.values if header else {}))
    names = [name.strip().casefold() for name in header.cells]
    for name in ("at", "hash"):
        if name not in names:
            raise refuse(header.line, "missing_column", name=name)
    for found in rows:
        yield found if isinstance(found, Wrong) else _line(found, names, now)


def _line(found: Cells, names: list[str], now: datetime) -> tuple[int, OptedOut] | Wrong:
    try:
        cells = dict.fromkeys(OPT_OUT_COLUMNS, "") | {name: cell_text(name, cell) for name, cell in zip(names, found.cells, strict=False)}
        return found.line, _opted_out(cells, now)
    except Bad as bad:
        return Wrong(found.line, bad.column, bad.code, bad.values)


def _opted_out(cells: Mapping[str, str], now: datetime) -> OptedOut:
    address = _address(cells)
    if address is None and not _HASH.fullmatch(cells["hash"]):
        raise Bad("hash", "no_hash")
    try:
        at = parse_moment(cells["at"], "")
    except Invalid:
        raise Bad("at", "invalid_time") from None
    if at > now:
        raise Bad("at", "in_the_future")
    return OptedOut(cells["hash"], at, address.channel if address else _channel(cells["channel"]), address)


def _address(cells: Mapping[str, str]) -> Address | None:
    try:
        if cells["phone"]:
            return parse_phone(cells["phone"])
        return parse_email(cells["email"]) if cells["email"] else None
    except Invalid:
        column = "phone" if cells["phone"] else "email"
        raise Bad(column, f"invalid_{column}", countries="any country") from None


def _channel(text: str) -> Channel | None:
    return Channel(text) if text in set(Channel) else None
