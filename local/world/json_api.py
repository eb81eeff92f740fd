"""The world for scripts: phones, inboxes, outbox, attempts, seed, faults and clock, as JSON."""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from chalicelib.domain.locale import canonical
from chalicelib.domain.parsing import parse_phone
from chalicelib.domain.strict_json import parse_object, shown
from chalicelib.domain.times import spoken
from chalicelib.errors import Invalid, Malformed, Problem
from local.durations import parse_duration
from local.world.around import Seeding, World
from local.world.faults import CHANNELS, MODES, OK, Fault
from local.world.ledger import Message
from local.world.phones import text_in

_MOST_SEEDED = 200_000
_MOST_SECONDS = 10**9
_MOST_DIGITS = 18
_PERSONAL = ("sms", "email")
_SEED_FIELDS = ("subscribers", "kiosks", "topics", "locales", "channels")


def json_api(world: World) -> Blueprint:
    """What was said: phones, inboxes, and what providers got; and whether we are up."""
    door = Blueprint("json", __name__)

    @door.get("/health")
    def get_health() -> Response:
        return jsonify(status="ok")

    @door.post("/phones/<number>/texts")
    def post_text(number: str) -> Response:
        asked = read_object()
        body = asked.get("body")
        if not isinstance(body, str):
            raise Invalid.field("#/body", "required", "Give the text as `body`.")
        answer = text_in(world, phone_of(number), body, sid=str(asked.get("sid", "")))
        return Response(answer.body, status=answer.status, content_type=answer.content_type)

    @door.get("/phones/<number>/texts")
    def get_texts(number: str) -> Response:
        return jsonify(texts=[_text(one) for one in world.ledger.texts_of(phone_of(number))])

    @door.get("/inboxes/<address>")
    def get_inbox(address: str) -> Response:
        return jsonify(emails=[_email(one) for one in world.ledger.emails_to(address.strip().lower())])

    @door.get("/outbox")
    def get_outbox() -> Response:
        return jsonify(messages=[_handed_over(one) for one in world.ledger.handed_over(**_filters())])

    @door.get("/attempts")
    def get_attempts() -> Response:
        found = world.ledger.handed_over(**_filters(), refused_too=True)
        return jsonify(messages=[{**_handed_over(one), "outcome": one.outcome, "code": one.code} for one in found])

    return door


def levers(world: World) -> Blueprint:
    """What moves the world: seed, faults and clock."""
    door = Blueprint("levers", __name__)

    @door.post("/seed")
    def post_seed() -> tuple[Response, int]:
        return jsonify(world.seed(read_seeding(world, read_object()))), 201

    @door.post("/faults")
    def post_fault() -> Response:
        asked = read_object()
        fault = read_fault(asked, time.time())
        world.faults.switch(fault, beside=asked.get("beside") is True)
        return jsonify(channel=fault.channel, mode=fault.mode, share=fault.share, until=fault.until)

    @door.get("/clock")
    def get_clock() -> Response:
        return jsonify(now=spoken(world.now()))

    @door.post("/clock")
    def post_clock() -> Response:
        length = parse_duration(str(read_object().get("advance", "")))
        if length is None:
            raise Invalid.field("#/advance", "invalid_duration", "Give a length such as PT2H or P1D; the clock only moves forward.")
        return jsonify(now=spoken(world.move_clock(length)))

    return door


# --- reading ---------------------------------------------------------------------------------------------------------


def read_object() -> dict[str, Any]:
    """The JSON object of this request. Raises Invalid for what is none, and for half a character in it."""
    try:
        return dict(parse_object(request.get_data(), controls=True))
    except Malformed as error:
        raise Invalid(error.detail, problems=error.problems or [Problem("#", error.reason, error.detail)]) from None


def phone_of(number: str) -> str:
    """A phone's number in its one spelling."""
    return parse_phone(number).value


def read_fault(asked: Mapping[str, Any], now: float) -> Fault:
    """`{channel, mode, share, for}`; `share` is 1 and `for` without end unless given. `times` is the most calls it hits."""
    channel, mode, share, seconds, times = asked.get("channel"), asked.get("mode", OK), asked.get("share", 1), asked.get("for"), asked.get("times")
    if channel not in CHANNELS:
        raise Invalid.field("#/channel", "unknown_channel", f"Give one of: {', '.join(CHANNELS)}.")
    if mode not in MODES:
        raise Invalid.field("#/mode", "unknown_mode", f"Give one of: {', '.join(MODES)}.")
    if not _is_number(share) or not 0 < share <= 1:
        raise Invalid.field("#/share", "out_of_range", "Give a share above 0 and up to 1.")
    if seconds is not None and (not _is_number(seconds) or not 0 < seconds <= _MOST_SECONDS):
        raise Invalid.field("#/for", "out_of_range", f"Give a number of seconds above 0 and up to {_MOST_SECONDS}.")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise Invalid.field("#/times", "out_of_range", "Give a whole number of calls, from 1.")
    return Fault(channel, mode, float(share), None if seconds is None else now + seconds, times)


def read_seeding(world: World, asked: Mapping[str, Any]) -> Seeding:
    """`{subscribers, locales, topics, channels, kiosks}`; what is left out is the city's own, and no kiosk. Raises Invalid naming what is wrong."""
    unknown = [Problem(f"#/{shown(name)}", "unknown_field", "There is no such field.") for name in asked if name not in _SEED_FIELDS]
    seeding = Seeding(
        subscribers=_count(asked, "subscribers"),
        kiosks=_count(asked, "kiosks"),
        topics=_names(asked, "topics", tuple(world.city.topics)),
        locales=tuple(canonical(one) or one for one in _names(asked, "locales", world.city.languages)),
        channels=_names(asked, "channels", _PERSONAL),
    )
    problems = [
        *unknown,
        *_strangers("topics", seeding.topics, world.city.topics, "unknown_topic", "The city has no such topic."),
        *_strangers("locales", seeding.locales, world.city.languages, "unknown_locale", f"The city speaks {', '.join(world.city.languages)}."),
        *_strangers("channels", seeding.channels, _PERSONAL, "unknown_channel", "A subscriber has sms or email; kiosks are counted in `kiosks`."),
    ]
    if problems:
        raise Invalid("This seed asks for what the city does not have.", problems=problems)
    return seeding


def _strangers(name: str, given: Sequence[str], known: Collection[str], code: str, detail: str) -> list[Problem]:
    return [Problem(f"#/{name}/{at}", code, detail) for at, one in enumerate(given) if one not in known]


def _count(asked: Mapping[str, Any], name: str) -> int:
    count = asked.get(name) or 0
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST_SEEDED:
        raise Invalid.field(f"#/{name}", "out_of_range", f"Give a whole number up to {_MOST_SEEDED}.")
    return count


def _names(asked: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    given = asked.get(name)
    if given is None:
        return default
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise Invalid.field(f"#/{name}", "not_a_list", "Give a list of names.")
    return tuple(dict.fromkeys(given))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _filters() -> dict[str, Any]:
    channel, since = request.args.get("channel"), request.args.get("since") or "0"
    if channel and channel not in CHANNELS:
        raise Invalid.field("#/channel", "unknown_channel", f"Give one of: {', '.join(CHANNELS)}.")
    if not since.isdecimal() or len(since) > _MOST_DIGITS:
        raise Invalid.field("#/since", "not_a_number", "Give the last `seq` that you have.")
    return {"channel": channel or None, "since": int(since)}


# --- writing ---------------------------------------------------------------------------------------------------------


def precise(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond: pace is judged by it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _text(one: Message) -> dict[str, object]:
    return {
        "seq": one.seq,
        "sid": one.provider_id,
        "direction": "in" if one.via == "text" else "out",
        "via": one.via,
        "from": one.sender,
        "to": one.recipient,
        "body": one.body,
        "parts": one.parts,
        "status": one.status,
        "at": precise(one.at),
    }


def _email(one: Message) -> dict[str, object]:
    return {
        "seq": one.seq,
        "from": one.sender,
        "to": one.recipient,
        "subject": one.subject,
        "headers": dict(one.headers),
        "text": one.body,
        "html": one.html,
        "at": precise(one.at),
    }


def _handed_over(one: Message) -> dict[str, object]:
    return {
        "seq": one.seq,
        "channel": one.channel,
        "to": one.recipient,
        "from": one.sender or None,
        "subject": one.subject or None,
        "body": one.body,
        "provider_id": one.provider_id,
        "token": one.token or None,
        "status": one.status,
        "at": precise(one.at),
    }
