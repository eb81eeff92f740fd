"""Texts from residents: `POST /sms/inbound`, as Twilio calls it.

Signature, then whether we answered this text before, then the one flow that takes it. Neither what was written nor by whom is ever logged.
"""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from html import escape
from urllib.parse import parse_qsl, urlencode

from chalice.app import Blueprint, Request, Response

from chalicelib.errors import Forbidden, Invalid, Malformed, Refused, TransactionRefused
from chalicelib.flows.services import Services
from chalicelib.flows.text_in import text_in
from chalicelib.intake.answers import answered, read_bytes
from chalicelib.store.inbound import Replies

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
MOST_TRIES = 3
"""Tries where another text of the same person changed their rows while we decided."""

_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_log = logging.getLogger("belfry")


def routes(services: Callable[[], Services]) -> Blueprint:
    """`POST /sms/inbound`."""
    door = Blueprint(__name__)

    @door.route("/sms/inbound", methods=["POST"], content_types=["*/*"])
    @answered
    def sms_inbound() -> Response:
        request, house = door.current_request, services()
        try:
            form = _signed_form(request, house)
        except Forbidden:
            return Response(body="", status_code=403, headers={"Content-Type": "text/plain"})
        return _twiml(reply_to(form, services=house))

    return door


def reply_to(form: Mapping[str, str], *, services: Services) -> Replies:
    """The replies to a text, none for silence; a text seen before gets those it got. Raises Malformed without its id."""
    sid = form.get("MessageSid", "")
    if not _SID.fullmatch(sid):
        raise Malformed("A text has a MessageSid.")
    before = services.store.inbound.answered(sid)
    if before is not None:
        return before
    for _ in range(MOST_TRIES - 1):
        with suppress(TransactionRefused):
            return _answer(sid, form, services)
    return _answer(sid, form, services)


def _answer(sid: str, form: Mapping[str, str], services: Services) -> Replies:
    """Read afresh, decide, do. Raises TransactionRefused where another text of the same person came between."""
    try:
        return text_in(sid, sender=form.get("From", ""), body=form.get("Body", ""), opt_out_type=form.get("OptOutType", ""), services=services)
    except Invalid:
        _log.info("text from no phone number", extra={"fields": {"sid": sid}})
        return ()


def _signed_form(request: Request, services: Services) -> dict[str, str]:
    """The form, exactly as sent. Raises Forbidden unless Twilio signed every field of it for our public URL."""
    signature = request.headers.get("x-twilio-signature", "")
    pairs = _pairs(request) if signature else []
    asked = request.query_params
    query = [(name, value) for name in asked for value in asked.getlist(name)] if asked else []
    url = f"{services.public_url}/sms/inbound" + (f"?{urlencode(query)}" if query else "")
    if not signature or not services.signed_by_twilio(url, pairs, signature):
        raise Forbidden("Only Twilio may say who texted us.")
    return dict(pairs)


def _pairs(request: Request) -> list[tuple[str, str]]:
    try:
        text = read_bytes(request, types=(FORM,)).decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except (Refused, ValueError) as error:
        raise Forbidden("Nothing that Twilio would send.") from error


def _twiml(replies: Replies) -> Response:
    inside = "".join(f"<Message>{escape(reply, quote=False)}</Message>" for reply in replies)
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return Response(body=body, status_code=200, headers={"Content-Type": "text/xml; charset=utf-8"})
