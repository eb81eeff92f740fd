"""Of a resident who was erased nothing is left but the keyed hash among those that must not be written to: a scan of every row, every queued body and
every line of the log, for any spelling of who they were.
"""

import base64
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from chalicelib.logs import JsonLine
from tests.engine.street import MAIL, NEW_PHONE, PHONE, Street, address_of

_SAID_OF_WHO_LEFT = frozenset({"opted out", "left"})
"""The lines by which a restored backup still knows who must not be written to."""


class Lines(logging.Handler):
    """Keeps what is logged, as it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLine())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """All that is logged, by us and by any library."""
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


def spellings(*values: str) -> set[str]:
    """Every way in which one of these may stand somewhere."""
    found: set[str] = set()
    for value in values:
        digits = re.sub(r"\D", "", value) if value.startswith("+") else ""
        plain = {value, *({digits, digits[1:], digits[-7:]} if digits else ())}
        for one in plain:
            packed = base64.b64encode(one.encode()).decode().rstrip("=")
            found |= {one, quote(one, safe=""), quote_plus(one), one.upper(), packed, packed.replace("+", "-").replace("/", "_"), one.encode().hex()}
    return found


def ids_of(street: Street, *addresses: str) -> set[str]:
    """The subscriber ids behind addresses."""
    known = [street.services.store.addresses.find(address_of(one)) for one in addresses]
    return {one.subscriber for one in known if one}


def left(street: Street, names: set[str], hashes: set[str]) -> list[str]:
    """What still knows of somebody. The row of an opt-out may have the hash as its key, and then says nothing but whether the provider blocks it too."""
    found = []
    for row in street.town.state.rows():
        text = f"{row.key.partition} {row.key.sort} {json.dumps(dict(row.values), ensure_ascii=False, default=sorted)}"
        own = row.key.sort == "ADDRESS" and row.key.partition.removeprefix("A#") in hashes
        if own and set(row.values) in ({"opted_out"}, {"opted_out", "blocked"}):
            continue
        found += [text] if any(name in text for name in names | hashes) else []
    return found


def told(lines: list[str], names: set[str], hashes: set[str]) -> list[str]:
    """Lines that name somebody; by their hash only those that say who left may."""
    return [
        line
        for line in lines
        if any(name in line for name in names) or (any(name in line for name in hashes) and json.loads(line)["said"] not in _SAID_OF_WHO_LEFT)
    ]


def a_life(street: Street) -> None:
    """Of somebody who texted, was signed up by a page for email, chose, got messages, asked for help, and moved."""
    street.text("JOIN transit")
    street.text("HELP")
    street.text("what is this")
    street.submit("/join", [("topic", "transit"), ("topic", "jobs"), ("email", MAIL), ("phone", PHONE), ("language", "es")])
    street.town.work()
    street.submit(street.opened())
    street.text("YES")
    street.submit(street.link(MAIL), [("topic-email", "transit"), ("topic-email", "jobs"), ("digest", "daily"), ("digest-hour", "8"), ("language", "es")])
    street.town.settle(street.town.broadcast("transit"), street.town.broadcast("jobs", urgent=True))
    street.town.deliver_receipts()
    street.submit("/join", [("topic", "events"), ("email", MAIL), ("language", "es")])
    street.clock.advance(timedelta(hours=25))
    street.submit("/join", [("topic", "events"), ("email", MAIL), ("phone", PHONE), ("language", "es")])
    street.submit(street.link(PHONE, "/move"), [("to", NEW_PHONE)])
    street.town.work()
    street.text("YES", phone=NEW_PHONE)
    street.town.settle(street.town.broadcast("transit", title="Again"))
    street.text("HELP", phone=NEW_PHONE)


def erased(street: Street, *at: str) -> None:
    """By the links of these addresses; then the last worker has ended, and the sweep looks again."""
    for to in at:
        assert street.submit(street.link(to, "/erase"), [("sure", "yes")]).status == 200
    street.town.work()
    street.clock.advance(timedelta(minutes=20))
    street.town.tick()
    street.town.work()
    street.town.tick()


@pytest.mark.parametrize("last_word", ["HELP", "STOP"])
def test_nothing_is_left_in_table_queues_and_log(tmp_path: Path, lines: list[str], last_word: str) -> None:
    street = Street(tmp_path)
    a_life(street)
    street.text(last_word, phone=NEW_PHONE)
    everybody = (PHONE, NEW_PHONE, MAIL)
    names = spellings(*everybody, *ids_of(street, *everybody))
    hashes = {street.services.store.vault.hash(address_of(one)) for one in everybody}
    assert len(left(street, names, hashes)) > 30, "the scanner sees what is there"
    erased(street, NEW_PHONE, MAIL)
    assert left(street, names, hashes) == []
    assert [body for body in street.town.notes.bodies if any(name in body for name in names | hashes)] == []
    assert told(lines, names, hashes) == []
    assert lines


def test_a_move_that_was_asked_for_is_forgotten_with_whoever_asked(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.submit(street.link(PHONE, "/move"), [("to", NEW_PHONE)])
    street.town.work()
    [old] = ids_of(street, PHONE)
    erased(street, PHONE)
    assert left(street, {old}, set()) == []
    street.text("YES", phone=NEW_PHONE)
    assert street.follows(NEW_PHONE) == {}


def test_whoever_moved_is_forgotten_on_the_number_they_left_but_not_whoever_has_it_now(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.submit(street.link(PHONE, "/move"), [("to", NEW_PHONE)])
    street.town.work()
    street.text("YES", phone=NEW_PHONE)
    street.text("START")
    street.text("JOIN jobs")
    new = ids_of(street, NEW_PHONE)
    erased(street, NEW_PHONE)
    assert street.follows(PHONE) == {"jobs": "en"}
    assert not street.opted_out(PHONE)
    assert left(street, new, set()) == []


def test_whoever_is_erased_on_the_old_number_is_not_named_beside_the_new_one(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.submit(street.link(PHONE, "/move"), [("to", NEW_PHONE)])
    street.town.work()
    street.text("YES", phone=NEW_PHONE)
    old = ids_of(street, PHONE)
    erased(street, PHONE)
    assert left(street, old, set()) == []
    assert street.follows(NEW_PHONE) == {"transit": "en"}


def test_a_text_that_is_delivered_again_after_that_joins_nobody_and_says_nothing(tmp_path: Path) -> None:
    street = Street(tmp_path)
    sids = {"JOIN transit": "SM" + "1" * 32, "LANG es": "SM" + "2" * 32, "YES": "SM" + "3" * 32}
    street.text("JOIN transit", sid=sids["JOIN transit"])
    street.text("LANG es", sid=sids["LANG es"])
    street.submit("/join", [("topic", "jobs"), ("phone", PHONE), ("language", "en")])
    street.town.work()
    street.text("YES", sid=sids["YES"])
    assert set(street.follows()) == {"transit", "jobs"}
    erased(street, PHONE)
    said = {text: street.texts(text, sid=sid) for text, sid in sids.items()}
    assert (said["JOIN transit"], said["LANG es"]) == ([], [])
    assert (street.follows(), street.opted_out(), ids_of(street, PHONE)) == ({}, True, {""})
    kept = [row for row in street.town.state.rows() if row.key.partition in {f"IN#{sid}" for sid in sids.values()}]
    assert sorted(len(row.values) for row in kept) == [2, 2, 3], "when, until when, and of the YES, which the ledger does not name, the answer"
    street.text("JOIN transit")
    assert street.follows() == {"transit": "en"}


@pytest.mark.parametrize("texts", [["JOIN transit"], ["START", "1"]], ids=["a topic", "start"])
def test_a_phone_comes_back_with_a_text_and_is_new(tmp_path: Path, texts: list[str]) -> None:
    street = Street(tmp_path)
    street.text("JOIN jobs")
    before = ids_of(street, PHONE)
    erased(street, PHONE)
    for text in texts:
        street.text(text)
    assert street.follows() == {"transit": "en"}
    assert not ids_of(street, PHONE) & before


def test_an_email_address_comes_back_by_the_page(tmp_path: Path) -> None:
    street = Street(tmp_path)
    for _ in range(2):
        street.submit("/join", [("topic", "transit"), ("email", MAIL), ("language", "en")])
        street.town.work()
        street.submit(street.opened())
        assert [one.topic for one in street.followed(MAIL)] == ["transit"]
        erased(street, MAIL)
        assert street.followed(MAIL) == []
        street.clock.advance(timedelta(days=1))
