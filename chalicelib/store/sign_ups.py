"""Sign-ups that wait for a yes: `UP#<id>` / `SIGN-UP`. For a phone, `A#<hash>` / `ASKED` names the one that was asked for last: the one that YES is about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.consent import How
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import from_ms, to_ms
from chalicelib.state.table import Absent, Change, Delete, Exists, Key, Lacks, Put, Row, Table, Update, Values, Write

VALID = timedelta(hours=48)
VALID_BY_TEXT = timedelta(hours=24)
_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class SignUp:
    """Topics that somebody asked for on a page or at a counter, for an address that is still to be proven theirs.

    `wording` is the id of the sentence that a yes agrees to, where it is known already; `proof` is what staff wrote down of the yes they were given.
    `instead_of`: the subscriber that this address is to take the place of, and `carried` what they had chosen, by topic, as a ledger's entry keeps it.
    `beside`: the subscriber that this address is to belong to, so that a number and an email address share one page; `digits` are the number's last."""

    id: str
    address: str
    subscriber: str
    topics: tuple[str, ...]
    locale: str
    at: datetime
    confirmed: bool = False
    channel: Channel = Channel.EMAIL
    how: How = How.WEB
    wording: str = ""
    proof: Mapping[str, Json] = field(default_factory=dict)
    instead_of: str = ""
    carried: Mapping[str, str] = field(default_factory=dict)
    beside: str = ""
    digits: str = ""

    def is_valid(self, now: datetime) -> bool:
        """Whether a yes still counts."""
        return now - self.at < (VALID_BY_TEXT if self.channel is Channel.SMS else VALID)

    @property
    def detail(self) -> str:
        """What the ledger of consent keeps of the proof."""
        return json.dumps({"proof": dict(self.proof)}, ensure_ascii=False, sort_keys=True) if self.proof else ""


@dataclass(frozen=True)
class Asked:
    """What a phone was asked last: about which sign-up, and at which turn of the talk with it."""

    sign_up: str
    turn: int


@dataclass(frozen=True)
class SignUps:
    """Reads and writes sign-ups."""

    table: Table

    def get(self, name: str) -> SignUp | None:
        """The sign-up of this id."""
        found = self.table.get(sign_up_key(name))
        return read_sign_up(name, found) if found else None

    def waiting(self, address: str, now: datetime) -> SignUp | None:
        """The sign-up of a phone, by its hash, that a YES would be about: the last one it was asked about, unless that was confirmed, or its 24 hours
        are over."""
        asked = self.asked(address)
        found = self.get(asked.sign_up) if asked else None
        return found if found and not found.confirmed and found.is_valid(now) and found.address == address else None

    def asked(self, address: str) -> Asked | None:
        """What a phone was asked last."""
        return read_asked(address, {asked_key(address): self.table.get(asked_key(address)) or {}})

    def ask(self, sign_up: SignUp, turn: int) -> None:
        """This phone was asked about this sign-up: from here on a YES is about it."""
        change = Change(set={"sign_up": sign_up.id, "turn": turn, "ttl": round((sign_up.at + _KEPT).timestamp())})
        self.table.update(asked_key(sign_up.address), change)

    def put_write(self, sign_up: SignUp) -> Write:
        """The write that keeps a sign-up, for a transaction."""
        values: Values = {
            "address": sign_up.address,
            "subscriber": sign_up.subscriber,
            "topics": list(sign_up.topics),
            "locale": sign_up.locale,
            "at": to_ms(sign_up.at),
            "channel": str(sign_up.channel),
            "how": str(sign_up.how),
            "wording": sign_up.wording,
            "ttl": round((sign_up.at + _KEPT).timestamp()),
            **({"proof": json.dumps(dict(sign_up.proof), ensure_ascii=False)} if sign_up.proof else {}),
            **({"instead_of": sign_up.instead_of, "carried": json.dumps(dict(sign_up.carried), ensure_ascii=False)} if sign_up.instead_of else {}),
            **({"beside": sign_up.beside, "digits": sign_up.digits} if sign_up.beside else {}),
        }
        return Put(Row(sign_up_key(sign_up.id), values), expect=Absent())

    def confirm_write(self, name: str) -> Write:
        """The write that uses a sign-up up, for a transaction: refused the second time. Whose place it took, or whose page it shares, it forgets."""
        return Update(sign_up_key(name), Change(set={"confirmed": True}, remove=("instead_of", "carried", "beside", "digits")), expect=Lacks("confirmed"))

    def turn_write(self, name: str, locale: str) -> Write:
        """The write that has a sign-up go on in another language, for a transaction."""
        return Update(sign_up_key(name), Change(set={"locale": locale}), expect=Exists())

    def decline_write(self, address: str) -> Write:
        """The write that makes a phone's NO true, for a transaction: it is asked about nothing any more, nor reminded."""
        return Delete(asked_key(address))


def sign_up_key(name: str) -> Key:
    """Where a sign-up is kept."""
    return Key(f"UP#{name}", "SIGN-UP")


def asked_key(address: str) -> Key:
    """Where it is kept what a phone was asked last."""
    return Key(f"A#{address}", "ASKED")


def read_asked(address: str, rows: Mapping[Key, Values]) -> Asked | None:
    """What a phone was asked last, among rows already read."""
    found = rows.get(asked_key(address), {})
    return Asked(str(found["sign_up"]), int(str(found.get("turn", 0)))) if "sign_up" in found else None


def read_sign_up(name: str, values: Values) -> SignUp:
    """The sign-up that a row holds."""
    topics = values["topics"]
    return SignUp(
        id=name,
        address=str(values["address"]),
        subscriber=str(values["subscriber"]),
        topics=tuple(str(one) for one in topics) if isinstance(topics, list) else (),
        locale=str(values["locale"]),
        at=from_ms(int(str(values["at"]))),
        confirmed=bool(values.get("confirmed")),
        channel=Channel(str(values.get("channel", Channel.EMAIL))),
        how=How(str(values.get("how", How.WEB))),
        wording=str(values.get("wording", "")),
        proof=json.loads(str(values.get("proof", "{}"))),
        instead_of=str(values.get("instead_of", "")),
        carried=json.loads(str(values.get("carried", "{}"))),
        beside=str(values.get("beside", "")),
        digits=str(values.get("digits", "")),
    )
