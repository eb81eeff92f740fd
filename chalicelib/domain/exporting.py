"""Exporting: what leaves the city about its subscribers, in words that an import, or another system, reads back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.domain.filters import Filters
from chalicelib.domain.importing import Proof
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.times import parse_moment
from chalicelib.errors import Invalid

WAYS: Mapping[How, str] = {How.KEYWORD: "text", How.WEB: "web", How.STAFF: "counter"}
"""Our ways in, as an import names them; all others are `other`."""


@dataclass(frozen=True)
class Exported:
    """A subscription as it leaves: an address that is open, the person's random id, what they asked for, and the proof; None where the ledger has none."""

    address: Address
    person: str
    topic: str
    locale: str
    filters: Filters
    preferences: Preferences
    proof: Proof | None


@dataclass(frozen=True)
class Noted:
    """An entry of the ledger as it leaves. The address is None where it is erased, or was another's before."""

    address: Address | None
    entry: Consent
    words: str


@dataclass(frozen=True)
class OptedOut:
    """An address that said stop, by its keyed hash: when, on which channel and which address, as far as either is still known."""

    hash: str
    at: datetime
    channel: Channel | None = None
    address: Address | None = None


def joining(ledger: Iterable[Consent], topic: str, channel: Channel) -> Consent | None:
    """The entry by which a topic is followed: the last that began it."""
    began = [one for one in ledger if one.topic == topic and one.channel is channel and one.step in (Step.JOINED, Step.RESTORED)]
    return began[-1] if began else None


def proof_of(entry: Consent, words: str) -> Proof:
    """The evidence of an entry: what came with an import goes out as it came in."""
    found = json.loads(entry.detail).get("proof", {}) if entry.how is How.IMPORT and entry.detail.startswith("{") else {}
    try:
        return Proof(parse_moment(str(found["at"]), ""), str(found["how"]), words, str(found.get("reference", "")))
    except (KeyError, Invalid):
        return Proof(entry.at, WAYS.get(entry.how, "other"), words, entry.source)
