"""Lengths of time as ISO 8601 writes them: `PT2H`, `P1DT30M`."""

import re
from datetime import timedelta

_DURATION = re.compile(r"P(?=.)(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?")
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta | None:
    """Weeks, days, hours, minutes and seconds; None for any other text, for months and years, and beyond ten years."""
    found = _DURATION.fullmatch(text)
    if not found:
        return None
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return length if length <= _LONGEST else None
