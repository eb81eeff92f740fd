"""Twilio's words for what became of a text, in ours. Source: Twilio's pages on message status and error codes.

Callbacks come late, twice and in any order, and none comes for the first status.
"""

from collections.abc import Mapping, Sequence

from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice

# Twilio's status → what it proves. A status we do not know proves nothing.
RECEIPTS: Mapping[str, State] = {
    "accepted": State.ACCEPTED,  # Twilio has it
    "scheduled": State.ACCEPTED,  # has it and waits for its hour; we never ask for that
    "queued": State.ACCEPTED,  # waits for its sender's pace
    "sending": State.ACCEPTED,  # on its way to the carrier
    "sent": State.ACCEPTED,  # the carrier has it; not yet on a phone
    "delivered": State.DELIVERED,  # the carrier says that the phone has it
    "read": State.DELIVERED,  # read; some channels only
    "undelivered": State.FAILED,  # the carrier gave it back
    "failed": State.FAILED,  # Twilio could not hand it on
    "canceled": State.FAILED,  # somebody withdrew it at Twilio
}

# What a code says about the number, at hand-over and in a callback alike. Others say nothing about it.
ADVICE: Mapping[str, Advice] = {
    "21610": Advice.OPTED_OUT,  # its owner texted STOP to Twilio
    "21211": Advice.BAD_ADDRESS,  # no such number
    "21612": Advice.BAD_ADDRESS,  # cannot be reached from ours
    "21614": Advice.BAD_ADDRESS,  # takes no texts
    "30005": Advice.BAD_ADDRESS,  # the carrier does not know it
    "30006": Advice.BAD_ADDRESS,  # a landline, or a carrier out of reach
}


def read_callback(said: Mapping[str, object]) -> Sequence[ReceiptJob]:
    """The receipt in a status callback's parameters, with our `token` beside them; none where it proves nothing or is not about us."""
    state = RECEIPTS.get(str(said.get("MessageStatus", "")).lower())
    token, code = str(said.get("token", "")), str(said.get("ErrorCode", "") or "")
    if state is None or not token:
        return ()
    return (ReceiptJob(token, str(state), code, str(ADVICE.get(code, Advice.NONE))),)
