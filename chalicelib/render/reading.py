"""Which of a notice's texts a reader gets, and how it is laid beside the words around it."""

from dataclasses import dataclass

from chalicelib.domain.broadcast import Content
from chalicelib.domain.locale import ENGLISH, best, canonical, direction, fallbacks
from chalicelib.domain.notice import Text
from chalicelib.errors import RenderFailed
from chalicelib.render.author import plain, text_body, web_link


@dataclass(frozen=True)
class Reading:
    """A notice's text for one reader. `translated` is False where it is not in their language."""

    text: Text
    locale: str
    link: str | None
    translated: bool

    @property
    def direction(self) -> str:
        """Which way the text runs."""
        return direction(self.locale)

    @property
    def body(self) -> str:
        """What follows the title; nothing where it only repeats it, as many feeds do."""
        body = plain(self.text.body)
        return "" if body == plain(self.text.title) else body

    @property
    def words(self) -> str:
        """The body for where there is no layout: texts, plain email, kiosks."""
        return text_body(self.body)


def reading(content: Content, locale: str) -> Reading:
    """The text for a reader of `locale`: theirs, else the language it was written in, else English. Raises RenderFailed where there is none."""
    tag = best(locale, content.texts, last=(content.language, ENGLISH))
    if tag is None:
        raise RenderFailed("the notice has no text")
    text, spelled = content.texts[tag], canonical(tag) or tag
    return Reading(text, spelled, web_link(text.link) or web_link(content.link), _understood(locale, spelled))


def _understood(locale: str, tag: str) -> bool:
    own, other = fallbacks(locale, last=())[0], tag
    return other in fallbacks(locale, last=()) or (own.split("-")[0] == other.split("-")[0] != "zh")
