"""What leaves the city as CSV: cells that an import reads back, and that no spreadsheet takes for a formula."""

import json
from collections.abc import Mapping, Sequence

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.exporting import Exported, Noted, OptedOut
from chalicelib.domain.filters import filter_values
from chalicelib.domain.preferences import preference_values
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken
from chalicelib.feeds.csv_cells import guarded
from chalicelib.feeds.subscribers_csv import COLUMNS

CONSENT_COLUMNS = (
    *("person", "phone", "email", "channel", "topic", "step", "how", "at", "source", "language", "keyword", "words", "detail"),
    "address_hash",
)
OPT_OUT_COLUMNS = ("hash", "channel", "at", "phone", "email")


def subscriber_cells(one: Exported) -> list[str]:
    """A subscription as an import takes it. Without a proof its evidence is left empty, and an import will say so."""
    proof = one.proof
    values = {
        **_address(one.address),
        "topics": one.topic,
        "language": one.locale,
        "consent_at": spoken(proof.at) if proof else "",
        "consent_how": proof.how if proof else "",
        "consent_words": proof.words if proof else "",
        "consent_proof": proof.reference if proof else "",
        "person": one.person,
        "filters": _json(filter_values(one.filters)),
        "preferences": _json(preference_values(one.preferences)),
    }
    return _cells(COLUMNS, values)


def consent_cells(one: Noted) -> list[str]:
    """An entry of the ledger."""
    entry = one.entry
    values = {
        **_address(one.address),
        "person": entry.subscriber,
        "channel": str(entry.channel),
        "topic": entry.topic,
        "step": str(entry.step),
        "how": str(entry.how),
        "at": spoken(entry.at),
        "source": entry.source,
        "language": entry.locale,
        "keyword": entry.word,
        "words": one.words,
        "detail": entry.detail,
        "address_hash": entry.address,
    }
    return _cells(CONSENT_COLUMNS, values)


def opt_out_cells(one: OptedOut) -> list[str]:
    """Somebody who said stop."""
    values = {"hash": one.hash, "channel": str(one.channel or ""), "at": spoken(one.at), **_address(one.address)}
    return _cells(OPT_OUT_COLUMNS, values)


def _cells(columns: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """A row. Every cell is guarded, whoever wrote what stands in it."""
    return [guarded(name, values.get(name, "")) for name in columns]


def _address(address: Address | None) -> Mapping[str, str]:
    if address is None:
        return {}
    return {"phone" if address.channel is Channel.SMS else "email": address.value}


def _json(values: dict[str, Json]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""
