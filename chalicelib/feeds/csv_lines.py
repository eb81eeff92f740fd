"""CSV as spreadsheets write it: bytes → rows of cells with the line each begins in, whatever the encoding, line ends and separator.

Nothing is ever held whole: not the file, not an endless line, not what follows a quotation mark that never closes.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from chalicelib.domain.importing import SENTENCES, Wrong
from chalicelib.errors import Malformed, Problem

Read = Callable[[], Iterable[bytes]]
"""Opens the file from its beginning, and gives it piece by piece."""

MOST_LINE = 20_000
"""Characters of one line; what is beyond is not kept."""
MOST_LINES = 30
"""Lines that one row takes, with line ends inside quotation marks."""

_SEPARATORS = (",", ";", "\t")
_WORKBOOK = b"PK\x03\x04"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Cells:
    """A row of cells, and the line it begins in."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    cut: bool = False


class _NoEnd(Exception):
    """A row goes on for longer than any row does."""


def refuse(line: int, code: str, **values: str) -> Malformed:
    """The whole file is refused, for what stands in this line."""
    detail = SENTENCES[code].format(**values)
    return Malformed(f"Line {line}: {detail}", code=code, problems=[Problem(f"#line={line}", code, detail)])


def check_text(read: Read) -> None:
    """Read the file once to its end, as text. Raises Malformed naming the first line that cannot be read, so that nothing of such a file is taken."""
    for _ in _lines(read()):
        pass


def rows_of(read: Read) -> Iterator[Cells | Wrong]:
    """The rows, the header first; a row that cannot be read is named, and reading goes on behind it. Blank rows are passed over."""
    lines = _lines(read())
    waiting: deque[_Line] = deque()
    separator = ""
    while line := waiting.popleft() if waiting else next(lines, None):
        if not separator and line.text.lower().startswith("sep=") and len(line.text) == 5:
            separator = line.text[4]
            continue
        separator = separator or _separator(line.text)
        found = _row(line, waiting, lines, separator)
        if isinstance(found, Wrong) or any(cell.strip() for cell in found.cells):
            yield found


def _row(first: _Line, waiting: deque[_Line], lines: Iterator[_Line], separator: str) -> Cells | Wrong:
    """The row that begins in a line. Where it has no end, the lines after its first wait to be read as rows of their own."""
    taken: list[_Line] = []

    def following() -> Iterator[str]:
        line: _Line | None = first
        while line:
            taken.append(line)
            if line.cut or len(taken) > MOST_LINES:
                raise _NoEnd
            yield line.text + "\n"
            line = waiting.popleft() if waiting else next(lines, None)

    try:
        return Cells(first.number, tuple(next(csv.reader(following(), delimiter=separator, strict=True))))
    except (csv.Error, _NoEnd):
        waiting.extendleft(reversed(taken[1:]))
    if first.cut:
        return Wrong(first.number, "", "too_long", {"most": f"{MOST_LINE:,}"})
    return Wrong(first.number, "", "open_quote" if len(taken) > 1 or first.text.count('"') % 2 else "bad_quotes")


def _separator(header: str) -> str:
    """The one that parts the header into the most cells."""
    return max(_SEPARATORS, key=header.count)


def _lines(pieces: Iterable[bytes]) -> Iterator[_Line]:
    """Lines with their numbers, of any line ends, none of them longer than a line may be."""
    number, left, cut = 1, "", False
    for text in _texts(pieces):
        *whole, last = (left + text).split("\n")
        for line in whole:
            yield _Line(number, line[:MOST_LINE], cut or len(line) > MOST_LINE)
            number, cut = number + 1, False
        left, cut = last[: MOST_LINE + 1], cut or len(last) > MOST_LINE
    if left:
        yield _Line(number, left[:MOST_LINE], cut)


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text, line ends made one. Raises Malformed."""
    stream, line = iter(pieces), 1
    first = b""
    while len(first) < len(_WORKBOOK) and (more := next(stream, b"")):
        first += more
    if not first.strip():
        raise refuse(1, "empty_file")
    bom = next((name for mark, name in _BOMS if first.startswith(mark)), None)
    if first.startswith(_WORKBOOK) or (bom is None and b"\x00" in first[:4]):
        raise refuse(1, "not_text")
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(bom or "utf-8")(), translate=True)
    for piece in chain((first,), stream, (None,)):
        try:
            text = decoder.decode(piece or b"", final=piece is None)
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start]).decode(error.encoding.replace("-sig", ""), "replace")
            code = "cut" if error.reason in {"unexpected end of data", "truncated data"} and piece is None else "not_utf8"
            raise refuse(line + before.replace("\r\n", "\n").replace("\r", "\n").count("\n"), code) from None
        line += text.count("\n")
        yield text
