"""Text from feeds as people should read it: no HTML, no entities, no control characters, whitespace folded."""

import html
import re

MOST_TITLE = 200
MOST_BODY = 4000
_MOST_RAW = 20_000
_LEAST_CUT = 5

_BLOCK = re.compile("address|article|blockquote|br|center|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|section|table|tbody|td|th|thead|tr|ul")
_INLINE = re.compile(
    "a|abbr|b|big|body|button|cite|code|em|embed|font|form|head|html|i|iframe|img|input|label|link|mark|meta|object|s|script|small|span|strike|strong|style"
    "|sub|sup|svg|u"
)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)\b[^<>]*>")
_SILENT = re.compile(r"<(script|style)\b|<!--", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2060\ufeff\ufff9-\ufffb\ud800-\udfff]")
_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")


def plain(text: str) -> str:
    """A text in plain lines, at most one blank line between two."""
    text = _untagged(text[:_MOST_RAW])
    if "<" in text:
        text = _untagged(text)  # tags that were written as entities
    text = _SPACES.sub(" ", _UNSEEN.sub("", _BREAK.sub("\n", text)))
    lines = "\n".join(line.strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()


def one_line(text: str) -> str:
    """A plain text in one line."""
    return " ".join(text.split())


def shortened(text: str, most: int) -> str:
    """A text cut at a word, with an ellipsis, if it is longer than `most`."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(None, 1)[0] if len(cut.split()) > 1 else cut) + "…"


def whole_title(title: str, body: str) -> str:
    """A title without its last words, where those are the body's first, cut off in the middle of one: a publisher's field was too short."""
    for size in range(len(title), _LEAST_CUT - 1, -1):
        if body.startswith(title[-size:]) and title[-1].isalnum() and body[size : size + 1].isalnum():
            return title[:-size].rstrip(" :–—-.,")
    return title


def first_sentence(text: str, most: int = 120) -> str:
    """The first line of a text, or its first sentence where that is shorter."""
    line = text.split("\n", 1)[0]
    sentence = re.match(r".{15,}?[.!?。！？؟](?=\s|$)", line)
    return shortened(sentence.group() if sentence else line, most)


def _untagged(text: str) -> str:
    return html.unescape(_TAG.sub(_instead, _without_silent(text))) if "<" in text else html.unescape(text)


def _instead(tag: re.Match[str]) -> str:
    """What stands for a tag: a line break, nothing, or itself where HTML has no such tag."""
    name = tag[1].lower()
    if _BLOCK.fullmatch(name):
        return "\n"
    return "" if _INLINE.fullmatch(name) else tag[0]


def _without_silent(text: str) -> str:
    """Without scripts, styles and comments, content and all."""
    kept, at = [], 0
    while found := _SILENT.search(text, at):
        kept.append(text[at : found.start()])
        closing = "-->" if found.group(1) is None else f"</{found.group(1)}"
        end = text.lower().find(closing.lower(), found.end())
        if end < 0:
            return "".join(kept)
        at = end + (3 if closing == "-->" else 0)
    return "".join([*kept, text[at:]])
