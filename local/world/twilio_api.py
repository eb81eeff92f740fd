"""Twilio's Messages resource, as the `twilio` SDK calls it. Errors are Twilio's own: https://www.twilio.com/docs/api/errors"""

import hmac
import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Blueprint, Response, jsonify, request

from chalicelib.domain.parsing import parse_phone
from chalicelib.domain.sms_parts import count
from chalicelib.errors import Invalid
from local.world.around import World
from local.world.faults import OK
from local.world.ledger import ACCEPTED, NO_RECEIPTS, Errand, Message
from local.world.wire import cut, is_gone, new_hex

_ERRORS: Mapping[int, tuple[int, str]] = {
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21211: (400, "The 'To' number is not a valid phone number."),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}
_FAULT_CODES = {"429": 20429, "500": 20500, "opted-out": 21610, "invalid": 21211}
_OUTCOMES = {20429: "later", 20500: "error"}
_MOST_BODY = 1600
_MOST_PAGE = 1000


def twilio_api(world: World) -> Blueprint:
    """`/2010-04-01/Accounts/{sid}/Messages…`"""
    door = Blueprint("twilio", __name__, url_prefix="/2010-04-01/Accounts/<account>")

    @door.before_request
    def authenticate() -> Response | None:
        given = request.authorization
        known = (request.view_args or {}).get("account") == world.keyring.account_sid
        if known and given and given.username == world.keyring.account_sid and hmac.compare_digest(given.password or "", world.keyring.auth_token):
            return None
        return _error(20003)

    @door.post("/Messages.json")
    def create(account: str) -> Response:  # noqa: ARG001
        return _create(world, request.form.to_dict())

    @door.get("/Messages.json")
    def list_all(account: str) -> Response:  # noqa: ARG001
        return _list(world, request.args.to_dict())

    @door.get("/Messages/<sid>.json")
    def fetch(account: str, sid: str) -> Response:  # noqa: ARG001
        found = world.ledger.find("channel = 'sms' AND outcome = 'accepted' AND provider_id = ?", sid)
        return jsonify(_resource(world, found[0])) if found else _error(20404)

    return door


# --- sending ---------------------------------------------------------------------------------------------------------


def _create(world: World, form: Mapping[str, str]) -> Response:
    if code := _wrong(world, form):
        return _refuse(world, form, code)
    mode = world.faults.strike("sms")
    if mode == "hang":
        _keep(world, form, outcome="hung")
        world.faults.hang("sms", is_gone())
        return cut()
    mode = mode if mode != OK else world.faults.strike("sms", per_recipient=True)
    if code := _FAULT_CODES.get(mode, 0):
        return _refuse(world, form, code)
    if world.ledger.is_blocked(form["To"]):
        return _refuse(world, form, 21610)
    kept = _keep(world, form, code={"drop-reply": "dropped", "no-receipts": NO_RECEIPTS}.get(mode, ""))
    if mode == "drop-reply":
        return cut()
    answer = jsonify(_resource(world, kept))
    answer.status_code = 201
    return answer


def _wrong(world: World, form: Mapping[str, str]) -> int:
    body = form.get("Body", "")
    checks = (
        (21604, not form.get("To")),
        (21603, not form.get("From")),
        (21602, not body.strip()),
        (21606, form.get("From") != world.twilio_number),
        (21617, len(body) > _MOST_BODY),
        (21211, not _is_phone(form.get("To", ""))),
    )
    return next((code for code, wrong in checks if wrong), 0)


def _is_phone(text: str) -> bool:
    try:
        return re.fullmatch(r"\+[1-9]\d{6,14}", text) is not None and bool(parse_phone(text))
    except Invalid:
        return False


def _refuse(world: World, form: Mapping[str, str], code: int) -> Response:
    _keep(world, form, outcome=_OUTCOMES.get(code, "refused"), code=str(code))
    return _error(code)


def _keep(world: World, form: Mapping[str, str], *, outcome: str = ACCEPTED, code: str = "") -> Message:
    taken, callback = outcome == ACCEPTED, form.get("StatusCallback", "")
    message = Message(
        channel="sms",
        via="api",
        sender=form.get("From", ""),
        recipient=form.get("To", ""),
        body=form.get("Body", ""),
        at=world.now(),
        provider_id="SM" + new_hex() if taken else "",
        token=parse_qs(urlsplit(callback).query).get("t", [""])[0],
        status="queued" if taken else "",
        outcome=outcome,
        code=code,
        parts=count(form.get("Body", "")).parts,
    )
    return world.ledger.record([message], lambda kept: plan_callbacks(kept, callback, time.time()))[0]


def plan_callbacks(message: Message, callback: str, start: float) -> list[Errand]:
    """`sent` and `delivered`, within 5 s: now and then twice, late, or the wrong way round. Decided by the message's number, so repeatable."""
    if message.outcome != ACCEPTED:
        return []
    target = "" if message.code == NO_RECEIPTS else callback
    chance = random.Random(message.seq)  # noqa: S311 - a play of chance, not a secret
    sent = start + chance.uniform(0.02, 0.6)
    delivered = sent + chance.uniform(0.05, 1.6)
    if chance.random() < 0.15:
        sent, delivered = delivered, sent
    if chance.random() < 0.08:
        delivered = start + chance.uniform(3.0, 4.0)
    kind = "callback" if target else "quiet"
    errands = [Errand(sent, kind, "sent", target), Errand(delivered, kind, "delivered", target)]
    if target and chance.random() < 0.12:
        errands.append(Errand(delivered + chance.uniform(0, 0.5), kind, chance.choice(("sent", "delivered")), target))
    return errands


# --- answers ---------------------------------------------------------------------------------------------------------


def _list(world: World, query: Mapping[str, str]) -> Response:
    """A page of texts, newest first, under the filters To, From and DateSent. Under the last there is no text that still waits to be sent."""
    listed = world.ledger.find(
        "channel = 'sms' AND outcome = 'accepted' AND (? IS NULL OR recipient = ?) AND (? IS NULL OR sender = ?)",
        *(query.get("To"), query.get("To"), query.get("From"), query.get("From")),
    )
    found = [one for one in reversed(listed) if _in_time(one, query)]
    size, page = _number(query.get("PageSize"), 50, _MOST_PAGE), _number(query.get("Page"), 0, 10_000_000)
    part = found[page * size : (page + 1) * size]

    def uri(number: int) -> str:
        filters = {name: value for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}}
        path = f"/2010-04-01/Accounts/{world.keyring.account_sid}/Messages.json"
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': number})}"

    return jsonify(
        {
            "messages": [_resource(world, one) for one in part],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(part) - 1, 0),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }
    )


def _number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isdecimal() and len(text) < 10 else default


def _in_time(one: Message, query: Mapping[str, str]) -> bool:
    """The filters DateSent (a day), DateSent> (from) and DateSent< (until), each a day or a moment, to the second."""
    second = one.at.replace(microsecond=0)
    day, start, end = query.get("DateSent"), query.get("DateSent>"), query.get("DateSent<")
    if (day or start or end) and not _is_sent(one):
        return False
    if day and second.date() != _moment(day).date():
        return False
    return not (start and second < _moment(start)) and not (end and second > _moment(end))


def _is_sent(one: Message) -> bool:
    return one.status != "queued"


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _resource(world: World, one: Message) -> dict[str, object]:
    uri = f"/2010-04-01/Accounts/{world.keyring.account_sid}/Messages/{one.provider_id}"
    date = format_datetime(one.at)
    return {
        "account_sid": world.keyring.account_sid,
        "api_version": "2010-04-01",
        "body": one.body,
        "date_created": date,
        "date_sent": date if _is_sent(one) else None,
        "date_updated": date,
        "direction": {"text": "inbound", "reply": "outbound-reply"}.get(one.via, "outbound-api"),
        "error_code": None,
        "error_message": None,
        "from": one.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(one.parts),
        "price": None,
        "price_unit": "USD",
        "sid": one.provider_id,
        "status": one.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": one.recipient,
        "uri": f"{uri}.json",
    }


def _error(code: int) -> Response:
    status, message = _ERRORS[code]
    answer = jsonify({"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status})
    answer.status_code = status
    return answer
