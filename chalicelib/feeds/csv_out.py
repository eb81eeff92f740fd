"""What leaves the city as CSV: cells that an import reads back, and that no spreadsheet takes for a formula."""

import json
from collections.abc import Mapping

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.exporting import Exported, Noted, OptedOut
from chalicelib.domain.filters import filter_values
from chalicelib.domain.preferences import preference_values
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken
from chalicelib.feeds.subscribers_csv import COLUMNS

CONSENT_COLUMNS = (
    *("person", "phone", "email", "channel", "topic", "step", "how", "at", "source", "language", "keyword", "words", "detail"),
    "address_hash",
)
OPT_OUT_COLUMNS = ("hash", "channel", "at", "phone", "email")

_LIKE_A_FORMULA = ("=", "@", "+", "-", "'", "\t")


def subscriber_cells(one: Exported) -> list[str]:
    """A subscription as an import takes it. Without a proof its evidence is left empty, and an import will say so."""
    proof = one.proof
    values = {
        **_address(one.address),
        "topics": one.topic,
        "language": one.locale,
        "consent_at": spoken(proof.at) if proof else "",
        "consent_how": proof.how if proof else "",
        "consent_words": _safe(proof.words) if proof else "",
        "consent_proof": _safe(proof.reference) if proof else "",
        "person": one.person,
        "filters": _json(filter_values(one.filters)),
        "preferences": _json(preference_values(one.preferences)),
    }
    return [values.get(name, "") for name in COLUMNS]


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
        "source": _safe(entry.source),
        "language": entry.locale,
        "keyword": _safe(entry.word),
        "words": _safe(one.words),
        "detail": entry.detail,
        "address_hash": entry.address,
    }
    return [values.get(name, "") for name in CONSENT_COLUMNS]


def opt_out_cells(one: OptedOut) -> list[str]:
    """Somebody who said stop."""
    values = {"hash": one.hash, "channel": str(one.channel or ""), "at": spoken(one.at), **_address(one.address)}
    return [values.get(name, "") for name in OPT_OUT_COLUMNS]


def _address(address: Address | None) -> Mapping[str, str]:
    if address is None:
        return {}
    return {"phone" if address.channel is Channel.SMS else "email": address.value}


def _json(values: dict[str, Json]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""


def _safe(text: str) -> str:
    """With the sign in front that makes a spreadsheet take it as text; an import takes the sign off."""
    return f"'{text}" if text.startswith(_LIKE_A_FORMULA) else text
