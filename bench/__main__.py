"""`python -m bench [share]`: one JSON object on standard output; what is going on, on standard error. `share` is the part of the full sizes."""

import json
import platform
import sys
from typing import Any

from bench.cold import cold_imports
from bench.floor import twilio_sdk_floor
from bench.growth import growth
from bench.one_each import one_message_each
from bench.outside import Outside, outside
from bench.prices import PROVIDER_SECONDS, STATE_SECONDS, STRETCH, Used
from bench.receipts import receipts_rate
from bench.simulated import Costs, at_pace, urgent_ratio
from bench.size import bundle_mb
from bench.wire import PLAN, Run, run
from bench.work import render_rates
from chalicelib.domain.address import Channel

SMALL, MIDDLE, LARGE = 1_000, 20_000, 200_000
EACH, FLOOR, RECEIPTS, AT_PACE = 3_000, 3_000, 5_000, 5_000
TIMES = 2
"""Of two runs the better counts: who shares the machine only ever slows."""
SMS_PACE, EMAIL_PACE = 100, 500
"""Of the simulation: a short code, and an SES account whose quota was raised."""


def main() -> None:
    """Measure everything and print it."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with outside() as place:
        found = _measured(place, share)
        _say("cold starts from the built bundle")
        found["cold_import"] = cold_imports(place.settings().secrets.removeprefix("file:"))
    _say("the bundle for AWS")
    found["bundle_mb"] = bundle_mb()
    print(json.dumps(found, indent=1))


def _measured(place: Outside, share: float) -> dict[str, Any]:
    small, middle, large, each, floor, receipts, at = (round(size * share) for size in (SMALL, MIDDLE, LARGE, EACH, FLOOR, RECEIPTS, AT_PACE))
    _say(f"texts: a broadcast to {middle}, launch to settled")
    sms = max((run(place, Channel.SMS, middle) for _ in range(TIMES)), key=lambda one: one.rate("hand_over"))
    _say(f"texts: {each}, one message each")
    theirs = one_message_each(place, each)
    _say(f"texts: Twilio's SDK alone, {floor}")
    sdk = twilio_sdk_floor(place, floor)
    _say(f"receipts: {receipts}")
    per_receipt, receipt_bill = receipts_rate(place, receipts)
    _say(f"emails: {small}, {middle}, {large}, {middle}")
    by_size, ratio, email = growth(place, (small, middle, large))
    _say("rendering")
    rendered = render_rates(middle)
    _say(f"simulated: {at} texts and emails at their pace; an urgent broadcast beside {large}")
    pace, sms_seconds = at_pace(Channel.SMS, at, SMS_PACE, Costs.of(sms))
    _, email_seconds = at_pace(Channel.EMAIL, at, EMAIL_PACE, Costs.of(email))
    urgent, p95 = urgent_ratio(large, SMS_PACE, Costs.of(sms))
    dollars = {"sms": _dollars(sms, sms_seconds), "email": _dollars(email, email_seconds)}
    each_dollars = _dollars_each(theirs)
    return {
        "machine": {"python": platform.python_version(), "fixed_work_ms": round((sms.slowness + email.slowness) / 2, 2)},
        "recipients": middle,
        "aws_calls_per_1000": {channel: round(sum(one.calls(polling=False).values()), 1) for channel, one in (("sms", sms), ("email", email))},
        "aws_calls_by_operation": {channel: one.calls(polling=True) for channel, one in (("sms", sms), ("email", email))},
        "per_cpu_second": {
            "plan": max(sms.rate(*PLAN), email.rate(*PLAN)),
            **rendered,
            "hand_over_sms": sms.rate("hand_over"),
            "hand_over_email": email.rate("hand_over"),
            "receipts": per_receipt["receipts"],
        },
        "receipts_by_step": per_receipt,
        "per_cpu_second_by_size": by_size,
        "growth_200k_over_20k": ratio,
        "twilio_sdk_floor": sdk,
        "one_message_each": {
            "calls_ratio": round(_all_calls(theirs) / _all_calls(sms), 1),
            "cpu_ratio": round(theirs.cost("plan", "hand_over") / sms.cost(*PLAN, "hand_over"), 1),
            "dollars_ratio": round(each_dollars["total"] / dollars["sms"]["total"], 1),
        },
        "urgent_under_load_p95_ratio": urgent,
        "urgent_p95": p95,
        "pace": pace,
        "dollars_per_million": {channel: one["total"] for channel, one in dollars.items()},
        "dollars_by_item": {**dollars, "one_message_each": each_dollars, "receipt": _dollars_receipt(receipts, receipt_bill, per_receipt)},
    }


def _all_calls(one: Run) -> float:
    """Calls per 1,000, those by which AWS takes messages for us included."""
    return sum(one.calls(polling=True).values())


def _dollars(one: Run, seconds: float) -> dict[str, float]:
    return Used(one.recipients, one.bill, one.bill["sqs.DeleteMessage"], seconds * one.recipients).dollars()


def _dollars_each(one: Run) -> dict[str, float]:
    """Their functions wait for rows and the provider, as ours do, but for no pace."""
    state = sum(count for name, count in one.bill.items() if name.startswith("dynamodb."))
    seconds = sum(one.cpu[step] for step in ("plan", "hand_over")) * STRETCH + state * STATE_SECONDS + one.recipients * PROVIDER_SECONDS
    return Used(one.recipients, one.bill, one.bill["sqs.DeleteMessage"], seconds).dollars()


def _dollars_receipt(receipts: int, bill: dict[str, int], rates: dict[str, int]) -> dict[str, float]:
    """Through API Gateway's REST API; each a call of the door, then recorded with others."""
    state = bill["dynamodb.UpdateItem"] + bill["sqs.SendMessageBatch"]
    seconds = receipts / rates["receipts"] * STRETCH + state * STATE_SECONDS
    return Used(receipts, bill, receipts + bill["invocations"], seconds, rest_calls=receipts).dollars()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
