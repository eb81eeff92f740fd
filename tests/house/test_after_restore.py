"""The operator's command after a restore, from its arguments and the logs to what it says."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.city import parse_city
from chalicelib.domain.consent import EVERYTHING, Leaving
from chalicelib.flows.services import Services
from chalicelib.store.subscriptions import Subscription
from infra.after_restore import cloud_lines, file_lines, leavings, local_services, main, services_of
from infra.functions import FUNCTIONS
from local import keyring
from local.clock import CityClock
from local.options import read_options
from tests.aws_tables import make_table
from tests.house.sources import ROOT
from tests.tables import sqlite_city

ONE = datetime(2026, 12, 1, 13, 0, tzinfo=UTC)
LINE = {"at": "2026-12-01T13:00:00Z", "level": "info", "from": "belfry", "said": "opted out", "address": "1.abc"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param(json.dumps(LINE), [Leaving("1.abc", ONE, EVERYTHING)], id="everything"),
        pytest.param(
            json.dumps({**LINE, "at": "2026-12-01T13:00:05.123Z", "its_at": LINE["at"]}), [Leaving("1.abc", ONE, EVERYTHING)], id="beside the line's own time"
        ),
        pytest.param(json.dumps({**LINE, "said": "left", "topic": "transit"}), [Leaving("1.abc", ONE, "transit")], id="one topic"),
        pytest.param(json.dumps({**LINE, "said": "text answered"}), [], id="another line"),
        pytest.param(json.dumps({**LINE, "said": "who opted out?"}), [], id="a line that speaks of it"),
        pytest.param(json.dumps(LINE)[:40], [], id="cut"),
        pytest.param('"opted out"', [], id="of another shape"),
        pytest.param('["opted out"]', [], id="a list"),
        pytest.param(json.dumps({**LINE, "at": "yesterday"}), [], id="of no moment"),
        pytest.param('{"said": "opted out"}', [], id="of nobody"),
        pytest.param("", [], id="empty"),
    ],
)
def test_who_left_is_read_from_lines_and_nothing_else_is(line: str, found: list[Leaving]) -> None:
    assert list(leavings([line, "START RequestId: 1", line])) == found * 2


def test_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(f"{name}\n".encode() + b"\xff\n")
    assert list(file_lines([tmp_path / "a.log", tmp_path / "b.log"])) == ["a.log\n", "\ufffd\n", "b.log\n", "\ufffd\n"]


class Logs:
    """CloudWatch as far as moto does not play it: groups and events in pages, filtered by time. The pattern is kept."""

    def __init__(self, groups: dict[str, list[tuple[datetime, str]]]) -> None:
        self.groups = groups
        self.patterns: set[str] = set()

    def get_paginator(self, name: str) -> Any:
        self.asked = name
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        if self.asked == "describe_log_groups":
            for name in sorted(self.groups):
                yield {"logGroups": [{"logGroupName": name}] if name.startswith(asked["logGroupNamePrefix"]) else []}
            return
        self.patterns.add(asked["filterPattern"])
        for at, message in self.groups[asked["logGroupName"]]:
            yield {"events": [{"message": message}] if at.timestamp() * 1000 >= asked["startTime"] else []}


def test_the_logs_of_every_function_of_the_stage_are_read_from_then_on() -> None:
    groups = {f"/aws/lambda/belfry-prod-{name}-X1": [(ONE.replace(hour=12), "old"), (ONE, f"{name}")] for name in FUNCTIONS}
    logs = Logs({**groups, "/aws/lambda/belfry-training-APIHandler-X1": [(ONE, "training")]})
    assert sorted(cloud_lines(logs, "/aws/lambda/belfry-prod-", since=ONE)) == sorted(FUNCTIONS)
    assert logs.patterns == {'{ $.said = "opted out" || $.said = "left" }'}


# --- a city on this machine, from its arguments to its rows ---------------------------------------------------------


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    CityClock(sqlite_city(tmp_path).file).begin(ONE)
    options = read_options({"STATE_DIR": str(tmp_path)})
    keyring.make_or_read(options.secrets_file, parse_city((ROOT / "city.toml").read_text("utf-8")))
    return local_services()


def follow(services: Services, number: str) -> str:
    store = services.store
    known = store.addresses.claim(Address(Channel.SMS, number), subscriber="5" * 32, verified=True)
    store.table.transact(store.subscriptions.join_writes(Subscription("5" * 32, "transit", Channel.SMS, known.hash, "en")))
    return known.hash


def test_the_whole_way_on_this_machine(city: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hash = follow(city, "+12025550101")
    (tmp_path / "app.log").write_text(json.dumps({**LINE, "address": hash}) + "\nsomething else\n")
    asked = ["--stage", "local", "--taken", "2026-12-01T12:00:00Z", "--by", "omar", "--log", str(tmp_path / "app.log")]
    assert main(asked) == 0
    [found] = city.store.addresses.read([hash])
    assert found and found.opted_out == ONE
    assert capsys.readouterr().out.splitlines() == [
        "1 opt-outs and 0 leavings since the backup are done again.",
        "0 posts and 0 letters were open then, and are left alone.",
        "0 deliveries were open then, and are unconfirmed now.",
        "0 broadcasts wait for review (reason: restored); none is sent before somebody decides.",
    ]
    assert [(one.who, one.what, one.why) for one in city.store.audit.of("restore")] == [("omar", "table.restored", "2026-12-01T12:00:00Z")]


WRONG = {
    "no table": (["--stage", "prod", "--taken", "2026-12-01T12:00:00Z", "--by", "o"], "--table"),
    "no log": (["--stage", "local", "--taken", "2026-12-01T12:00:00Z", "--by", "o"], "--log"),
    "nobody": (["--stage", "local", "--taken", "2026-12-01T12:00:00Z", "--log", "x"], "--by"),
}


@pytest.mark.parametrize(("asked", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_missing_is_said(asked: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(asked)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("taken", "log", "said"),
    [
        ("yesterday", "app.log", "such as 2026"),
        ("2996-12-01T12:00:00Z", "app.log", "ahead"),
        ("2026-12-01T12:00:00Z", "nowhere.log", "nowhere.log"),
    ],
    ids=["no moment", "a moment to come", "no such log"],
)
def test_what_cannot_be_read_is_said_in_a_line(city: Services, tmp_path: Path, taken: str, log: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.log").touch()
    assert main(["--stage", "local", "--taken", taken, "--by", "o", "--log", str(tmp_path / log)]) == 1
    assert said in capsys.readouterr().err


def test_no_city_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "none"))
    (tmp_path / "app.log").touch()
    assert main(["--stage", "local", "--taken", "2026-12-01T12:00:00Z", "--by", "o", "--log", str(tmp_path / "app.log")]) == 1
    assert "STATE_DIR" in capsys.readouterr().err


def test_a_deployed_stage_is_reached_by_its_names_and_the_table_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        keys = json.dumps(dict.fromkeys(("hash", "seal", "sign"), base64.b64encode(b"k" * 32).decode()))
        boto3.client("ssm").put_parameter(Name="/belfry-prod/keys", Value=keys, Type="SecureString")
        make_table(boto3.client("dynamodb"), "belfry-restored")
        services = services_of("prod", "belfry-restored")
        services.store.addresses.opt_out("1.abc", ONE)
        rows = boto3.client("dynamodb").scan(TableName="belfry-restored")["Items"]
    assert [row["pk"] for row in rows] == [{"S": "A#1.abc"}]
