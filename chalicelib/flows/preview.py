"""Preview: what sending a notice would come to. Reads and renders; stores nothing, sends nothing."""

from chalicelib.domain.address import Channel
from chalicelib.domain.alerts import Aim
from chalicelib.domain.broadcast import Content, SendAt
from chalicelib.domain.notice import Act, Notice
from chalicelib.domain.preview import Headcount, Preview, audience_of, content_of, cost, finish
from chalicelib.flows.services import Services


def preview(notice: Notice, send_at: SendAt | None, *, services: Services) -> Preview:
    """Audience, parts, cost and finish of a new notice. Every language of it, and of its readers, is rendered: what cannot be is found here."""
    now = services.now()
    starts_at = max(now, send_at.instant) if send_at else now
    content = content_of(notice, id="", revision=1, act=Act.PUBLISHED, now=starts_at)
    audience = audience_of(notice, Aim(notice.topics, notice.include_below), services.city.topics)
    headcount = services.store.headcounts.count(audience.reached, audience.channels)
    parts = _parts(content, headcount, services) if Channel.SMS in audience.channels else {}
    return Preview(
        content=content,
        audience=audience,
        headcount=headcount,
        parts={language: parts[language] for language in content.texts if language in parts},
        cost_micros=cost(headcount, parts, services.sms_price_micros),
        starts_at=starts_at,
        finishes_at=finish(headcount, services.pace, starts_at),
    )


def _parts(content: Content, headcount: Headcount, services: Services) -> dict[str, int]:
    renderer = services.renderer()
    return {locale: renderer.sms(content, locale).parts for locale in {*content.texts, *headcount.texts}}
