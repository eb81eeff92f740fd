"""Consent: the record of who agreed to what, when, how, in which words."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.address import Channel
from chalicelib.domain.filters import Filters, filter_values, read_filters
from chalicelib.domain.preferences import Preferences, preference_values, read_preferences
from chalicelib.domain.strict_json import Json

EVERYTHING = "*"
"""The topic of a consent that is about no topic alone, such as a change of language."""


class Step(StrEnum):
    """What a person did."""

    JOINED = "joined"
    LEFT = "left"
    STOPPED = "stopped"
    RESTORED = "restored"
    LANGUAGE = "language"
    PREFERENCES = "preferences"


class How(StrEnum):
    """By which way in."""

    KEYWORD = "keyword"
    WEB = "web"
    SEED = "seed"
    STAFF = "staff"
    IMPORT = "import"
    PROVIDER = "provider"
    LOG = "log"
    """Taken from our own log, after the city went back to a backup from before."""


@dataclass(frozen=True)
class Consent:
    """One entry of the ledger; entries are only ever added.

    `address` is the keyed hash. `source` names the act: a provider's id of the text, or ours of the form. `word` is the
    keyword of ours that was used; `wording` the id of the sentence that the person was shown. `detail` is JSON: what was chosen with it
    (`detail_of`), or a proof from elsewhere."""

    subscriber: str
    address: str
    channel: Channel
    topic: str
    step: Step
    how: How
    source: str
    locale: str
    at: datetime
    word: str = ""
    wording: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Leaving:
    """What our log says of somebody who left: which address, by its keyed hash, when, and which topic, or everything."""

    address: str
    at: datetime
    topic: str = EVERYTHING


def detail_of(filters: Filters, preferences: Preferences, *, proof: str = "") -> str:
    """What was chosen, as a ledger's entry keeps it, beside a `proof` from elsewhere, a JSON object; empty for whoever chose nothing and brought none."""
    chosen: dict[str, Json] = {"filters": filter_values(filters), "preferences": preference_values(preferences)}
    kept: dict[str, Json] = {**(json.loads(proof) if proof else {}), **{name: value for name, value in chosen.items() if value}}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else ""


def read_detail(detail: str) -> tuple[Filters, Preferences]:
    """What `detail_of` wrote; everything, and nothing chosen, for any other text."""
    found = json.loads(detail) if detail.startswith("{") else {}
    return read_filters(found.get("filters", {})), read_preferences(found.get("preferences", {}))


def wording_id(sentence: str) -> str:
    """The id of a sentence as shown: the same words have the same id for ever."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:20]
