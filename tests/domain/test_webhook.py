"""Signatures of Standard Webhooks, against the reference library and against vectors of the field."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from chalicelib.domain.webhook import sign, verify
from chalicelib.errors import Misconfigured, Unsigned
from tests.samples import sample

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_plJ3nmyCDGBKInavdOK15jsl9dQ8kZ1f"
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
BODY = b'{"text":"L\xc3\xadnea 7"}'
RIGHT = sign(SECRET, id="msg_1", timestamp=SECONDS, body=BODY)


def headers(**changes: str | None) -> dict[str, str]:
    given_ = {"webhook-id": "msg_1", "webhook-timestamp": str(SECONDS), "webhook-signature": RIGHT} | {
        f"webhook-{name}": value for name, value in changes.items()
    }
    return {name: value for name, value in given_.items() if value is not None}


def check(given_: dict[str, str], *, body: bytes = BODY, secrets: Any = (SECRET,)) -> str:
    return verify(given_, body, secrets=secrets, now=NOW)


def test_a_right_signature_tells_the_id() -> None:
    assert check(headers()) == "msg_1"


@settings(deadline=None)
@given(body=st.binary(max_size=200), id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), key=st.binary(min_size=24, max_size=64))
def test_we_sign_as_the_reference_library_does(body: bytes, id: str, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    text = body.decode("latin-1")
    theirs = Webhook(secret).sign(id, NOW, text)
    ours = sign(secret, id=id, timestamp=SECONDS, body=text.encode())
    assert theirs == ours
    assert verify({"webhook-id": id, "webhook-timestamp": str(SECONDS), "webhook-signature": theirs}, text.encode(), secrets=[secret], now=NOW) == id


def _vectors() -> list[Any]:
    found: list[Any] = json.loads(sample("webhook-signature-vectors-a.json").read_text("utf-8"))["standard_webhooks"]
    return found


def test_every_vector_gets_its_verdict() -> None:
    for vector in _vectors():
        verdict = True
        try:
            verify(vector["headers"], vector["payload"].encode(), secrets=[vector["secret"]], now=datetime.fromtimestamp(vector["now"], UTC))
        except Unsigned:
            verdict = False
        assert verdict is vector["valid"], vector["name"]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"id": "msg.1"},
        {"id": "msg 1"},
        {"id": "x" * 300},
        {"id": "msg_2"},
        {"timestamp": None},
        {"timestamp": ""},
        {"timestamp": "now"},
        {"timestamp": f"{SECONDS}.0"},
        {"timestamp": f"-{SECONDS}"},
        {"timestamp": "٣" * 10},
        {"timestamp": "9" * 5000},
        {"timestamp": str(SECONDS - 301)},
        {"timestamp": str(SECONDS + 301)},
        {"timestamp": str(SECONDS + 1)},
        {"signature": None},
        {"signature": ""},
        {"signature": "v1"},
        {"signature": "v1,"},
        {"signature": "v1,é"},
        {"signature": RIGHT[3:]},
        {"signature": "v2," + RIGHT[3:]},
        {"signature": "v1a," + RIGHT[3:]},
        {"signature": RIGHT[:-2]},
        {"signature": RIGHT.lower()},
        {"signature": "v1," * 100_000},
    ],
    ids=lambda changes: f"{next(iter(changes))}={str(next(iter(changes.values())))[:20]}",
)
def test_any_other_header_is_unsigned(changes: dict[str, str | None]) -> None:
    with pytest.raises(Unsigned):
        check(headers(**changes))


@pytest.mark.parametrize("seconds", [-300, 300], ids=["five minutes ago", "in five minutes"])
def test_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    at = SECONDS + seconds
    signature = sign(SECRET, id="msg_1", timestamp=at, body=BODY)
    assert check(headers(timestamp=str(at), signature=signature)) == "msg_1"


def test_any_altered_byte_of_the_body_is_unsigned() -> None:
    for at in range(len(BODY)):
        with pytest.raises(Unsigned):
            check(headers(), body=BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :])


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET)], ids=["first", "second"])
def test_two_secrets_are_active_while_one_replaces_the_other(secrets: tuple[str, ...]) -> None:
    assert check(headers(), secrets=secrets) == "msg_1"


def test_every_signature_is_tried_and_unknown_versions_are_passed_over() -> None:
    assert check(headers(signature=f"v1a,xyz v9 v1,AAAA {RIGHT}")) == "msg_1"


@pytest.mark.parametrize("secrets", [(), (OTHER,)], ids=["none", "another"])
def test_without_the_secret_nobody_signed(secrets: tuple[str, ...]) -> None:
    with pytest.raises(Unsigned):
        check(headers(), secrets=secrets)


def test_a_secret_that_is_no_base64_is_our_mistake() -> None:
    with pytest.raises(Misconfigured):
        check(headers(), secrets=["whsec_???"])
