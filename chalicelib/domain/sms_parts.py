"""How a text is cut into parts, as carriers and Twilio count them.

A text is GSM-7 when each of its characters is, else UCS-2; one character decides for all. Alone a part holds 160 or 70
units, one of several 153 or 67, because each then carries a header. Sources: 3GPP TS 23.038, 23.040; Twilio's counter,
which takes `Ç` for GSM-7 and `ç` not, as ETSI does and the Unicode consortium's table does not.
"""

import re
import unicodedata
from typing import NamedTuple

GSM7 = "GSM-7"
UCS2 = "UCS-2"
ELLIPSIS = "..."

_BASIC = frozenset("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENSION
_ALONE = {GSM7: 160, UCS2: 70}
_JOINED = {GSM7: 153, UCS2: 67}

# Typographers' marks → what GSM-7 has for them. No letters: á is not a.
_PLAIN = {
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t", " "),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff", ""),
    **dict.fromkeys("\u2028\u2029\u0085\v", "\n"),
    "\u2026": ELLIPSIS,
}
_TO_PLAIN = str.maketrans(_PLAIN)

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_WORD_END = re.compile(rf"(?<=\S)(?=\s)|(?<=[{_WIDE}])(?=\S)|(?<=\S)(?=[{_WIDE}])")
"""Where a text may be cut: after a word, and around characters of scripts that write no spaces."""
_LONGEST_LOSS = 40
_DANGLING = " \t\r\n\f,;:.-–—、，；：。"


class Count(NamedTuple):
    """Parts and encoding of a text."""

    parts: int
    encoding: str


def count(text: str) -> Count:
    """Parts and encoding as billed. An empty text has no part."""
    encoding = GSM7 if _GSM.issuperset(text) else UCS2
    double = _doubles(text, encoding)
    units = len(text) + double
    if units <= _ALONE[encoding]:
        return Count(min(units, 1), encoding)
    if not double:
        return Count(-(-units // _JOINED[encoding]), encoding)
    return Count(_walk(text, encoding), encoding)


def tidy(text: str) -> str:
    """The text with typographic marks made plain, where that alone brings it into GSM-7; else the text as it is."""
    if _GSM.issuperset(text):
        return text
    plain = unicodedata.normalize("NFC", text).translate(_TO_PLAIN)
    return plain if _GSM.issuperset(plain) else text


def fit(text: str, *, most: int, link: str | None = None) -> str:
    """Text, and the link on a line of its own, in at most so many parts.

    What is too long is cut after a word and ends in three dots. The link is whole or, where it leaves no room for a
    single word, left out."""
    for tail in dict.fromkeys([f"\n{link}" if link else "", ""]):
        if count(text + tail).parts <= most:
            return text + tail
        if cut := _longest(text, tail, most):
            return cut + ELLIPSIS + tail
    return ""


def _longest(text: str, tail: str, most: int) -> str:
    """The longest beginning that fits. Parts never fall as a text grows, whatever its encoding becomes: so halve and look."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[:middle] + ELLIPSIS + tail).parts <= most:
            low = middle
        else:
            high = middle - 1
    return text[: _cut(text, low)].rstrip(_DANGLING)


def _cut(text: str, limit: int) -> int:
    """The best place to cut at or before `limit`: after a word, or between two characters where a word is longer than that is worth."""
    while limit and inside_character(text, limit):
        limit -= 1
    floor = max(0, limit - _LONGEST_LOSS)
    ends = [found.start() for found in _WORD_END.finditer(text, floor, min(len(text), limit + 1)) if found.start() <= limit]
    return next((end for end in reversed(ends) if end and not inside_character(text, end)), limit)


def inside_character(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would tear what a reader sees as one character: an accent, a flag, a family, a pair of surrogates."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if unicodedata.category(after)[0] == "M" or before == "\u200d" or after in "\u200c\u200d" or before + after == "\r\n":
        return True
    if "\u1160" <= after <= "\u11ff" or "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\udc00" <= after <= "\udfff" and "\ud800" <= before <= "\udbff":
        return True
    return _is_flag_half(after) and _flag_halves_before(text, at) % 2 == 1


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    start = at
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return at - start


def _doubles(text: str, encoding: str) -> int:
    """Characters that take two units: an escape and its sign, or a surrogate pair."""
    if text.isascii() and encoding == UCS2:
        return 0
    return sum(map(text.count, _EXTENSION)) if encoding == GSM7 else sum(character > "\uffff" for character in text)


def _walk(text: str, encoding: str) -> int:
    """Parts when some characters take two units, which no part boundary may tear."""
    room, parts, left = _JOINED[encoding], 1, _JOINED[encoding]
    for character in text:
        units = 2 if (character in _EXTENSION and encoding == GSM7) or character > "\uffff" else 1
        if units > left:
            parts, left = parts + 1, room
        left -= units
    return parts
