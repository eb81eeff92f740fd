"""Delivery receipts: through the door into the queue, then from the queue into the rows; the door's own code, from API Gateway's event on."""

import os
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bench.broadcasts import a_broadcast
from bench.meter import Meter
from bench.outside import TWILIO, Outside
from bench.wire import Poller, work
from chalicelib import wiring
from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.delivery import State
from chalicelib.domain.ids import SHARDS
from chalicelib.flows.services import Services

AT_WORK = 8
"""Batches that senders work on at once, so that receipts of so many come mixed."""


def receipts_rate(outside: Outside, texts: int) -> tuple[dict[str, int], dict[str, int]]:
    """Receipts per CPU second, by step and together, and what AWS would bill for them. Fails where one is lost."""
    outside.forget()
    outside.follow("transit", Channel.SMS, texts)
    services, meter = outside.services(), Meter()
    made = a_broadcast(services, "transit", Channel.SMS)
    work(services, Channel.SMS, Meter())
    callbacks = [_callback(token) for token in _tokens(made, services)]
    before = outside.bill()
    os.environ.pop("_HANDLER", None)
    app = _app(services)
    with meter.on("door"):
        for callback in callbacks:
            assert app(callback, None)["statusCode"] == 204
    invocations = _record(meter)
    bill = outside.bill()
    [counts] = services.store.progress.read(made, services.now()).counts.values()
    if sum(number for mark, number in counts.items() if mark.state is State.DELIVERED) != texts:
        raise SystemExit(f"receipts were lost: {counts}")
    rates = {step: round(texts / meter.spent[step]) for step in ("door", "record")}
    rates["receipts"] = round(texts / (meter.spent["door"] + meter.spent["record"]))
    return rates, {**{name: count - before.get(name, 0) for name, count in bill.items()}, "invocations": invocations}


def _app(services: Services) -> Any:
    import app

    wiring.install(services)
    return app.app


def _record(meter: Meter) -> int:
    """As many at once as the queue's function asks for; how often it ran."""
    import app

    [source] = [one for one in app.app.event_sources if one.name == "record_receipts"]
    waiting: list[dict[str, object]] = []
    runs = 0
    for body in Poller(meter).bodies("receipts"):
        waiting.append({"messageId": str(len(waiting)), "receiptHandle": "h", "body": body})
        if len(waiting) == source.batch_size:
            runs += _hand(app, waiting, meter)
    return runs + _hand(app, waiting, meter)


def _hand(app: Any, waiting: list[dict[str, object]], meter: Meter) -> int:
    if not waiting:
        return 0
    with meter.on("record"):
        failed = app.record_receipts({"Records": waiting}, None)
    assert failed == {"batchItemFailures": []}
    waiting.clear()
    return 1


def _tokens(made: Broadcast, services: Services) -> list[str]:
    """Our names for all deliveries, in the order in which providers tell of them."""
    keys = [(key, len(far.cells)) for shard in range(SHARDS) for key, far in services.store.batches.of_shard(made.id, shard)]
    groups = [keys[start : start + AT_WORK] for start in range(0, len(keys), AT_WORK)]
    return [_token(key, entry, services) for group in groups for entry in range(max(size for _, size in group)) for key, size in group if entry < size]


def _token(key: BatchKey, entry: int, services: Services) -> str:
    return services.tokens.sign("delivery", key.broadcast, str(key.shard), key.name, str(entry), "1")


def _callback(token: str) -> dict[str, object]:
    """Twilio's call, as API Gateway hands it to Lambda."""
    form = {"MessageSid": f"SM{'0' * 32}", "MessageStatus": "delivered", "AccountSid": TWILIO["account_sid"], "To": "+12025550100", "From": "+15005550006"}
    url = f"https://alerts.example.org/sms/status?t={token}"
    signature = RequestValidator(TWILIO["auth_token"]).compute_signature(url, form)
    return {
        "httpMethod": "POST",
        "path": "/sms/status",
        "requestContext": {"httpMethod": "POST", "resourcePath": "/sms/status", "path": "/sms/status", "identity": {}},
        "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1"},
        "multiValueQueryStringParameters": {"t": [token]},
        "pathParameters": None,
        "stageVariables": None,
        "body": urlencode(form),
        "isBase64Encoded": False,
    }
