"""What the city said: `/archive`, `/n/{notice}` and `/feeds/{feed}`, in every language. The same for everybody, so it may be kept for a minute."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.times import spoken
from chalicelib.domain.topic import from_url, in_url
from chalicelib.errors import NotFound
from chalicelib.flows.services import Services
from chalicelib.intake.answers import segment
from chalicelib.intake.html import HEADERS, NEWS, html, languages, locale_of, page_view, shared
from chalicelib.intake.publications import Publication, last_of, newest

_ON_A_PAGE = 20
_IN_A_FEED = 30
_PURPOSE = "archive"
_ENDING = ".atom"
_FEED = {"Content-Type": "application/atom+xml; charset=utf-8"}
_ALL = "all"


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/archive`, `/n/{notice}` and `/feeds/{feed}`."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/archive", methods=["GET"])
    @view
    def archive() -> Response:
        return _archive(door.current_request, services())

    @door.route("/n/{notice}", methods=["GET"])
    @view
    def notice(notice: str) -> Response:
        return _notice(door.current_request, services(), segment(notice))

    @door.route("/feeds/{feed}", methods=["GET"])
    @view
    def feed(feed: str) -> Response:
        return _feed(door.current_request, services(), segment(feed))

    return door


def _archive(request: Request, house: Services) -> Response:
    """A page of notices. What htmx asks for is the same page, of which it takes the list."""
    asked: Mapping[str, str] = request.query_params or {}
    topic = _topic(asked["topic"], house) if asked.get("topic") else None
    found, after = newest(topic, after=_after(asked.get("after", ""), topic, house), most=_ON_A_PAGE, store=house.store)
    locale = locale_of(request, house)
    kept = {"topic": in_url(topic)} if topic else {}
    older = "?" + urlencode({**kept, "after": house.tokens.sign(_PURPOSE, topic or "", after), "lang": locale}) if after else None
    return html(
        "archive",
        request,
        house,
        headers=NEWS | {"Vary": "Accept-Language, HX-Request"},
        topic=topic,
        notices=_shown(found, locale, house),
        older=older,
        kept=urlencode(kept) + "&" if kept else "",
        swapped=request.headers.get("hx-request") == "true",
    )


def _notice(request: Request, house: Services, name: str) -> Response:
    found = last_of(name, house.store)
    if found is None:
        raise NotFound("There is no such notice.")
    locale = locale_of(request, house)
    own = house.renderer().shown(found.content, locale).locale
    values = {"now": house.now(), "own": own if own in languages(house) else locale}
    page = house.renderer().notice_page(found.content, locale, **values, **shared(house))
    return Response(body=page, status_code=200, headers={**HEADERS, **NEWS})


def _feed(request: Request, house: Services, name: str) -> Response:
    """Raises NotFound for a topic that the city does not have."""
    if not name.endswith(_ENDING):
        raise NotFound("There is no such feed.")
    called = name.removesuffix(_ENDING)
    topic = None if called == _ALL and _ALL not in house.city.topics else _topic(called, house)
    found, _ = newest(topic, after=None, most=_IN_A_FEED, store=house.store)
    locale = locale_of(request, house)
    updated = max((_at(one) for one in found), default=house.now())
    body = house.renderer().feed(locale, topic=topic, notices=_shown(found, locale, house), updated=spoken(updated), **shared(house))
    return Response(body=body, status_code=200, headers={**HEADERS, **NEWS, **_FEED})


def _shown(found: Sequence[Publication], locale: str, house: Services) -> list[dict[str, object]]:
    """Each notice as readers of this language see it, with when it was said."""
    return [{**vars(house.renderer().shown(one.content, locale)), "at": _at(one), "updated": spoken(_at(one))} for one in found]


def _at(one: Publication) -> datetime:
    return max(one.broadcast.send_at.instant, one.broadcast.created_at)


def _topic(text: str, house: Services) -> str:
    topic = from_url(text)
    if topic not in house.city.topics:
        raise NotFound("There is no such topic.")
    return topic


def _after(cursor: str, topic: str | None, house: Services) -> str | None:
    """Where the page before ended; from the start for a cursor that is not ours, or of another list."""
    found = house.tokens.read(_PURPOSE, cursor)
    return found[1] if found and len(found) == 2 and found[0] == (topic or "") else None
