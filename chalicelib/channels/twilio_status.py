"""Twilio's words for what became of a text, in ours. Source: Twilio's pages on message status and error codes.

Callbacks come late, twice and in any order, and none comes for the first status.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chalicelib.channels.outcomes import UNTIL_MENDED, Meaning, advice_of
from chalicelib.domain.delivery import State
from chalicelib.domain.jobs import ReceiptJob
from chalicelib.domain.message import Advice, Answer

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

# Twilio's code → what it means when a text is handed over, and what it says of the number, then and in a callback alike. A receipt that says
# "failed" is the end: the text was taken once, and whether it reached somebody after all nobody can say. So no code of a callback (30003, 30008,
# 30047, 30410) has a text handed over again. A code not listed is judged by its HTTP status, and says nothing of the number.
CODES: Mapping[str, Meaning] = {
    # its owner
    "21610": Meaning(Answer.REFUSED, Advice.OPTED_OUT),  # texted STOP to Twilio; no failure of ours
    # the number
    "21211": Meaning(Answer.REFUSED, Advice.BAD_ADDRESS),  # no such number
    "21612": Meaning(Answer.REFUSED, Advice.BAD_ADDRESS),  # cannot be reached from ours
    "21614": Meaning(Answer.REFUSED, Advice.BAD_ADDRESS),  # takes no texts
    "30003": Meaning(Answer.REFUSED),  # switched off or out of reach: comes back by itself, so it is never held against the number
    "30004": Meaning(Answer.REFUSED, Advice.BAD_IF_TWICE),  # blocked, by its owner or the carrier
    "30005": Meaning(Answer.REFUSED, Advice.BAD_IF_TWICE),  # the carrier does not know it
    "30006": Meaning(Answer.REFUSED, Advice.BAD_ADDRESS),  # a landline, or a carrier that takes no texts
    # what we wrote, and where to
    "21408": Meaning(Answer.REFUSED),  # a country that our account does not serve
    "21602": Meaning(Answer.REFUSED),  # no words
    "21605": Meaning(Answer.REFUSED),  # too long, in its older words
    "21617": Meaning(Answer.REFUSED),  # too long: the preview should have stopped it
    "30007": Meaning(Answer.REFUSED, Advice.OUR_WORDS),  # a carrier's filter took it for spam
    "30008": Meaning(Answer.REFUSED),  # failed, and nobody says why
    # too much just now: Twilio took nothing
    "20429": Meaning(Answer.LATER),  # too many requests
    "21611": Meaning(Answer.LATER),  # this sender's queue at Twilio is full
    "30001": Meaning(Answer.LATER),  # the same, in its older words
    "30022": Meaning(Answer.LATER),  # more a second than the carriers allow our campaign
    "30023": Meaning(Answer.LATER, wait=timedelta(hours=1)),  # more a day than they allow: it opens again at their midnight
    # we ourselves: nothing goes through before a person acts
    "20003": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our credentials are wrong, or the account has no money
    "20005": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our account is not active
    "21212": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our number is not a number
    "21606": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our number cannot send texts
    "21659": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our number is not ours
    "30002": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our account is suspended
    "30034": Meaning(Answer.NOT_SENT, Advice.OUR_ACCOUNT, UNTIL_MENDED),  # our number is registered for no campaign
}


def read_callback(said: Mapping[str, object]) -> Sequence[ReceiptJob]:
    """The receipt in a status callback's parameters, with our `token` beside them; none where it proves nothing or is not about us."""
    state = RECEIPTS.get(str(said.get("MessageStatus", "")).lower())
    token, code = str(said.get("token", "")), str(said.get("ErrorCode") or "")
    if state is None or not token:
        return ()
    return (ReceiptJob(token, str(state), code, str(advice_of(code, CODES))),)
