"""Whole talks in words, one file per language in `transcripts/`, for translators to read and edit.

    # what this part is about
    > what a resident texts
    < our reply; each of its further lines begins with two spaces
      like this one
    < a second message to the same text
    ~ 25 hours                        time passes

A text without a reply is answered with silence. `python -m tests.conversation.transcripts es` writes the replies of today into `es.txt`:
read them all before you keep them.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.conversation.booth import Booth

FOLDER = Path(__file__).parent / "transcripts"


@dataclass(frozen=True)
class Line:
    """A line of a transcript, and the number that it has there: a text with its replies, or time that passes, or words for the reader."""

    number: int
    kind: str
    said: str
    replies: tuple[str, ...] = ()


def read(path: Path) -> list[Line]:
    """The lines of a transcript."""
    found: list[Line] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        kind, said = line[:1], line[2:]
        if kind == "<":
            found[-1] = Line(found[-1].number, ">", found[-1].said, (*found[-1].replies, said))
        elif kind == " ":
            *earlier, last = found[-1].replies
            found[-1] = Line(found[-1].number, ">", found[-1].said, (*earlier, f"{last}\n{said}"))
        else:
            found.append(Line(number, kind, said))
    return found


def played(lines: Iterable[Line], booth: Booth) -> Iterator[tuple[Line, tuple[str, ...]]]:
    """Each line, and what the city really answered."""
    for line in lines:
        if line.kind == "~":
            count, unit = line.said.split()
            booth.clock.advance(timedelta(**{unit: int(count)}))
        yield line, tuple(booth.texts(line.said)) if line.kind == ">" else ()


def written(line: Line, replies: Iterable[str]) -> str:
    """A line as its file has it."""
    heard = f"{line.kind} {line.said}".rstrip()
    return "\n".join([heard, *("< " + reply.replace("\n", "\n  ") for reply in replies)])


def main(tags: list[str]) -> None:
    """Write today's replies into the files of these languages."""
    for tag in tags:
        path = FOLDER / f"{tag}.txt"
        with tempfile.TemporaryDirectory() as folder:
            booth = Booth(Path(folder))
            text = "\n".join(written(line, replies) for line, replies in played(read(path), booth))
        path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
