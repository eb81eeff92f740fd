"""`POST /hooks/{source}`: signed posts by city systems. Verified on the raw bytes, read by the source's format, kept, answered."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalice.app import Blueprint, Response

from chalicelib.domain.city import City, Source
from chalicelib.domain.notice import Notice
from chalicelib.domain.strict_json import parse_object
from chalicelib.domain.webhook import verify
from chalicelib.errors import NotFound, Paused
from chalicelib.feeds import gtfs_rt, native
from chalicelib.flows.receive_post import Mail, receive_post, same_post
from chalicelib.flows.services import Services
from chalicelib.intake.answers import JSON_TYPES, answer, answered, media_type, read_bytes, segment
from chalicelib.intake.schema import check
from chalicelib.store.posts import Post, post_id
from chalicelib.store.switches import source_switch

MOST_POST = 1024 * 1024

Read = Callable[[bytes, str, Source, City, datetime], Sequence[Notice]]


@dataclass(frozen=True)
class Format:
    """A format of posts: the content types it comes in, those among them that are no UTF-8 text, and how it is read."""

    types: Sequence[str]
    binary: Sequence[str]
    read: Read


def routes(services: Callable[[], Services]) -> Blueprint:
    """The door for webhooks."""
    door = Blueprint(__name__)

    @door.route("/hooks/{source}", methods=["POST"], content_types=["*/*"])
    @answered
    def post_hook(source: str) -> Response:
        house, request = services(), door.current_request
        found = house.city.sources.get(segment(source))
        if found is None:
            raise NotFound("There is no such source.")
        form = FORMATS[found.format]
        body = read_bytes(request, types=form.types, limit=MOST_POST)
        webhook = verify(request.headers, body, secrets=_secrets(found, house), now=house.now())
        body_hash = hashlib.sha256(body).hexdigest()
        before = house.store.posts.get(post_id(found.id, webhook))
        if before:
            return _answered(same_post(before, body_hash))
        _require_running(found, house)
        notices = form.read(body, media_type(request), found, house.city, house.now())
        return _answered(receive_post(Mail(found, webhook, body_hash, notices), services=house))

    return door


def binary_types() -> list[str]:
    """The content types that are no UTF-8 text: API Gateway has to hand them over as bytes."""
    return [name for form in FORMATS.values() for name in form.binary]


def _read_notice(body: bytes, kind: str, source: Source, city: City, now: datetime) -> Sequence[Notice]:  # noqa: ARG001
    event = parse_object(body)
    check("NoticeEvent", event)
    return [native.read_event(event, topics=city.topics, areas=city.areas, now=now)]


def _read_gtfs(body: bytes, kind: str, source: Source, city: City, now: datetime) -> Sequence[Notice]:  # noqa: ARG001
    return gtfs_rt.read_feed(body, media_type=kind, source=source, now=now)


FORMATS: Mapping[str, Format] = {
    "notice": Format(types=JSON_TYPES, binary=(), read=_read_notice),
    "gtfs-rt": Format(types=(*gtfs_rt.PROTOBUF_TYPES, *gtfs_rt.JSON_TYPES), binary=gtfs_rt.PROTOBUF_TYPES, read=_read_gtfs),
}


def _require_running(source: Source, services: Services) -> None:
    """Its posts stay with the sender while a source is paused: nothing is lost, and nothing sent."""
    if source_switch(source.id) in services.store.switches.thrown():
        raise Paused("This source is paused until somebody at the city has looked. Keep the post, and send it again later.", code="source_paused")


def _secrets(source: Source, services: Services) -> list[str]:
    """The source's active secrets, two at most. None at all means that nobody can sign."""
    found = services.secret("sources").get(source.secret, ())
    named = [found] if isinstance(found, str) else found
    return [str(one) for one in named][:2] if isinstance(named, Sequence) else []


def _answered(post: Post) -> Response:
    return answer(202, dict(post.answer))
