"""Tokens: what was signed comes back whole, for its purpose only, and nothing else is ever read."""

import base64
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.tokens import Tokens

OLD, NEW = b"o" * 32, b"n" * 32
TOKENS = Tokens([NEW])
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

parts = some.lists(some.text(some.characters(exclude_characters="\n", exclude_categories=["Cs"])), min_size=1, max_size=5)


@given(parts)
def test_what_is_signed_comes_back_whole(given_parts: list[str]) -> None:
    token = TOKENS.sign("delivery", *given_parts)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert TOKENS.read("delivery", token) == tuple(given_parts)


def test_parts_may_hold_spaces_and_nothing_at_all() -> None:
    assert TOKENS.read("p", TOKENS.sign("p", "two words", "", "X=X")) == ("two words", "", "X=X")


@pytest.mark.parametrize("last", ["W", "=", "~", "?"], ids=["an X", "a 9", "a -", "a _"])
def test_a_payload_may_end_in_any_letter(last: str) -> None:
    assert TOKENS.read("p", TOKENS.sign("p", f"aa{last}")) == (f"aa{last}",)


def test_a_token_is_as_long_as_its_payload_and_22_letters() -> None:
    assert [len(TOKENS.sign("p", "a" * length)) for length in (1, 2, 3, 4)] == [24, 25, 26, 28]


@given(parts, some.data())
def test_an_altered_token_is_refused(given_parts: list[str], data: some.DataObject) -> None:
    token = TOKENS.sign("delivery", *given_parts)
    at = data.draw(some.integers(0, len(token) - 1))
    other = data.draw(some.sampled_from(LETTERS).filter(lambda letter: letter != token[at]))
    assert TOKENS.read("delivery", token[:at] + other + token[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "x", "a" * 22, "a" * 40, "é" * 30, "\ud800" * 30, "=" * 22], ids=repr)
def test_any_other_text_is_refused(text: str) -> None:
    assert TOKENS.read("delivery", text) is None


def test_a_token_for_one_purpose_serves_no_other() -> None:
    assert TOKENS.read("confirm", TOKENS.sign("unsubscribe", "s1")) is None


def test_a_new_key_signs_and_the_old_one_is_still_believed() -> None:
    both = Tokens([NEW, OLD])
    assert both.sign("p", "x") == TOKENS.sign("p", "x")
    assert both.read("p", Tokens([OLD]).sign("p", "x")) == ("x",)
    assert TOKENS.read("p", Tokens([OLD]).sign("p", "x")) is None


def test_a_rightly_signed_payload_that_is_no_text_is_refused() -> None:
    payload = base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode()
    assert TOKENS.read("p", signed(payload)) is None
    assert TOKENS.read("p", signed("A")) is None


def signed(payload: str) -> str:
    """A payload that nobody but us could sign."""
    digest = hmac.digest(NEW, f"p.{payload}".encode(), "sha256")
    return payload + base64.urlsafe_b64encode(digest).decode()[:22]
