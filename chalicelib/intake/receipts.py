"""Intake of receipts: Twilio's status callbacks over HTTP, SES's events over SNS, and the queue in which both wait.

Twilio's callback names the delivery by our token in its URL; the number in its form is never read.
"""

import json
import logging
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from chalice.app import Blueprint, Response, SQSEvent

from chalicelib.domain.address import Channel
from chalicelib.domain.jobs import read_receipt
from chalicelib.errors import Forbidden
from chalicelib.flows.post_receipts import post_receipts
from chalicelib.flows.record_receipt import record_receipt
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answered
from chalicelib.intake.records import Failures, each_record

_log = logging.getLogger("belfry")


def routes(services: Callable[[], Services]) -> Blueprint:
    """`POST /sms/status`."""
    door = Blueprint(__name__)

    @door.route("/sms/status", methods=["POST"], content_types=["*/*"])
    @answered
    def sms_status() -> Response:
        request = door.current_request
        house, query = services(), dict(request.query_params or {})
        form = parse_qsl(_bytes(request.raw_body).decode("utf-8", "replace"), keep_blank_values=True)
        url = f"{house.public_url}/sms/status" + (f"?{urlencode(query)}" if query else "")
        if not house.signed_by_twilio(url, form, request.headers.get("x-twilio-signature", "")):
            raise Forbidden("This callback is not signed by Twilio.")
        post_receipts(house.read_receipts(Channel.SMS, {**dict(form), "token": query.get("t", "")}), services=house)
        return Response(body="", status_code=204)

    return door


def record(event: SQSEvent, *, services: Services) -> Failures:
    """Queued receipts: all of an event together, so that those of one batch are one write; each alone where that fails."""
    try:
        record_receipt([read_receipt(found.body) for found in event], services=services)
    except Exception:  # noqa: BLE001 - one bad receipt, or one that nobody can read, must not hold up the others
        _log.exception("receipts failed together", extra={"fields": {"count": len(list(event))}})
        return each_record(event, lambda body: record_receipt([read_receipt(body)], services=services))
    return {"batchItemFailures": []}


def from_ses(message: str, *, services: Services) -> None:
    """One SES event, as SNS carries it."""
    post_receipts(services.read_receipts(Channel.EMAIL, json.loads(message)), services=services)


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
