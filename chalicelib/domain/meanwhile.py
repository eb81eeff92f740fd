"""What somebody changed on a page, and what changed elsewhere meanwhile: both stay.

    shown     the fields as the page showed them
    submitted the fields as they came back
    now       the fields as the page would show them at this moment

A field that came back as it was shown says nothing: what holds now stays. One that was changed is meant. Boxes are looked at one by one: ticked or
unticked on the page is meant, all others stay as they are now; but who unticks all of them wants none.
"""

import re
from collections.abc import Mapping, Sequence

from chalicelib.domain.fields import Fields

_TOGETHER: Mapping[str, Sequence[str]] = {
    "quiet": ("quiet", "quiet-from", "quiet-until"),
    "digest": ("digest", "digest-hour", "digest-day"),
    "hours": ("hours-day", "hours-from", "hours-until"),
    "travel": ("travel-day", "travel-from", "travel-until"),
    "ways": ("route", "direction", "origin", "destination"),
}
"""Fields that mean something together only: changed is all of them, or none."""

_WHOLE = {name: whole for whole, names in _TOGETHER.items() for name in names}
_BOXES = re.compile(r"topic-\w+|.+\.(area|facility)")
_ROW = re.compile(r"-[0-9]+$")


def merged(*, shown: Fields, submitted: Fields, now: Fields) -> Fields:
    """The fields that somebody means."""
    wholes: dict[str, list[str]] = {}
    for name in dict.fromkeys((*now, *submitted, *shown)):
        wholes.setdefault(_whole(name), []).append(name)
    found: dict[str, Sequence[str]] = {}
    for whole, names in wholes.items():
        if _BOXES.fullmatch(whole):
            found[whole] = _boxes(*(list(fields.get(whole, ())) for fields in (shown, submitted, now)))
            continue
        meant = now if all(_said(shown, name) == _said(submitted, name) for name in names) else submitted
        found |= {name: meant[name] for name in names if name in meant}
    return found


def _whole(name: str) -> str:
    """What a field is a part of, or itself: `transit.route-1` → `transit.ways`."""
    prefix, dot, own = name.rpartition(".")
    return prefix + dot + _WHOLE.get(_ROW.sub("", own), own)


def _said(fields: Fields, name: str) -> list[str]:
    return [value.strip() for value in fields.get(name, ()) if value.strip()]


def _boxes(shown: Sequence[str], submitted: Sequence[str], now: Sequence[str]) -> list[str]:
    if shown and not submitted:
        return []
    kept = [one for one in now if one in submitted or one not in shown]
    return list(dict.fromkeys((*kept, *(one for one in submitted if one not in shown))))
