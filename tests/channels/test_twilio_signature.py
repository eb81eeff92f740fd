"""Twilio's signature: its own published example, both tokens while one is changed, and nothing else."""

import pytest

from chalicelib.channels.twilio_signature import signed_by_twilio

# Twilio's "Validating requests" prints this request with its signature.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+12349013030"), ("Digits", "1234"), ("From", "+12349013030"), ("To", "+18005551212")]
SIGNATURE = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
TWICE = [*FORM, ("Digits", "0")]


@pytest.mark.parametrize(
    ("secret", "right"),
    [
        ({"auth_token": "12345"}, True),
        ({"auth_token": "new", "auth_token_old": "12345"}, True),
        ({"auth_token": "12345", "auth_token_old": "old"}, True),
        ({"auth_token": "new"}, False),
        ({"auth_token": "", "auth_token_old": ""}, False),
        ({"other": "12345"}, False),
        ({}, False),
    ],
    ids=["the token", "the old one", "the new one", "another", "empty ones", "one of no name we know", "none"],
)
def test_a_signature_is_right_by_either_token(secret: dict[str, str], right: bool) -> None:
    assert signed_by_twilio(URL, FORM, SIGNATURE, secret=secret) is right


@pytest.mark.parametrize(
    ("url", "form", "signature"),
    [
        pytest.param(URL + "&more=1", FORM, SIGNATURE, id="another query"),
        pytest.param(URL, FORM[1:], SIGNATURE, id="a field less"),
        pytest.param(URL, [*FORM, ("Body", "")], SIGNATURE, id="an empty field more"),
        pytest.param(URL, TWICE, SIGNATURE, id="a value more"),
        pytest.param(URL, [], SIGNATURE, id="no form at all"),
        pytest.param(URL, FORM, "", id="no signature"),
        pytest.param(URL, FORM, SIGNATURE[:-1], id="a shorter one"),
        pytest.param(URL, FORM, "é" * 28, id="one that is no ASCII"),
    ],
)
def test_anything_else_is_not(url: str, form: list[tuple[str, str]], signature: str) -> None:
    assert signed_by_twilio(url, form, signature, secret={"auth_token": "12345"}) is False


def test_the_default_port_may_be_written_or_left_out() -> None:
    assert signed_by_twilio(URL.replace(".com/", ".com:443/"), FORM, SIGNATURE, secret={"auth_token": "12345"})


def test_every_value_of_a_repeated_field_counts_in_whatever_order_it_came() -> None:
    signature = "QnO+vPQduLlgpoOIoEDURFLh9N4="
    for form in (TWICE, TWICE[::-1]):
        assert signed_by_twilio(URL, form, signature, secret={"auth_token": "12345"})
