"""What an author wrote, made safe for where it goes. Their words are always values, never template text."""

import re
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import escape

from chalicelib.domain.sms_parts import ELLIPSIS, inside_character

MOST_SUBJECT = 150

# Controls, and the marks that override direction for whatever follows them: never part of what a person means to say.
_NEVER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\ud800-\udfff\ufffe\uffff]")
_ISOLATES = re.compile(r"[\u2066-\u2069]")
_OPENERS = frozenset("\u2066\u2067\u2068")
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_TAGS = frozenset({"p", "br", "strong", "em", "ul", "ol", "li", "a"})
_LATIN_RUN = r"[A-Za-z0-9+#](?:[A-Za-z0-9 @:/._+#?=%~-]*[A-Za-z0-9/])?"
_TOKEN = re.compile(rf"<[^>]*>|&[#\w]+;|(?P<run>{_LATIN_RUN})")
_MARKDOWN = MarkdownIt("zero", {"html": False, "breaks": True}).enable(["list", "emphasis", "link", "newline", "escape", "autolink"])


def plain(text: str) -> str:
    """The text with one kind of line end, no controls, no overrides of direction, and isolates only where they are closed on their line."""
    lines = (_balanced(line.rstrip()) for line in re.sub(r"\r\n?|\u2028|\u2029|\u0085", "\n", _NEVER.sub("", text)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def one_line(text: str, most: int = MOST_SUBJECT) -> str:
    """The text on one line, for a subject: at most so many characters, none torn."""
    line = " ".join(plain(text).split())
    if len(line) <= most:
        return line
    end = most - len(ELLIPSIS)
    while inside_character(line, end):
        end -= 1
    return line[:end].rstrip() + ELLIPSIS


def html_line(text: str, direction: str) -> str:
    """The text on one line, escaped."""
    return isolate(str(escape(" ".join(plain(text).split()))), direction)


def html_body(markdown: str, direction: str) -> str:
    """Paragraphs, lists, emphasis and links from Markdown; everything else as the words it is written in."""
    dirty = _MARKDOWN.render(plain(markdown))
    return isolate(nh3.clean(dirty, tags=set(_TAGS), attributes={"a": {"href"}}, url_schemes=set(_SCHEMES)), direction)


def text_body(markdown: str) -> str:
    """The same Markdown as people would type it without any: lists as lines, emphasis without its marks, a link's address behind its words."""
    lines: list[str] = []
    items: list[int | None] = []
    lead = ""
    for token in _MARKDOWN.parse(plain(markdown)):
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            items.append(int(token.attrGet("start") or 1) if token.type == "ordered_list_open" else None)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            items.pop()
            lines += [] if items else [""]
        elif token.type == "list_item_open":
            number = items[-1]
            lead = "  " * (len(items) - 1) + ("- " if number is None else f"{token.info or number}. ")
        elif token.type == "inline":
            lines.append(lead + _said(token.children or []))
            lead = ""
        elif token.type == "paragraph_close" and not token.hidden:
            lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _said(children: Sequence[Token]) -> str:
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    for child in children:
        if child.type in {"text", "code_inline", "text_special"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type == "link_open":
            links.append((str(child.attrGet("href") or ""), len(parts)))
        elif child.type == "link_close":
            address, start = links.pop()
            if address.removeprefix("mailto:") not in "".join(parts[start:]):
                parts.append(f" ({address})")
    return "".join(parts)


def isolate(html: str, direction: str) -> str:
    """In right-to-left text, names, numbers and addresses in Latin letters each in a `<bdi>`, so that they do not mix with what is around them."""
    if direction == "ltr":
        return html
    return _TOKEN.sub(lambda found: f'<bdi dir="ltr">{found["run"]}</bdi>' if found["run"] else found[0], html)


def web_link(link: str | None) -> str | None:
    """The link, where it is one that a browser can be sent to."""
    return link if link and re.match(r"https?://[^\s<>\"]+$", link, re.IGNORECASE) else None


def _balanced(line: str) -> str:
    depth = 0
    for mark in _ISOLATES.findall(line):
        depth += 1 if mark in _OPENERS else -1
        if depth < 0:
            break
    return line if depth == 0 else _ISOLATES.sub("", line)
