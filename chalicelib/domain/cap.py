"""The cap on what one person gets in a day, so that a feed gone wrong, or a bad day on one line, does not become forty texts.

Every page of a routine broadcast leaves a code for each of its recipients; whoever has as many codes in a day as the city allows gets no more.
A code is a short hash of a random id: it counts people and names nobody. Two people share one once in billions, and then share a cap.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast

CODE = 10
"""Characters of a code."""

Full = Mapping[Channel, frozenset[str]]
"""The codes of those who had as many as they may today."""


@dataclass(frozen=True)
class DayPage:
    """Who was planned for on one page of a routine broadcast today, on one channel."""

    broadcast: str
    channel: Channel
    codes: tuple[str, ...]


def counts_against(broadcast: Broadcast) -> bool:
    """Whether a broadcast counts, and is held to the cap: not what may wake people, and not what sets right what they were told."""
    return not broadcast.urgent and broadcast.audience.corrects is None


def code_of(subscriber: str) -> str:
    """The code of a subscriber."""
    return hashlib.blake2b(subscriber.encode(), digest_size=CODE // 2).hexdigest()


def full(pages: Iterable[DayPage], *, besides: str, most: int) -> Full:
    """Who had `most` in a day, the broadcast at hand left out."""
    others = [page for page in pages if page.broadcast != besides]
    if len({page.broadcast for page in others}) < most:
        return {}
    counts: dict[Channel, Counter[str]] = {}
    for page in others:
        counts.setdefault(page.channel, Counter()).update(page.codes)
    return {channel: frozenset(code for code, count in tally.items() if count >= most) for channel, tally in counts.items()}
