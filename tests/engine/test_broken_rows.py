"""Rows that cannot be read: an address that cannot be unsealed, or whose row is odd, is told apart and costs nobody else anything."""

import base64
from datetime import UTC, datetime

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.errors import Misconfigured
from chalicelib.state.table import Values
from chalicelib.store.addresses import address_key, read_addresses
from chalicelib.store.sealed import Vault

VAULT, OTHER = Vault(b"h" * 32, b"s" * 32), Vault(b"h" * 32, b"t" * 32)
ANA, BEN = Address(Channel.SMS, "+12025550101"), Address(Channel.EMAIL, "ben@example.org")
SEALED = VAULT.seal_address(ANA)

UNREADABLE = {
    "sealed with another key": OTHER.seal_address(ANA),
    "cut": SEALED[:20],
    "cut to its version": "1.",
    "one letter altered": SEALED[:10] + ("A" if SEALED[10] != "A" else "B") + SEALED[11:],
    "of another version": "2" + SEALED[1:],
    "not base64": "1.@@@",
    "not even ASCII": "1.ключ",
    "nothing we sealed": "x",
    "no address in it": VAULT.seal("hello"),
    "of no channel of ours": VAULT.seal("fax:+12025550101"),
    "not text": "1." + base64.b64encode(b"\xff" * 60).decode(),
}


@pytest.mark.parametrize("sealed", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_address_that_cannot_be_unsealed_is_none_and_no_exception(sealed: str) -> None:
    assert VAULT.open_address_or_none(sealed) is None
    assert VAULT.open_addresses([SEALED, sealed, None, VAULT.seal_address(BEN)]) == [ANA, None, None, BEN]


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_erased_address_is_none(nothing: str | None) -> None:
    assert VAULT.open_address_or_none(nothing) is None


def test_where_no_address_at_all_can_be_unsealed_the_key_is_wrong_and_nobody_is_passed_over() -> None:
    with pytest.raises(Misconfigured, match="sealing key"):
        OTHER.open_addresses([SEALED, None, VAULT.seal_address(BEN)])


@pytest.mark.parametrize(
    "sealed", [[], [None, None], [UNREADABLE["cut"]], [UNREADABLE["cut"], None]], ids=["nobody", "all erased", "one", "one beside an erased"]
)
def test_a_single_unreadable_address_is_its_own_trouble(sealed: list[str | None]) -> None:
    assert VAULT.open_addresses(sealed) == [None] * len(sealed)


ODD: dict[str, Values] = {
    "nothing in it": {},
    "an opt-out of no moment": {"opted_out": "yes", "verified": True},
    "an opt-out beyond any calendar": {"opted_out": 10**30, "verified": True},
    "an opt-out of nothing": {"opted_out": None, "verified": True},
    "verified in a word": {"verified": "true"},
    "sealed in a map": {"sealed": {"a": 1}},
    "faults in a word": {"faults": "many", "faulted_at": "then", "heeded": 5},
    "bad in a map": {"bad": {"code": 1}},
    "a channel that is none": {"channel": "fax"},
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD.keys())
def test_an_odd_row_is_read_and_lets_nobody_be_called_who_may_have_stopped(values: Values) -> None:
    [found] = read_addresses(["1.abc"], {address_key("1.abc"): values})
    assert found
    assert (found.opted_out is not None) == ("opted_out" in values)
    assert found.verified is (values.get("verified") is True)
    assert (found.bad is not None) == ("bad" in values)
    assert VAULT.open_address_or_none(found.sealed) is None


def test_a_whole_row_is_read_as_it_was_written() -> None:
    moment = datetime(2026, 12, 1, 12, tzinfo=UTC)
    ms = round(moment.timestamp() * 1000)
    values: Values = {"subscriber": "s", "sealed": SEALED, "verified": True, "channel": "sms", "opted_out": ms, "faults": 2, "faulted_at": ms, "heeded": "a b"}
    [found] = read_addresses(["1.abc"], {address_key("1.abc"): values})
    assert found
    assert (found.subscriber, found.sealed, found.verified, found.channel) == ("s", SEALED, True, Channel.SMS)
    assert (found.opted_out, found.faults, found.faulted_at, found.heeded, found.bad) == (moment, 2, moment, ("a", "b"), None)
