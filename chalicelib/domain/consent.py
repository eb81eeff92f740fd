"""Consent: the record of who agreed to what, when, how, in which words."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.address import Channel

EVERYTHING = "*"
"""The topic of a consent that is about no topic alone, such as a change of language."""


class Step(StrEnum):
    """What a person did."""

    JOINED = "joined"
    LEFT = "left"
    STOPPED = "stopped"
    RESTORED = "restored"
    LANGUAGE = "language"


class How(StrEnum):
    """By which way in."""

    KEYWORD = "keyword"
    WEB = "web"
    SEED = "seed"
    PROVIDER = "provider"
    LOG = "log"
    """Taken from our own log, after the city went back to a backup from before."""


@dataclass(frozen=True)
class Consent:
    """One entry of the ledger; entries are only ever added.

    `address` is the keyed hash. `source` names the act: a provider's id of the text, or ours of the form. `word` is the
    keyword of ours that was used; `wording` the id of the sentence that the person was shown."""

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


@dataclass(frozen=True)
class Leaving:
    """What our log says of somebody who left: which address, by its keyed hash, when, and which topic, or everything."""

    address: str
    at: datetime
    topic: str = EVERYTHING


def wording_id(sentence: str) -> str:
    """The id of a sentence as shown: the same words have the same id for ever."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:20]
