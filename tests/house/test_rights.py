"""Rights and needs: the policies in `.chalice/policies` hold what each function does in a day of the city, and next to nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.functions import API, FUNCTIONS, SES_EVENTS, TICK, WORKERS
from tests.house.day import INDEX, SCREENS, SES, TABLE, Day, Right
from tests.house.sources import ROOT

FILES = {API: "api_handler", SES_EVENTS: "ses_events", TICK: "tick", **{worker.resource: worker.name for worker in WORKERS}}
QUEUES = {worker.queue_resource: worker.queue for worker in WORKERS}
OF_THE_MACHINERY = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
"""What Lambda does for a function, and what sending takes; other tests hold these."""

RESTORED = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${AWS::StackName}-restored*"
"""Where a city goes on after a restore: as good as its own table."""

ALWAYS: set[Right] = {("ssm:GetParameter", "keys")}
"""Wiring reads the keys before any function runs."""

ENDS_SUBSCRIPTIONS: set[Right] = {(f"dynamodb:{action}", TABLE) for action in ("GetItem", "Query", "PutItem", "DeleteItem")}

LEFT_SINCE_IT_WAS_COUNTED: set[Right] = {("dynamodb:DeleteItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)}
"""Whoever leaves a digest between its count and its planning is taken off its roster then."""

RARE: dict[str, set[Right]] = {
    # a job that runs out of time queues itself; a second page reads the broadcast again
    "FanOutUrgent": {("sqs:SendMessage", "fan-out-urgent"), ("dynamodb:GetItem", TABLE)},
    "FanOutRoutine": {("sqs:SendMessage", "fan-out-routine"), ("dynamodb:GetItem", TABLE), *LEFT_SINCE_IT_WAS_COUNTED},
    # a provider that says "later" has the batch queued again; one that says "opted out" ends all that goes to a number
    **{
        worker.resource: {("sqs:SendMessage", worker.queue)} | (ENDS_SUBSCRIPTIONS if "sms" in worker.name else set())
        for worker in WORKERS
        if worker.name.startswith("send_") and worker.name != "send_reply"
    },
    # a kiosk's queue seldom loses an answer
    "RecordReceipts": {("sqs:SendMessage", "kiosk-urgent"), ("sqs:SendMessage", "kiosk-routine")},
    # two fan-outs of one shard at once leave a page that nobody counts
    TICK: {("dynamodb:DeleteItem", TABLE)},
}
"""What no ordinary day brings, and a bad one may."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    lived = Day(tmp_path_factory.mktemp("day"))
    lived.live()
    return lived


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_every_right_that_it_makes_use_of(day: Day, function: str) -> None:
    assert day.notes.used[function] - granted(function, "prod") == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_no_right_that_it_never_makes_use_of(day: Day, function: str) -> None:
    needless = granted(function, "prod") - day.notes.used[function] - ALWAYS
    assert needless - RARE.get(function, set()) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_in_training_a_function_has_the_same_rights_but_for_providers(function: str) -> None:
    assert granted(function, "prod") - granted(function, "training") <= {("ses:SendBulkEmail", SES), ("ssm:GetParameter", "twilio")}
    assert granted(function, "training") <= granted(function, "prod")


def granted(function: str, stage: str) -> set[Right]:
    """What a policy file allows, in the words of the day."""
    return {
        (action, of) for statement in _policy(function, stage) for action in statement["Action"] if action not in OF_THE_MACHINERY for of in _things(statement)
    }


def _policy(function: str, stage: str) -> list[dict[str, Any]]:
    config = json.loads((ROOT / ".chalice/config.json").read_text("utf-8"))
    own = config["stages"][stage].get("lambda_functions", {}).get(FILES[function], {})
    file = own.get("iam_policy_file") or config["lambda_functions"][FILES[function]]["iam_policy_file"]
    statements: list[dict[str, Any]] = json.loads(Path(ROOT / ".chalice" / file).read_text("utf-8"))["Statement"]
    return statements


def _things(statement: dict[str, Any]) -> Iterator[str]:
    named = statement["Resource"]
    for one in named if isinstance(named, list) else [named]:
        yield _thing(one)


def _thing(resource: dict[str, Any]) -> str:
    if "Fn::GetAtt" in resource:
        name = resource["Fn::GetAtt"][0]
        return QUEUES.get(name, name)
    text = resource["Fn::Sub"][0] if isinstance(resource["Fn::Sub"], list) else resource["Fn::Sub"]
    text = text.replace(RESTORED, "${MainTable.Arn}")
    if text == "${MainTable.Arn}":
        return TABLE
    if text == "${MainTable.Arn}/index/open":
        return INDEX
    if text.endswith(":${AWS::StackName}-screen-*"):
        return SCREENS
    return SES if ":ses:" in text else str(text.rsplit("/", 1)[1])
