"""The operator's command for subscribers, on a city of this machine: in, out, into another city, and after a restore."""

import csv
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import parse_city
from chalicelib.domain.consent import Consent, How, Step
from chalicelib.domain.exporting import Exported, OptedOut, proof_of
from chalicelib.domain.filters import Facility, Filters
from chalicelib.domain.importing import Wrong
from chalicelib.domain.preferences import Digest, Preferences
from chalicelib.feeds.csv_out import opt_out_cells
from chalicelib.feeds.opt_outs_csv import read_opt_outs_csv
from chalicelib.flows.export_subscribers import export_subscribers
from chalicelib.flows.services import Services
from chalicelib.store.subscriptions import Subscription, person_row
from infra.after_restore import local_services
from infra.subscribers import cloud_rows, main
from local import keyring
from local.clock import CityClock
from tests.aws_tables import make_table
from tests.feeds.subscribers import HEADER, KINDS, WORDS, a_row, phone, text_of
from tests.house.sources import ROOT
from tests.tables import sqlite_city

ONE = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
Founding = Callable[[str], Services]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Founding:
    """A city of its own by a name; the command's from then on."""

    def make(name: str) -> Services:
        place = tmp_path / name
        if not place.exists():
            place.mkdir()
            CityClock(sqlite_city(place).file).begin(ONE)
            keyring.make_or_read(place / "secrets.json", parse_city((ROOT / "city.toml").read_text("utf-8")))
        monkeypatch.setenv("STATE_DIR", str(place))
        return local_services()

    return make


def run(*asked: str, by: str = "omar") -> int:
    return main([*asked, "--stage", "local", *(["--by", by] if by else [])])


def everybody(services: Services, *numbers: int) -> set[Any]:
    """What they follow, without the ids that are new in each city and the moment since which they follow it there."""
    found = set()
    for number in numbers:
        for address in (Address(Channel.SMS, phone(number)), Address(Channel.EMAIL, f"p{number}@example.org")):
            known = services.store.addresses.find(address)
            for one in services.store.subscriptions.of(known.subscriber, address.channel) if known and known.subscriber else ():
                found.add((address.value, known and known.verified, replace(one, subscriber="", address="", rhythm=())))
    return found


ROWS = [
    a_row(1, email="p1@example.org", topics="transit;jobs"),
    a_row(2, topics="events", areas="harbor", zone="America/Chicago", quiet_from="21:00", quiet_until="07:00", language="es"),
    a_row(3, filters='{"facilities": ["elevator"], "severity": "severe"}', preferences='{"digest": "weekly", "digest_day": 4}', consent_proof="=12"[1:]),
    a_row(4, consent_words='- I said "yes, please",\nall of you; even +1s'),
]


def imported(tmp_path: Path, *rows: dict[str, str], name: str = "in.csv") -> str:
    (tmp_path / name).write_text(text_of(rows or ROWS, header=(*HEADER, "person", "filters", "preferences")), "utf-8")
    return str(tmp_path / name)


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


# --- in --------------------------------------------------------------------------------------------------------------


def test_a_check_says_all_and_writes_nothing_and_an_import_writes_once(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = found("a")
    file = Path(imported(tmp_path))
    file.write_text(file.read_text("utf-8") + KINDS["a language that nobody speaks here"].make(9).strip("\r\n") + ",,,\r\n", "utf-8")
    assert run("check", str(file), by="") == 2
    said = capsys.readouterr().out
    assert "line 7, language: unknown_language: " in said
    assert "5 rows, 4 of them good: 7 subscriptions would be written; nothing is yet." in said
    assert everybody(city, 1, 2, 3, 4) == set()
    assert run("import", str(file)) == 2
    assert "7 subscriptions written." in capsys.readouterr().out
    assert len(everybody(city, 1, 2, 3, 4)) == 7
    assert [one.who for one in city.store.audit.of("subscribers")] == ["omar", "omar"]


def test_a_file_with_nothing_wrong_is_all_well_twice(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found("a")
    assert [run("import", imported(tmp_path)) for _ in range(2)] == [0, 0]
    assert capsys.readouterr().out.splitlines()[-2:] == ["4 rows, 0 of them good: 0 subscriptions written.", "  already: 5"]


def test_a_file_that_cannot_be_read_is_refused_in_a_line(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = found("a")
    (tmp_path / "in.csv").write_bytes(text_of([a_row(1), a_row(2, consent_proof="ñ")]).encode("cp1252"))
    assert run("import", str(tmp_path / "in.csv")) == 1
    told = capsys.readouterr().err
    assert "Line 3: This line is not UTF-8." in told and "Nothing of the file was taken." in told
    assert everybody(city, 1) == set()


# --- out, and into another city --------------------------------------------------------------------------------------


def test_what_one_city_gives_another_takes_whole(found: Founding, tmp_path: Path) -> None:
    first = found("a")
    run("import", imported(tmp_path))
    out = tmp_path / "out.csv"
    assert run("export", str(out)) == 0
    wanted = everybody(first, 1, 2, 3, 4)
    second = found("b")
    assert run("import", str(out)) == 0
    assert everybody(second, 1, 2, 3, 4) == wanted
    assert len(wanted) == 7
    [both] = {one.subscriber for one in second.store.subscriptions.of(_subscriber(second, Address(Channel.SMS, phone(1))))}
    assert both == _subscriber(second, Address(Channel.EMAIL, "p1@example.org")), "one person stays one"
    entries = second.store.consents.of(_subscriber(second, Address(Channel.SMS, phone(4))))
    assert [second.store.consents.wording(one.wording) for one in entries] == ['- I said "yes, please",\nall of you; even +1s']
    assert json.loads(entries[0].detail)["proof"] == {"at": "2025-03-01T05:00:00Z", "how": "paper", "reference": "form 4"}
    again = tmp_path / "again.csv"
    assert run("export", str(again)) == 0
    ours, theirs = ([{**row, "person": ""} for row in lines(file)] for file in (out, again))
    assert sorted(ours, key=str) == sorted(theirs, key=str)


def _subscriber(services: Services, address: Address) -> str:
    known = services.store.addresses.find(address)
    assert known
    return known.subscriber


def test_the_ledger_goes_into_a_file_of_its_own(found: Founding, tmp_path: Path) -> None:
    city = found("a")
    run("import", imported(tmp_path, a_row(1)))
    subscriber = _subscriber(city, Address(Channel.SMS, phone(1)))
    hash = city.store.vault.hash(Address(Channel.SMS, phone(1)))
    left = Consent(subscriber, hash, Channel.SMS, "transit", Step.LEFT, How.KEYWORD, "SM1", "en", ONE + timedelta(hours=1), word="=LEAVE")
    city.store.table.transact([city.store.consents.add_write(left)])
    run("export", str(tmp_path / "out.csv"))
    rows = lines(tmp_path / "out.consents.csv")
    told = sorted((row["step"], row["how"], row["phone"], row["words"], row["keyword"], row["address_hash"]) for row in rows)
    assert told == [("joined", "import", phone(1), WORDS, "", hash), ("left", "keyword", phone(1), "", "'=LEAVE", hash)]


def test_what_leaves_is_for_its_owner_alone_and_overwrites_nothing(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = found("a")
    run("import", imported(tmp_path, a_row(1)))
    assert run("export", str(tmp_path / "out.csv")) == 0
    for name in ("out.csv", "out.consents.csv"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert run("export", str(tmp_path / "out.csv")) == 1
    assert "out.csv" in capsys.readouterr().err
    told = [(one.what, one.why) for one in city.store.audit.of("subscribers")][2:]
    assert sorted(told) == [("subscribers.export_begun", ""), ("subscribers.exported", "1 subscriptions, 1 entries of the ledger")]


def test_rows_leave_as_they_are_read(found: Founding, tmp_path: Path) -> None:
    city = found("a")
    run("import", imported(tmp_path, a_row(1)))
    row = person_row(city.store.subscriptions.of(_subscriber(city, Address(Channel.SMS, phone(1))))[0])
    first = next(export_subscribers(repeat(row), by="omar", services=city))
    assert isinstance(first, Exported) and first.address.value == phone(1)


def test_screens_and_the_erased_do_not_leave(found: Founding, tmp_path: Path) -> None:
    city = found("a")
    screen = city.store.addresses.claim(Address(Channel.KIOSK, "pier"), subscriber="1" * 32, verified=True)
    for subscriber, channel, address in (("1" * 32, Channel.KIOSK, screen.hash), ("2" * 32, Channel.SMS, "1.gone")):
        city.store.table.put(person_row(Subscription(subscriber, "transit", channel, address, "en")))
    run("export", str(tmp_path / "out.csv"))
    assert lines(tmp_path / "out.csv") == []


def test_who_joined_by_text_leaves_with_the_sentence_that_answered() -> None:
    entry = Consent("s", "1.a", Channel.SMS, "transit", Step.JOINED, How.KEYWORD, "SM1", "en", ONE, detail='{"preferences": {}}')
    assert (proof_of(entry, "You joined.").how, proof_of(entry, "You joined.").reference) == ("text", "SM1")
    for detail in ("", "{}", '{"proof": {"at": "soon", "how": "web"}}'):
        assert proof_of(replace(entry, how=How.IMPORT, detail=detail), "x").how == "other"


# --- who said stop ---------------------------------------------------------------------------------------------------


def stop(services: Services, number: int, at: datetime = ONE) -> str:
    hash = services.store.vault.hash(Address(Channel.SMS, phone(number)))
    services.store.addresses.opt_out(hash, at)
    return hash


def test_opt_outs_go_out_apart_and_come_back_into_a_city_that_forgot_them(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = found("a")
    run("import", imported(tmp_path))
    stopped, erased = stop(first, 1), stop(first, 99)
    assert run("opt-outs", str(tmp_path / "stops.csv")) == 0
    rows = {row["hash"]: row for row in lines(tmp_path / "stops.csv")}
    assert rows == {
        stopped: {"hash": stopped, "channel": "sms", "at": "2026-12-01T13:00:00Z", "phone": phone(1), "email": ""},
        erased: {"hash": erased, "channel": "", "at": "2026-12-01T13:00:00Z", "phone": "", "email": ""},
    }
    second = found("b")
    run("import", imported(tmp_path))
    capsys.readouterr()
    for told in ("2 stopped, 0 were already, 0 came back", "0 stopped, 2 were already, 0 came back"):
        assert run("opt-outs", str(tmp_path / "stops.csv"), "--read") == 0
        assert told in capsys.readouterr().out
    known = second.store.addresses.find(Address(Channel.SMS, phone(1)))
    assert known and known.opted_out == ONE, "another city's keys know the address by another hash"
    assert {one[0] for one in everybody(second, 1)} == {"p1@example.org"}
    assert run("import", imported(tmp_path)) == 2
    assert "opted_out: 1" in capsys.readouterr().out
    assert [one.what for one in second.store.audit.of("subscribers") if one.what.startswith("opt")] == ["opt_outs.read"] * 2


@pytest.mark.parametrize(("how", "told"), [(How.KEYWORD, "1 came back"), (How.WEB, "1 came back"), (How.IMPORT, "1 stopped"), (How.SEED, "1 stopped")])
def test_who_came_back_by_their_own_act_is_left_alone(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: How, told: str) -> None:
    city = found("a")
    run("import", imported(tmp_path, a_row(1)))
    address = Address(Channel.SMS, phone(1))
    hash, subscriber = city.store.vault.hash(address), _subscriber(city, address)
    (tmp_path / "stops.csv").write_text(f"hash,at\n{hash},2026-11-30T13:00:00Z\n")
    entry = Consent(subscriber, hash, Channel.SMS, "transit", Step.RESTORED, how, "SM1", "en", ONE)
    city.store.table.transact([city.store.consents.add_write(entry)])
    capsys.readouterr()
    run("opt-outs", str(tmp_path / "stops.csv"), "--read")
    assert told in capsys.readouterr().out
    assert bool(everybody(city, 1)) == (told == "1 came back")


def test_who_came_back_after_the_same_file_was_read_stays(found: Founding, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = found("a")
    hash = stop(city, 1)
    (tmp_path / "stops.csv").write_text(f"hash,at\n{hash},2026-11-30T13:00:00Z\n")
    city.store.addresses.prove_good(hash)
    city.store.addresses.heed_opt_out(hash, "log:1796043600000", ONE)
    known = city.store.addresses.claim(Address(Channel.SMS, phone(1)), subscriber="1" * 32, verified=True)
    city.store.table.transact([city.store.addresses.welcome_write(known)])
    run("opt-outs", str(tmp_path / "stops.csv"), "--read")
    assert "1 came back" in capsys.readouterr().out


def test_no_stop_is_ever_undone_or_moved(found: Founding, tmp_path: Path) -> None:
    city = found("a")
    hash = stop(city, 1, ONE - timedelta(days=9))
    (tmp_path / "stops.csv").write_text(f"hash,at\n{hash},2026-11-30T13:00:00Z\n")
    run("opt-outs", str(tmp_path / "stops.csv"), "--read")
    [known] = city.store.addresses.read([hash])
    assert known and known.opted_out == ONE - timedelta(days=9)


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        (",,,,", "", ""),
        ("1.abc,sms,2026-11-30T13:00:00Z,,", "hash", "no_hash"),
        (",sms,2026-11-30T13:00:00Z,,", "hash", "no_hash"),
        (",sms,2026-11-30T13:00:00Z,call me,", "phone", "invalid_phone"),
        (",email,2026-11-30T13:00:00Z,,ana", "email", "invalid_email"),
        (",sms,last year,+12025550142,", "at", "invalid_time"),
        (",sms,2031-01-01T00:00:00Z,+12025550142,", "at", "in_the_future"),
        (",sms,=NOW(),+12025550142,", "at", "formula"),
        (',sms,"2026,+12025550142,', "", "open_quote"),
    ],
)
def test_an_opt_out_that_cannot_be_read_is_named(line: str, column: str, code: str, found: Founding, tmp_path: Path, capsys: Any) -> None:
    data = f"hash,channel,at,phone,email\n{line}\n".encode()
    said = [(one.column, one.code) for one in read_opt_outs_csv(lambda: [data], now=ONE) if isinstance(one, Wrong)]
    assert said == ([(column, code)] if code else [])
    found("a")
    (tmp_path / "stops.csv").write_bytes(data)
    assert run("opt-outs", str(tmp_path / "stops.csv"), "--read") == (2 if code else 0)
    assert code in capsys.readouterr().out


@pytest.mark.parametrize(
    "said",
    [
        *(OptedOut("1." + "a" * 40, ONE, Channel.EMAIL, Address(Channel.EMAIL, one)) for one in ("a@example.org", "=1+2@example.org")),
        OptedOut("1." + "a" * 40, ONE, Channel.SMS, Address(Channel.SMS, phone(1))),
        OptedOut("1." + "a" * 40, ONE),
    ],
)
def test_an_opt_out_is_read_as_it_was_written(said: OptedOut) -> None:
    data = ("hash,channel,at,phone,email\n" + ",".join(opt_out_cells(said)) + "\n").encode()
    assert list(read_opt_outs_csv(lambda: [data], now=ONE)) == [(2, said)]


@pytest.mark.parametrize("text", ["", "hash,channel\n", "at,phone\n", '"hash', "\xff\xfe"], ids=["empty", "no time", "no hash", "open", "no text"])
def test_a_file_of_opt_outs_that_says_too_little_is_refused(found: Founding, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    found("a")
    (tmp_path / "stops.csv").write_bytes(text.encode("latin-1"))
    assert run("opt-outs", str(tmp_path / "stops.csv"), "--read") == 1
    assert "Nothing of the file was taken." in capsys.readouterr().err


# --- the command -----------------------------------------------------------------------------------------------------

WRONG = {
    "no table": (["check", "x", "--stage", "prod"], "--table"),
    "nobody": (["import", "x", "--stage", "local"], "--by"),
    "reading an export": (["export", "x", "--read", "--stage", "local", "--by", "o"], "--read"),
    "nothing to do": (["erase", "x"], "invalid choice"),
}


@pytest.mark.parametrize(("asked", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_missing_is_said(asked: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(asked)
    assert said in capsys.readouterr().err


def test_no_city_and_no_file_are_said(tmp_path: Path, found: Founding, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found("a")
    assert run("check", str(tmp_path / "nowhere.csv")) == 1
    assert "nowhere.csv" in capsys.readouterr().err
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "none"))
    assert run("check", "x") == 1
    assert "STATE_DIR" in capsys.readouterr().err


def test_every_row_of_a_table_on_aws_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    chosen = Subscription("1" * 32, "transit", Channel.SMS, "1.a", "en", Preferences(digest=Digest.DAILY), Filters(facilities=frozenset({Facility.ELEVATOR})))
    row = person_row(chosen)
    with mock_aws():
        client = boto3.client("dynamodb")
        make_table(client, "belfry-x")
        client.put_item(TableName="belfry-x", Item={"pk": {"S": row.key.partition}, "sk": {"S": row.key.sort}, "chosen": {"S": str(row.values["chosen"])}})
        [found] = cloud_rows(client, "belfry-x")
    assert (found.key, found.values) == (row.key, {"chosen": row.values["chosen"]})
