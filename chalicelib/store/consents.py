"""The ledger of consent: `S#<subscriber>` / `C#<source>#<topic>#<step>`, and the words shown: `WORDING#<id>` / `TEXT`.

Keys name the act, so that an act delivered twice is written once; no entry is ever changed or removed.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import Consent, How, Step, wording_id
from chalicelib.domain.times import from_ms, spoken, to_ms
from chalicelib.state.table import Absent, Key, Put, Row, Table, Values, Write

_log = logging.getLogger("belfry")


@dataclass(frozen=True)
class Consents:
    """Adds to and reads the ledger."""

    table: Table

    def add_write(self, consent: Consent) -> Write:
        """The write that adds an entry, for a transaction: refused where the same act wrote it before."""
        return Put(consent_row(consent), expect=Absent())

    def leave_write(self, consent: Consent) -> Write:
        """As `add_write`, for whoever leaves a topic; and said in the log before, which still knows of it after a restore from a backup."""
        _log.info("left", extra={"fields": {"address": consent.address, "topic": consent.topic, "at": spoken(consent.at)}})
        return self.add_write(consent)

    def wording_write(self, sentence: str) -> Write:
        """The write that keeps a sentence as shown, for a transaction. It holds nothing personal."""
        return Put(Row(_wording_key(wording_id(sentence)), {"text": sentence}))

    def of(self, subscriber: str) -> list[Consent]:
        """A person's ledger, oldest first."""
        found: list[Consent] = []
        after: str | None = None
        while True:
            page = self.table.query(f"S#{subscriber}", prefix="C#", after=after)
            found += [read_consent(row.values) for row in page.rows]
            if page.after is None:
                return sorted(found, key=lambda one: one.at)
            after = page.after

    def wording(self, name: str) -> str | None:
        """The sentence of this id."""
        found = self.table.get(_wording_key(name))
        return str(found["text"]) if found else None


def consent_row(consent: Consent) -> Row:
    """An entry's row: what bulk loading writes."""
    values: Values = {
        "subscriber": consent.subscriber,
        "address": consent.address,
        "channel": str(consent.channel),
        "topic": consent.topic,
        "step": str(consent.step),
        "how": str(consent.how),
        "source": consent.source,
        "locale": consent.locale,
        "at": to_ms(consent.at),
        "word": consent.word,
        "wording": consent.wording,
        **({"detail": consent.detail} if consent.detail else {}),
    }
    return Row(Key(f"S#{consent.subscriber}", f"C#{consent.source}#{consent.topic}#{consent.step}"), values)


def addresses_of(ledger: Iterable[Consent], channel: Channel) -> list[str]:
    """The hashes of all addresses that a person used on a channel, as the ledger says."""
    return list(dict.fromkeys(one.address for one in ledger if one.channel is channel))


def address_of(ledger: Iterable[Consent], channel: Channel) -> str | None:
    """The hash of the address that a person last used on a channel, as the ledger says."""
    return next((one.address for one in reversed(list(ledger)) if one.channel is channel), None)


def _wording_key(name: str) -> Key:
    return Key(f"WORDING#{name}", "TEXT")


def read_consent(values: Values) -> Consent:
    """The entry that a row holds."""
    return Consent(
        subscriber=str(values["subscriber"]),
        address=str(values["address"]),
        channel=Channel(str(values["channel"])),
        topic=str(values["topic"]),
        step=Step(str(values["step"])),
        how=How(str(values["how"])),
        source=str(values["source"]),
        locale=str(values["locale"]),
        at=from_ms(int(str(values["at"]))),
        word=str(values["word"]),
        wording=str(values["wording"]),
        detail=str(values.get("detail", "")),
    )
