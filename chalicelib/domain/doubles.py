"""Doubles: the same words, again, to people who were just told them."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Audience, Content
from chalicelib.domain.notice import Act

WITHIN = timedelta(minutes=60)

_BETWEEN_WORDS = re.compile(r"(?<!\d) | (?!\d)")
"""A gap that does not keep two numbers apart."""


@dataclass(frozen=True)
class Saying:
    """Words that are said at some moment: by which broadcast, of which notice, to whom."""

    broadcast: str
    notice: str
    at: datetime
    topics: frozenset[str]
    reached: frozenset[str]
    channels: frozenset[Channel]


def saying_of(broadcast: str, notice: str, audience: Audience, at: datetime) -> Saying:
    """What a broadcast of this notice says to this audience, sent at that moment."""
    return Saying(broadcast, notice, at, frozenset(audience.topics), frozenset(audience.reached), frozenset(audience.channels))


def words_hash(content: Content) -> str:
    """A hash of the words and links alone: case, spaces and punctuation do not count. A withdrawal in the same words says something else."""
    texts = {tag: [_bare(text.title), _bare(text.body), text.link] for tag, text in content.texts.items()}
    over = content.act in {Act.CANCELLED, Act.ENDED}
    return hashlib.sha256(json.dumps([texts, content.link, over], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def doubled(saying: Saying, earlier: Iterable[Saying]) -> list[Saying]:
    """Those among earlier sayings of the same words that make this one a double for some reader, first said first. A revision of the same
    notice is none: whether it is worth a message was judged before."""
    return sorted((one for one in earlier if one.notice != saying.notice and _overlap(one, saying)), key=lambda one: (one.at, one.broadcast))


def _overlap(one: Saying, other: Saying) -> bool:
    """One names a topic that the other reaches. Two topics side by side are different news to whoever follows what is above both."""
    near = abs(one.at - other.at) < WITHIN
    return near and bool(one.channels & other.channels) and bool(one.topics & other.reached or other.topics & one.reached)


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = "".join(_spaced(char) for char in folded)
    return _BETWEEN_WORDS.sub("", " ".join(spaced.split()))


def _spaced(char: str) -> str:
    category = unicodedata.category(char)
    return "" if category == "Cf" else " " if category[0] in "CPZ" else char
