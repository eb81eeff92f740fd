"""Phones: a resident's text goes to the app as Twilio sends it, signed; the TwiML that comes back lands on the phone."""

from dataclasses import dataclass
from urllib.parse import urlencode

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from twilio.request_validator import RequestValidator

from chalicelib.domain.sms_parts import count
from local.world.around import World
from local.world.ledger import Message
from local.world.wire import call, new_hex

_STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_START_WORDS = frozenset({"START", "YES", "UNSTOP"})
"""Twilio's own words: it blocks and unblocks the number itself, and passes the text on. Its own replies are switched off."""

_MOST_REPLIES = 10
_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Answer:
    """What the app said to an inbound text."""

    status: int
    content_type: str
    body: bytes


def text_in(world: World, number: str, body: str, *, sid: str = "") -> Answer:
    """Text the city from a phone. Replies are on the phone when this returns. Raises HTTPError where the app does not answer."""
    word = body.strip().upper()
    if word in _STOP_WORDS | _START_WORDS:
        world.ledger.block(number, blocked=word in _STOP_WORDS)
    sid = sid or "SM" + new_hex()
    inbound = _text(world, via="text", sender=number, recipient=world.twilio_number, body=body, sid=sid)
    world.ledger.record([inbound])
    answer = _post(world, _form(world, inbound))
    replies = read_twiml(answer.body)[:_MOST_REPLIES] if answer.status == 200 and "xml" in answer.content_type else []
    world.ledger.record([_text(world, via="reply", sender=world.twilio_number, recipient=number, body=reply, sid="SM" + new_hex()) for reply in replies])
    return answer


def read_twiml(body: bytes) -> list[str]:
    """The texts of the `Message` verbs in a TwiML document; none where it is no such document."""
    try:
        verbs = fromstring(body)
    except (ParseError, DefusedXmlException, UnicodeDecodeError):
        return []
    return [text for verb in verbs if verb.tag == "Message" and (text := "".join(verb.itertext()).strip("\n"))]


def _text(world: World, *, via: str, sender: str, recipient: str, body: str, sid: str) -> Message:
    return Message(
        channel="sms",
        via=via,
        sender=sender,
        recipient=recipient,
        body=body,
        at=world.now(),
        provider_id=sid,
        status="received" if via == "text" else "delivered",
        parts=count(body).parts,
    )


def _form(world: World, text: Message) -> dict[str, str]:
    sid = text.provider_id
    who = {"From": text.sender, "FromCity": "", "FromState": "", "FromZip": "", "FromCountry": "US"}
    whom = {"To": text.recipient, "ToCity": "", "ToState": "", "ToZip": "", "ToCountry": "US"}
    what = {"Body": text.body, "NumMedia": "0", "NumSegments": str(max(text.parts, 1)), "SmsStatus": "received", "ApiVersion": "2010-04-01"}
    return {**who, **whom, **what, "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": world.keyring.account_sid}


def _post(world: World, form: dict[str, str]) -> Answer:
    url = f"{world.app_url}/sms/inbound"
    signature: str = RequestValidator(world.keyring.auth_token).compute_signature(url, form)  # type: ignore[no-untyped-call]
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    answer = call("POST", url, patience=_PATIENCE_SECONDS, headers=headers, body=urlencode(form).encode())
    return Answer(answer.status, answer.headers.get("Content-Type", ""), answer.data)
