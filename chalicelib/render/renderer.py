"""Renders what Belfry says: notices, replies, letters and pages."""

from pathlib import Path

from chalicelib.domain.broadcast import Content
from chalicelib.domain.city import City
from chalicelib.domain.message import EmailMessage, KioskMessage, SmsMessage
from chalicelib.domain.sms_parts import count, tidy
from chalicelib.errors import RenderFailed
from chalicelib.render.environment import Templates


class CityRenderer:
    """The Renderer of a city; `templates` is the folder that holds `notice/`, `reply/`, `letter/`, `pages/` and `locale/`."""

    def __init__(self, *, city: City, templates: Path, public_url: str) -> None:
        self._templates = Templates(templates, city=city, public_url=public_url)

    def sms(self, content: Content, locale: str) -> SmsMessage:
        """A notice as a text."""
        raise RenderFailed("no notice templates yet")

    def email(self, content: Content, locale: str, topic: str) -> EmailMessage:
        """A notice as an email to followers of `topic`."""
        raise RenderFailed("no notice templates yet")

    def kiosk(self, content: Content, broadcast: str) -> KioskMessage:
        """A notice for kiosks, in every language it has."""
        raise RenderFailed("no notice templates yet")

    def reply(self, name: str, locale: str, **values: object) -> SmsMessage:
        """A text back to a resident: `templates/reply/<name>.txt`."""
        body = tidy(self._templates.render(f"reply/{name}.txt", locale, values).strip())
        parts, encoding = count(body)
        return SmsMessage(body, parts, encoding)

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
