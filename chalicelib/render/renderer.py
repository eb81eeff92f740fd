"""Renders what Belfry says: notices, replies, letters and pages."""

import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import City
from chalicelib.domain.locale import best, direction
from chalicelib.domain.message import EmailMessage, KioskMessage, Shown, SmsMessage
from chalicelib.domain.notice import Act, Kind, Severity, Text
from chalicelib.domain.sms_parts import count, fit, tidy
from chalicelib.domain.times import spoken
from chalicelib.errors import RenderFailed
from chalicelib.render.author import html_body, html_line, isolate, one_line, plain
from chalicelib.render.environment import Templates
from chalicelib.render.reading import Reading, reading

MOST_PARTS = 3
"""Parts of a notice's text. A longer one is cut after a word; its link is kept whole."""

MOST_LEAD = 240
"""Characters of a notice's body in a list."""

_REMEMBERED = 256
_PERSONAL = ("unsubscribe_url", "preferences_url")
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_OVER = frozenset({Act.CANCELLED, Act.ENDED})

Made = TypeVar("Made")


class CityRenderer:
    """The Renderer of a city; `templates` is the folder that holds `notice/`, `reply/`, `letter/`, `pages/` and `locale/`.

    A notice is rendered once per channel and locale and remembered by everything it says, never by a recipient."""

    def __init__(self, *, city: City, templates: Path, public_url: str) -> None:
        self._city = city
        self._host = urlsplit(public_url).hostname or "localhost"
        self._public_url = public_url
        self._templates = Templates(templates, city=city, public_url=public_url)
        self._made: dict[Hashable, object] = {}

    # --- notices -----------------------------------------------------------------------------------------------------

    def sms(self, content: Content, locale: str) -> SmsMessage:
        """A notice as a text: programme, title, body, and the link on a line of its own."""
        return self._once(("sms", identity(content), locale), lambda: self._sms(content, locale))

    def email(self, content: Content, locale: str, topic: str) -> EmailMessage:
        """A notice as an email to followers of `topic`."""
        return self._once(("email", identity(content), locale, topic), lambda: self._email(content, locale, topic))

    def kiosk(self, content: Content, broadcast: str) -> KioskMessage:
        """A notice for kiosks, in every language it has."""
        return self._once(("kiosk", identity(content), broadcast), lambda: self._kiosk(content, broadcast))

    def digest(self, digest: Content, told: Sequence[Content], locale: str, channel: Channel) -> Content:
        """A digest that tells of these notices, to be rendered as a notice for that locale and channel. What is not in the reader's language is told as
        it was written."""
        spoken_locale = self._templates.chrome(locale).locale
        reads = [(one, reading(one, locale)) for one in told]
        items = [{"title": one_line(read.text.title), "body": read.words, "url": f"{self._public_url}/n/{one.notice}?lang={locale}"} for one, read in reads]
        part = "texts" if channel is Channel.SMS else "emails"
        title, body = (self._templates.render(f"notice/digest/{name}.txt", locale, {"items": items}).strip() for name in ("title", part))
        return replace(digest, texts={spoken_locale: Text(title, body)}, language=spoken_locale, link=f"{self._public_url}/archive?lang={locale}")

    # --- to one person -----------------------------------------------------------------------------------------------

    def reply(self, name: str, locale: str, **values: object) -> SmsMessage:
        """A text back to a resident: `templates/reply/<name>.txt`."""
        return _counted(self._templates.render(f"reply/{name}.txt", locale, values).strip())

    def letter(self, name: str, locale: str, **values: object) -> EmailMessage:
        """An email to one person that is no notice: `templates/letter/<name>/{subject.txt,body.txt,body.html}`.

        It is rendered whole and travels as values, so that nothing in it acts as a placeholder."""
        subject, text, html = (self._templates.render(f"letter/{name}/{part}", locale, values) for part in ("subject.txt", "body.txt", "body.html"))
        return EmailMessage(
            subject="{{subject}}",
            text="{{text}}",
            html="{{html}}",
            values={"subject": " ".join(subject.split()), "text": text.strip() + "\n", "html": html},
            list_id="",
            locale=self._templates.chrome(locale).locale,
        )

    def page(self, name: str, locale: str, **values: object) -> str:
        """A page: `templates/pages/<name>.html`."""
        return self._templates.render(f"pages/{name}.html", locale, values)

    def notice_page(self, content: Content, locale: str, **values: object) -> str:
        """A notice as a page: `templates/pages/notice.html`. Author text is cleaned as in an email."""
        said = self.shown(content, locale)
        about = {"translated": said.translated, "text_locale": said.locale, "text_dir": said.dir, "expires_at": content.expires_at, "notice": content.notice}
        words = {"plain_title": said.plain_title, "title": said.title, "link": said.link, "body": said.body}
        return self._render_notice("pages/notice.html", content, locale, {**values, **about, **words})

    def shown(self, content: Content, locale: str) -> Shown:
        """A notice as lists and feeds of notices show it."""
        read, about = reading(content, locale), {"act": str(content.act), "starts_at": content.starts_at}
        label, kind_name = (self._templates.render(f"notice/{content.kind}/{part}.txt", locale, about).strip() for part in ("label", "kind"))
        return Shown(
            notice=content.notice,
            kind=str(content.kind),
            kind_name=kind_name,
            label=label,
            locale=read.locale,
            dir=read.direction,
            translated=read.translated,
            plain_title=one_line(read.text.title),
            title=Markup(html_line(read.text.title, read.direction)),  # noqa: S704 cleaned
            lead=Markup(html_line(one_line(read.words, MOST_LEAD), read.direction)),  # noqa: S704 cleaned
            body=Markup(html_body(read.body, read.direction)),  # noqa: S704 cleaned
            link=read.link,
        )

    def feed(self, locale: str, **values: object) -> str:
        """A feed of notices: `templates/pages/feed.xml`."""
        return self._templates.render("pages/feed.xml", locale, values).lstrip()

    # --- how ---------------------------------------------------------------------------------------------------------

    def _sms(self, content: Content, locale: str) -> SmsMessage:
        read = reading(content, locale)
        text = self._notice("sms.txt", content, locale, {"title": one_line(read.text.title, 10_000), "body": read.words})
        return _counted(fit(tidy(re.sub(r"\n+", "\n", plain(text))), most=MOST_PARTS, link=read.link))

    def _email(self, content: Content, locale: str, topic: str) -> EmailMessage:
        read, spoken_locale = reading(content, locale), self._templates.chrome(locale).locale
        values = self._email_values(read, topic, spoken_locale)
        about = {"translated": read.translated, "text_locale": read.locale, "text_dir": read.direction}
        texts, webs = about | _gaps(values, "_text"), about | _gaps(values, "_html")
        message = EmailMessage(
            subject=self._notice("email.subject.txt", content, locale, texts).strip(),
            text=re.sub(r"\n{3,}", "\n\n", self._notice("email.txt", content, locale, texts)).strip() + "\n",
            html=self._notice("email.html", content, locale, webs),
            values=values,
            list_id=f"<{'.'.join(reversed(topic.split('/')))}.{self._host}>",
            locale=spoken_locale,
        )
        _require_filled(message)
        return message

    def _email_values(self, read: Reading, topic: str, locale: str) -> dict[str, str]:
        """What authors and the city file wrote, for text and for HTML."""
        names = self._city.topics[topic].names
        topic_name = names[best(locale, names) or topic]
        values = {
            "title_text": one_line(read.text.title),
            "title_html": html_line(read.text.title, read.direction),
            "body_text": read.words,
            "body_html": html_body(read.body, read.direction),
            "topic_text": topic_name,
            "topic_html": isolate(str(escape(topic_name)), direction(locale)),
        }
        return values | ({"link_text": read.link, "link_html": str(escape(read.link))} if read.link else {})

    def _kiosk(self, content: Content, broadcast: str) -> KioskMessage:
        langs = {read.locale: self._kiosk_language(content, read) for read in (reading(content, tag) for tag in content.texts)}
        item = {
            "item_id": content.notice,
            "ver": content.revision,
            "broadcast": broadcast,
            "kind": str(content.kind),
            "level": level(content),
            "expires_at": spoken(content.expires_at),
            "langs": langs,
            "fallback": reading(content, content.language).locale,
            "link": reading(content, content.language).link,
        }
        return KioskMessage({"v": 1, "mid": broadcast, "op": "del" if content.act in _OVER else "put", "item": item})

    def _kiosk_language(self, content: Content, read: Reading) -> Mapping[str, object]:
        values = {"title": one_line(read.text.title), "body": read.words, "text_dir": read.direction}
        made: dict[str, object] = json.loads(self._notice("kiosk.json", content, read.locale, values))
        return made

    def _notice(self, part: str, content: Content, locale: str, values: Mapping[str, object]) -> str:
        """One file of the notice's kind."""
        return self._render_notice(f"notice/{content.kind}/{part}", content, locale, values)

    def _render_notice(self, name: str, content: Content, locale: str, values: Mapping[str, object]) -> str:
        """A template about a notice, with its label and dates."""
        about = {"act": str(content.act), "starts_at": content.starts_at}
        label, kind_name = (self._templates.render(f"notice/{content.kind}/{part}.txt", locale, about).strip() for part in ("label", "kind"))
        return self._templates.render(name, locale, {**about, "label": label, "kind_name": kind_name, **values})

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        if key not in self._made:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            self._made[key] = make()
        found: Made = self._made[key]  # type: ignore[assignment]
        return found


def identity(content: Content) -> Hashable:
    """Everything a notice says, as one key: two notices that differ in a comma never share a message."""
    said = (content.notice, content.revision, content.act, content.kind, content.severity, content.urgency, content.language, content.link)
    return (*said, tuple(content.texts.items()), content.starts_at, content.expires_at)


def level(content: Content) -> int:
    """How a screen shows it: 4 alone, 3 first, 1 in its turn."""
    if content.kind is Kind.EMERGENCY and content.severity in {Severity.EXTREME, Severity.SEVERE}:
        return 4
    return 3 if content.urgent else 1


def _counted(text: str) -> SmsMessage:
    body = tidy(text)
    parts, encoding = count(body)
    return SmsMessage(body, parts, encoding)


def _gaps(values: Mapping[str, str], kind: str) -> dict[str, object]:
    """What the layout holds instead of an author's words: `title` → `{{title_html}}`."""
    names = {name.removesuffix(kind): name for name in values if name.endswith(kind)} | {name: name for name in _PERSONAL}
    return {"link": None} | {short: Markup(f"{{{{{name}}}}}") for short, name in names.items()}  # noqa: S704 - names are ours


def _require_filled(message: EmailMessage) -> None:
    """Every gap of the layout has a value; SES fails a recipient whose value is missing."""
    for part in (message.subject, message.text, message.html):
        unknown = {name for name in _PLACEHOLDER.findall(part) if name not in message.values and name not in _PERSONAL}
        if unknown or "{{" in _PLACEHOLDER.sub("", part):
            raise RenderFailed(f"the email has gaps that nothing fills: {sorted(unknown)}")
