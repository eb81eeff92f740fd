"""Links from outside: only what a browser opens as a page."""

import re
from urllib.parse import urlsplit

MOST_LINK = 1000
_SHAPE = re.compile(r"https?://[^\s<>\"'\\^`{|}\x00-\x20\x7f]+", re.IGNORECASE)


def safe_link(text: str) -> str | None:
    """The link, if it is a web address with a host and nobody's name in it; None for `javascript:`, `data:` and the rest."""
    text = text.strip()
    if len(text) > MOST_LINK or not _SHAPE.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return text if parts.hostname and parts.username is None and port != 0 else None
