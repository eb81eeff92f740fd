"""What a provider's answer means, decided in one place for every channel, from evidence and the provider's own table of codes.

accepted     it has the message and gave us its name for it
refused      it will never take this message; what that says about the address is in the advice
later        it was too much just now: nothing was sent, and nobody has used up a try
not sent     no byte left us, or the provider turned us away, not the message
unknown      the message may have left: never called again without evidence
"""

import logging
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.message import Advice, Answer, Outcome

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class Accepted:
    """The provider took it. An empty id is no proof."""

    provider_id: str


@dataclass(frozen=True)
class Answered:
    """The provider said something else than yes: the HTTP status of its answer and its own code, if it gave one."""

    status: int
    code: str = ""


@dataclass(frozen=True)
class NeverLeft:
    """Not a byte of the request left us: no name, no connection, no handshake, or no call at all."""

    why: str


@dataclass(frozen=True)
class Lost:
    """The request may have left, and no answer that can be read came back."""

    why: str


Evidence = Accepted | Answered | NeverLeft | Lost


@dataclass(frozen=True)
class Meaning:
    """What a code means: our answer, what it asks of us beside, and how long the provider will go on saying so."""

    answer: Answer
    advice: Advice = Advice.NONE
    wait: timedelta | None = None


UNTIL_MENDED = timedelta(minutes=15)
"""How long to leave a provider that refuses our account: a person has to mend it first."""

# An HTTP status → what it means where the provider's table does not know the code. A channel's table may overrule a whole class ("4xx").
STATUSES: Mapping[str, Meaning] = {
    "401": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our credentials
    "403": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our rights
    "404": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # no such account, or nothing of ours by that name
    "408": Meaning(Answer.UNKNOWN),  # it gave up waiting for us; how much it had read, nobody knows
    "429": Meaning(Answer.LATER),  # too much at once; not processed
    "4xx": Meaning(Answer.REFUSED),  # wrong by its very content
}
# Nothing else proves anything: 1xx, 3xx, a 2xx without an id, and every 5xx.
_PROVES_NOTHING = Meaning(Answer.UNKNOWN)


def judge(evidence: Evidence, codes: Mapping[str, Meaning]) -> Outcome:
    """What evidence means. `codes` is the provider's table: its codes, and "4xx" where that means something else to it. Never raises."""
    match evidence:
        case Accepted(provider_id) if provider_id:
            return Outcome(Answer.ACCEPTED, provider_id=provider_id)
        case Accepted():
            return Outcome(Answer.UNKNOWN, "no_id")
        case NeverLeft(why):
            return Outcome(Answer.NOT_SENT, why)
        case Lost(why):
            return Outcome(Answer.UNKNOWN, why)
    meaning = _meaning(evidence, codes)
    return Outcome(meaning.answer, evidence.code or str(evidence.status), advice=meaning.advice, wait=meaning.wait)


def _meaning(said: Answered, codes: Mapping[str, Meaning]) -> Meaning:
    """The code's meaning, else the status's. A server's failure proves nothing, whatever code comes with it."""
    if said.status >= 500:
        return _PROVES_NOTHING
    if said.code in codes:
        return codes[said.code]
    if str(said.status) in STATUSES:
        return STATUSES[str(said.status)]
    return codes.get("4xx", STATUSES["4xx"]) if said.status >= 400 else _PROVES_NOTHING


def advice_of(code: str, codes: Mapping[str, Meaning]) -> Advice:
    """What a code asks of us that comes in a receipt: the message itself was taken long before, and is not handed over again."""
    return codes[code].advice if code in codes else Advice.NONE


def tell_of_refusal(outcomes: Iterable[Outcome], *, provider: str) -> None:
    """Log it, once for all of these, where the provider refuses our account: an alarm wakes on these very words."""
    codes = sorted({outcome.code for outcome in outcomes if outcome.advice is Advice.OUR_ACCOUNT})
    if codes:
        _log.error("provider refuses our account", extra={"fields": {"provider": provider, "codes": codes}})


# A TLS failure that can only come before a request is sent; others may also come while its answer is read.
_HANDSHAKES = frozenset(
    {"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_UNRECOGNIZED_NAME"}
)


def ended_before_sending(error: object) -> bool:
    """Whether this TLS failure came in the handshake, so that not a byte of a request left."""
    return isinstance(error, ssl.SSLCertVerificationError) or (isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _HANDSHAKES)
