"""SES version 2, as boto3 calls it: SendEmail and SendBulkEmail. Nothing is escaped when placeholders are filled, as at SES."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from flask import Blueprint, Response, jsonify, request

from chalicelib.channels.ses_events import TAG
from local.world.around import World
from local.world.faults import OK
from local.world.ledger import ACCEPTED, Message
from local.world.mail_events import SUPPRESSED, plan_events
from local.world.wire import cut, is_gone, new_hex

_MOST_ENTRIES = 50
_MOST_HEADERS = 15
_PLACEHOLDER = re.compile(r"\{\{\{?\s*([^{}]*?)\s*\}?\}\}")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]{1,995}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")

# Fault → HTTP status, SES's name for it, its words, our outcome and code.
_FAILURES = {
    "429": (429, "TooManyRequestsException", "Maximum sending rate exceeded.", "later"),
    "500": (500, "InternalServiceErrorException", "An internal error has occurred.", "error"),
}


class _WrongCall(Exception):
    """SES refuses the whole call."""

    def __init__(self, words: str, kind: str = "BadRequestException") -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


class _WrongEntry(Exception):
    """SES refuses one entry; the others go."""


@dataclass(frozen=True)
class _Letter:
    """One message to one recipient, as the caller wants it."""

    sender: str
    recipient: str
    template: Mapping[str, str]
    values: Mapping[str, object]
    headers: Mapping[str, str]
    tags: Mapping[str, str]


def ses_api(world: World) -> Blueprint:
    """`/v2/email/outbound-emails` and `/v2/email/outbound-bulk-emails`."""
    door = Blueprint("ses", __name__, url_prefix="/v2/email")

    @door.before_request
    def authenticate() -> Response | None:
        signed = request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 ")
        return None if signed else _error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")

    @door.post("/outbound-emails")
    def send_email() -> Response:
        return _send(world, [_single(world, request.get_json(force=True))], bulk=False)

    @door.post("/outbound-bulk-emails")
    def send_bulk_email() -> Response:
        return _send(world, _entries(world, request.get_json(force=True)), bulk=True)

    @door.errorhandler(_WrongCall)
    def refuse(wrong: _WrongCall) -> Response:
        return _error(400, wrong.kind, wrong.words)

    return door


# --- one call --------------------------------------------------------------------------------------------------------


def _send(world: World, letters: Sequence[_Letter], *, bulk: bool) -> Response:
    mode = world.faults.strike("email")
    if mode in _FAILURES:
        status, kind, words, outcome = _FAILURES[mode]
        world.ledger.record([_message(world, letter, outcome=outcome, code=kind) for letter in letters])
        return _error(status, kind, words)
    if mode == "hang":
        world.ledger.record([_message(world, letter, outcome="hung") for letter in letters])
        world.faults.hang("email", is_gone())
        return cut()
    judged = [_judge(world, letter, "dropped" if mode == "drop-reply" else "") for letter in letters]
    kept = world.ledger.record([message for message, _ in judged], lambda message: plan_events(message, time.time()))
    if mode == "drop-reply":
        return cut()
    results = [_result(message, words) for message, (_, words) in zip(kept, judged, strict=True)]
    if bulk:
        return jsonify({"BulkEmailEntryResults": results})
    if kept[0].outcome != ACCEPTED:
        raise _WrongCall(judged[0][1])
    return jsonify({"MessageId": kept[0].provider_id})


def _judge(world: World, letter: _Letter, code: str) -> tuple[Message, str]:
    """The message as accepted or refused, and the words of a refusal."""
    struck = world.faults.strike("email", per_recipient=True)
    try:
        if struck == "invalid" or not _ADDRESS.fullmatch(letter.recipient):
            raise _WrongEntry("Illegal address")
        _check_headers_and_tags(letter)
        subject, text, html = (_fill(letter.template.get(part, ""), letter.values) for part in ("Subject", "Text", "Html"))
        if "\n" in subject or "\r" in subject:
            raise _WrongEntry("Subject contains a line break")
    except _WrongEntry as wrong:
        return _message(world, letter, outcome="refused", code="INVALID_PARAMETER"), str(wrong)
    code = code if struck == OK else {"opted-out": SUPPRESSED}.get(struck, struck)
    return _message(world, letter, code=code, subject=subject, body=text, html=html), ""


def _message(world: World, letter: _Letter, *, outcome: str = ACCEPTED, code: str = "", subject: str = "", body: str = "", html: str = "") -> Message:
    taken = outcome == ACCEPTED
    return Message(
        channel="email",
        via="email",
        sender=letter.sender,
        recipient=letter.recipient.lower(),
        subject=subject,
        body=body,
        html=html,
        headers=letter.headers,
        at=world.now(),
        provider_id=f"0100{new_hex()}-000000" if taken else "",
        token=letter.tags.get(TAG, ""),
        status="queued" if taken else "",
        outcome=outcome,
        code=code,
    )


def _result(message: Message, words: str) -> dict[str, str]:
    return {"Status": "SUCCESS", "MessageId": message.provider_id} if message.outcome == ACCEPTED else {"Status": message.code, "Error": words}


def _error(status: int, kind: str, words: str) -> Response:
    answer = jsonify({"message": words})
    answer.status_code = status
    answer.headers["x-amzn-ErrorType"] = kind
    return answer


# --- reading what boto3 sends ----------------------------------------------------------------------------------------


def _single(world: World, call: Mapping[str, Any]) -> _Letter:
    content = call.get("Content") or {}
    template = content.get("Template") or {}
    simple = content.get("Simple") or {}
    parts = {**_simple_parts(simple), **(template.get("TemplateContent") or {})}
    if not parts:
        raise _WrongCall("Content needs Simple, or Template with TemplateContent")
    return _Letter(
        sender=_sender(world, call),
        recipient=_recipient(call.get("Destination")),
        template=parts,
        values=_data(template.get("TemplateData")) if template else _LITERAL,
        headers=_pairs(simple.get("Headers") or template.get("Headers")),
        tags=_pairs(call.get("EmailTags")),
    )


def _entries(world: World, call: Mapping[str, Any]) -> list[_Letter]:
    entries = call.get("BulkEmailEntries") or []
    template = (call.get("DefaultContent") or {}).get("Template") or {}
    if not 1 <= len(entries) <= _MOST_ENTRIES:
        raise _WrongCall(f"A call takes 1 to {_MOST_ENTRIES} entries")
    if not template.get("TemplateContent"):
        raise _WrongCall("DefaultContent needs Template with TemplateContent")
    sender, values, headers, tags = _sender(world, call), _data(template.get("TemplateData")), template.get("Headers"), call.get("DefaultEmailTags")
    return [
        _Letter(
            sender=sender,
            recipient=_recipient(entry.get("Destination")),
            template=template["TemplateContent"],
            values={**values, **_data(((entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}).get("ReplacementTemplateData"))},
            headers=_merged(_pairs(headers), _pairs(entry.get("ReplacementHeaders"))),
            tags={**_pairs(tags), **_pairs(entry.get("ReplacementTags"))},
        )
        for entry in entries
    ]


def _simple_parts(simple: Mapping[str, Any]) -> dict[str, str]:
    body = simple.get("Body") or {}
    found = {"Subject": simple.get("Subject"), "Text": body.get("Text"), "Html": body.get("Html")}
    return {name: part["Data"] for name, part in found.items() if part}


def _sender(world: World, call: Mapping[str, Any]) -> str:
    sender = str(call.get("FromEmailAddress", ""))
    domain = parseaddr(world.email_from)[1].rpartition("@")[2]
    if parseaddr(sender)[1].rpartition("@")[2] != domain:
        raise _WrongCall("Email address is not verified.", "MessageRejected")
    return sender


def _recipient(destination: Mapping[str, Any] | None) -> str:
    addresses = (destination or {}).get("ToAddresses") or []
    if len(addresses) != 1:
        raise _WrongCall("This world takes exactly one recipient in a destination")
    return parseaddr(addresses[0])[1] or str(addresses[0])


def _data(text: str | None) -> dict[str, object]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise _WrongCall("Template data is not JSON") from None
    if not isinstance(found, dict):
        raise _WrongCall("Template data is no JSON object")
    return found


def _pairs(rows: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return {row["Name"]: row["Value"] for row in rows or ()}


def _merged(default: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The template's headers and the entry's; of one name, the entry's."""
    names = {name.lower() for name in own}
    return {**{name: value for name, value in default.items() if name.lower() not in names}, **own}


# --- filling and checking --------------------------------------------------------------------------------------------

_LITERAL: dict[str, object] = {"": None}
"""Values of a message that is no template: its braces are text."""


def _fill(template: str, values: Mapping[str, object]) -> str:
    if values is _LITERAL:
        return template

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if not _NAME.fullmatch(name):
            raise _WrongEntry(f"Unsupported template expression '{name}'")
        if values.get(name) is None:
            raise _WrongEntry(f"Attribute '{name}' is not present in the rendering data.")
        return str(values[name])

    return _PLACEHOLDER.sub(value, template)


def _check_headers_and_tags(letter: _Letter) -> None:
    if len(letter.headers) > _MOST_HEADERS:
        raise _WrongEntry(f"More than {_MOST_HEADERS} headers")
    for name, value in letter.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or len(name) + len(value) > 996:
            raise _WrongEntry(f"Invalid header '{name}'")
    for name, value in letter.tags.items():
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
            raise _WrongEntry(f"Invalid tag value for '{name}'")
