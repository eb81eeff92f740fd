"""SES's words for what became of an email, in ours. Source: SES's pages on the contents of event publishing.

Our emails have one recipient each, and carry our token as the tag `belfry`. Events come late, twice and in any order.
"""

from collections.abc import Mapping, Sequence

from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice

TAG = "belfry"

# SES's event → what it proves. An event we do not know proves nothing.
EVENTS: Mapping[str, State] = {
    "Send": State.ACCEPTED,  # SES has it
    "Delivery": State.DELIVERED,  # the recipient's mail server took it
    "Bounce": State.FAILED,  # that server refused it, or SES would not try
    "Complaint": State.DELIVERED,  # it arrived, and was called spam
    "Reject": State.FAILED,  # SES found a virus
    "Rendering Failure": State.FAILED,  # a placeholder had no value
    "RenderingFailure": State.FAILED,  # the same, as some destinations spell it
    # Nothing proven: DeliveryDelay (SES goes on trying), Open, Click, Subscription
}

# A bounce's kind → what it says of the address. A kind we do not know says nothing.
BOUNCES: Mapping[str, Advice] = {
    "Permanent": Advice.BAD_ADDRESS,  # no such mailbox, or SES itself will not write there any more
    "Transient": Advice.BAD_IF_FIVE_TIMES,  # a full mailbox, a server out of order: most come back
    "Undetermined": Advice.NONE,  # nobody knows why
}

# What a recipient called it → what that asks of us. Anything else they can say about an email means: no more.
COMPLAINTS: Mapping[str, Advice] = {
    "not-spam": Advice.NONE,  # taken back
}


def read_event(said: Mapping[str, object]) -> Sequence[ReceiptJob]:
    """The receipts in an SES event. A notification of the older style (`notificationType`) has no tags, and so says nothing to us."""
    name = str(said.get("eventType"))
    state = EVENTS.get(name)
    if state is None:
        return ()
    code, advice = _detail(name, said)
    return tuple(ReceiptJob(token, str(state), code, str(advice)) for token in _tokens(said))


def _tokens(said: Mapping[str, object]) -> list[str]:
    tags = _part(_part(said, "mail"), "tags").get(TAG)
    return [str(token) for token in tags] if isinstance(tags, list) else []


def _detail(name: str, said: Mapping[str, object]) -> tuple[str, Advice]:
    """The code to keep, and what it says about the address."""
    if name == "Bounce":
        bounce = _part(said, "bounce")
        kind = str(bounce.get("bounceType", ""))
        return f"{kind}/{bounce.get('bounceSubType', '')}", BOUNCES.get(kind, Advice.NONE)
    if name == "Complaint":
        feedback = str(_part(said, "complaint").get("complaintFeedbackType") or "")
        return f"complaint/{feedback}", COMPLAINTS.get(feedback, Advice.OPTED_OUT)
    return ("" if name in {"Send", "Delivery"} else name.replace(" ", "")), Advice.NONE


def _part(said: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}
