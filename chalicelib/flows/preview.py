"""Preview: what sending a notice would come to. Reads and renders; stores nothing, sends nothing."""

from chalicelib.domain.alerts import Aim
from chalicelib.domain.broadcast import SendAt
from chalicelib.domain.notice import Act, Notice
from chalicelib.domain.preview import Preview, audience_of, content_of
from chalicelib.flows.posting import weigh
from chalicelib.flows.services import Services


def preview(notice: Notice, send_at: SendAt | None, *, services: Services) -> Preview:
    """Audience, parts, cost and finish of a new notice. Every language of it, and of its readers, is rendered: what cannot be is found here."""
    now = services.now()
    starts_at = max(now, send_at.instant) if send_at else now
    content = content_of(notice, id="", revision=1, act=Act.PUBLISHED, now=starts_at)
    audience = audience_of(notice, Aim(notice.topics, notice.include_below), services.city.topics)
    headcount = services.store.headcounts.count(audience.reached, audience.channels)
    return weigh(content, audience, headcount, starts_at, services=services)
