"""The template that CloudFormation gets: every function fed, watched and kept to its own rights."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.translator.transform import transform

from chalicelib.intake.hooks import binary_types
from chalicelib.logs import JsonLine
from chalicelib.settings import Stage, from_env
from chalicelib.state.queue import MOST_DELAY
from infra.build import Built
from infra.functions import FUNCTIONS, SECONDS, VISIBILITY, WORKERS
from infra.target import RUNTIME
from infra.watch import LOGGED, SAID_AT_THE_DOOR
from tests.house.sources import ROOT

pytestmark = pytest.mark.bundle

PROVIDER_ACTIONS = ("ses:", "sns:")
ANSWERS = {"PublicUrl": "https://alerts.example.gov", "TwilioNumber": "+15005550006", "EmailFrom": "alerts@example.gov"}

Template = dict[str, Any]


def of_type(template: Template, kind: str) -> dict[str, Template]:
    return {name: one["Properties"] for name, one in template["Resources"].items() if one.get("Type") == kind}


def statements(template: Template, function: str) -> list[Template]:
    role = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]
    [policy] = template["Resources"][role]["Properties"]["Policies"]
    found: list[Template] = policy["PolicyDocument"]["Statement"]
    return found


def actions(template: Template, function: str) -> set[str]:
    return {action for one in statements(template, function) for action in one["Action"]}


def resources(template: Template, function: str) -> Iterator[str]:
    for one in statements(template, function):
        yield from (json.dumps(resource) for resource in (one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]))


# --- functions and what feeds them -----------------------------------------------------------------------------------


def test_every_handler_of_the_app_is_a_function_of_the_template(template: Template) -> None:
    assert set(of_type(template, "AWS::Serverless::Function")) == set(FUNCTIONS)


def test_every_function_runs_on_the_chosen_runtime_and_architecture(template: Template) -> None:
    found = {(one["Runtime"], *one["Architectures"]) for one in of_type(template, "AWS::Serverless::Function").values()}
    assert found == {(RUNTIME, "arm64")}


def test_no_worker_outlives_the_lease_of_what_it_claimed(template: Template) -> None:
    assert {one["Timeout"] for name, one in of_type(template, "AWS::Serverless::Function").items() if name != "APIHandler"} == {SECONDS}
    assert SECONDS < 90


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_a_worker_is_fed_by_its_queue_and_gives_back_only_what_failed(template: Template, worker: Any) -> None:
    function = template["Resources"][worker.resource]["Properties"]
    [source] = [event["Properties"] for event in function["Events"].values()]
    queue = template["Resources"][worker.queue_resource]["Properties"]
    assert source["Queue"] == {"Fn::Sub": f"${{{worker.queue_resource}.Arn}}"}
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 2 <= source["ScalingConfig"]["MaximumConcurrency"] <= 1000
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": [worker.dead_resource, "Arn"]}, "maxReceiveCount": 5}
    assert template["Resources"][worker.dead_resource]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_queue_has_the_name_by_which_the_code_asks_for_it(template: Template) -> None:
    names = {one["QueueName"]["Fn::Sub"] for one in of_type(template, "AWS::SQS::Queue").values()}
    prefix = template["Globals"]["Function"]["Environment"]["Variables"]["QUEUE_PREFIX"]["Fn::Sub"]
    assert names == {f"{prefix}{worker.queue}{dead}" for worker in WORKERS for dead in ("", "-dead")}


def test_a_queue_hides_a_message_for_as_long_as_six_workers_may_take() -> None:
    assert VISIBILITY == 6 * SECONDS


def test_functions_are_given_every_setting_that_the_code_reads(template: Template) -> None:
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    values = {"SMS_PACE": "100", "EMAIL_PACE": "14", "STAGE": given["STAGE"]}
    settings = from_env({name: values.get(name, "x") for name in given})
    assert settings.stage in {Stage.PROD, Stage.TRAINING}
    assert settings.stage == given["STAGE"]


def test_no_function_is_pointed_at_a_stand_in(template: Template) -> None:
    given = template["Globals"]["Function"]["Environment"]["Variables"]
    assert not {"TWILIO_URL", "SES_URL", "STATE_FILE", "CITY"} & given.keys()


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_outlives_its_stack_and_can_be_brought_back(template: Template) -> None:
    table = template["Resources"]["MainTable"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


# --- rights ----------------------------------------------------------------------------------------------------------


def test_each_function_has_a_role_of_its_own(template: Template) -> None:
    roles = [one["Role"]["Fn::GetAtt"][0] for one in of_type(template, "AWS::Serverless::Function").values()]
    assert len(set(roles)) == len(roles) == len(of_type(template, "AWS::IAM::Role"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_right_is_given_on_everything(template: Template, function: str) -> None:
    assert not [action for action in actions(template, function) if "*" in action]
    assert not [one for one in resources(template, function) if one in {'"*"', '{"Fn::Sub": "*"}'}]
    assert all(one["Effect"] == "Allow" and set(one) == {"Sid", "Effect", "Action", "Resource"} for one in statements(template, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_to_its_own_log_alone(template: Template, function: str) -> None:
    [log] = [one["Resource"]["Fn::Sub"] for one in statements(template, function) if one["Sid"] == "WriteItsLog"]
    assert log.endswith(f":log-group:/aws/lambda/${{AWS::StackName}}-{function}-*:*")


@pytest.mark.parametrize("worker", WORKERS, ids=lambda worker: worker.name)
def test_a_worker_takes_messages_from_its_own_queue_alone(template: Template, worker: Any) -> None:
    taken = [one["Resource"] for one in statements(template, worker.resource) if "sqs:ReceiveMessage" in one["Action"]]
    assert taken == [{"Fn::GetAtt": [worker.queue_resource, "Arn"]}]


def test_the_provider_secret_is_read_only_by_what_calls_or_is_called_by_twilio(prod: Template) -> None:
    readers = {function for function in FUNCTIONS if any("/twilio" in one for one in resources(prod, function))}
    assert readers == {"APIHandler", "SendSmsUrgent", "SendSmsRoutine", "SendReply"}


def test_only_what_sends_email_may(prod: Template) -> None:
    assert {function for function in FUNCTIONS if "ses:SendBulkEmail" in actions(prod, function)} == {"SendEmailUrgent", "SendEmailRoutine", "SendReply"}


def test_only_the_hooks_read_the_secrets_of_sources(template: Template) -> None:
    assert {function for function in FUNCTIONS if any("/sources" in one for one in resources(template, function))} == {"APIHandler"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_training_has_no_right_that_reaches_a_provider(training: Template, function: str) -> None:
    assert not [action for action in actions(training, function) if action.startswith(PROVIDER_ACTIONS)]
    assert not [one for one in resources(training, function) if "/twilio" in one or "EmailSettings" in one]


def test_no_secret_is_in_the_template(template: Template) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["SECRETS"] == {"Fn::Sub": "ssm:/${AWS::StackName}"}
    assert not [name for name in variables if any(word in name for word in ("TOKEN", "KEY", "PASSWORD", "SECRET")) and name != "SECRETS"]


# --- who is told -----------------------------------------------------------------------------------------------------


def test_every_dead_letter_every_failing_function_and_every_urgent_wait_has_an_alarm(template: Template) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    watched = {(one["MetricName"], json.dumps(one.get("Dimensions", [{}])[0].get("Value"))) for one in alarms}
    assert {("ApproximateNumberOfMessagesVisible", json.dumps({"Fn::GetAtt": [worker.dead_resource, "QueueName"]})) for worker in WORKERS} <= watched
    assert {("Errors", json.dumps({"Ref": function})) for function in FUNCTIONS} <= watched
    urgent = [worker for worker in WORKERS if worker.urgent]
    assert {("ApproximateAgeOfOldestMessage", json.dumps({"Fn::GetAtt": [worker.queue_resource, "QueueName"]})) for worker in urgent} <= watched
    assert {one["AlarmActions"][0]["Ref"] for one in alarms} == {"AlarmTopic"}


def test_a_launch_may_lie_in_its_queue_as_long_as_it_is_queued_ahead_and_nothing_else_as_long(template: Template) -> None:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    waits = {name.removesuffix("QueueWaitsAlarm"): one["Threshold"] for name, one in alarms.items() if name.endswith("WaitsAlarm")}
    assert waits.pop("Launch") == MOST_DELAY + 180
    assert set(waits.values()) == {180}


def test_what_is_counted_in_logs_is_what_the_code_logs(template: Template) -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "chalicelib").rglob("*.py"))
    assert not [said for said in (*LOGGED, *SAID_AT_THE_DOOR) if f'("{said}"' not in sources]
    counted = {(one["LogGroupName"]["Ref"], one["FilterPattern"]) for one in of_type(template, "AWS::Logs::MetricFilter").values()}
    by_workers = {(f"{worker.resource}LogGroup", f'{{ $.said = "{said}" }}') for worker in WORKERS for said in LOGGED}
    assert counted == by_workers | {("ApiHandlerLogGroup", f'{{ $.said = "{said}" }}') for said in SAID_AT_THE_DOOR}
    line = JsonLine().format(logging.LogRecord("belfry", logging.ERROR, "", 1, "job failed", None, None))
    assert json.loads(line)["said"] == "job failed"


def test_every_function_keeps_its_log_for_a_month(template: Template) -> None:
    groups = of_type(template, "AWS::Logs::LogGroup").values()
    assert {one["LogGroupName"]["Fn::Sub"] for one in groups} == {f"/aws/lambda/${{{function}}}" for function in FUNCTIONS}
    assert {one["RetentionInDays"] for one in groups} == {30}


# --- the gateway -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "status"), [("MISSING_AUTHENTICATION_TOKEN", 404), ("REQUEST_TOO_LARGE", 413)])
def test_the_gateway_answers_in_problems(template: Template, kind: str, status: int) -> None:
    answer = template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"][kind]
    problem = json.loads(answer["ResponseTemplates"]["application/json"])
    assert answer["StatusCode"] == problem["status"] == status
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert answer["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"


def test_the_gateway_hands_binary_formats_over_as_bytes(template: Template) -> None:
    assert set(binary_types()) <= set(template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-binary-media-types"])


def test_the_api_is_regional(template: Template) -> None:
    assert template["Resources"]["RestAPI"]["Properties"]["EndpointConfiguration"] == "REGIONAL"


# --- would it deploy? ------------------------------------------------------------------------------------------------


@pytest.mark.package
def test_cfn_lint_finds_nothing(deployable: Built) -> None:
    done = subprocess.run([Path(sys.executable).with_name("cfn-lint"), deployable.template], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout


def test_the_template_is_within_what_cloudformation_takes(translated: Template) -> None:
    plain = json.dumps(translated)
    assert len(json.loads(plain)["Resources"]) < 500
    assert len(plain) < 1_000_000


@pytest.mark.package
@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto has never heard of alarms and of SES's settings, and leaves them out
def test_the_stack_comes_up(translated: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}.items():
        monkeypatch.setenv(name, value)
    plain = _without_api(translated)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="code")
        boto3.client("s3").put_object(Bucket="code", Key="bundle.zip", Body=b"PK\x05\x06" + bytes(18))
        stacks = boto3.client("cloudformation")
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in ANSWERS.items()]
        stacks.create_stack(StackName="belfry-prod", TemplateBody=json.dumps(plain), Parameters=parameters, Capabilities=["CAPABILITY_IAM"])
        assert stacks.describe_stacks()["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        fed = {one["EventSourceArn"].split(":")[-1]: one for one in boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]}
        assert fed.keys() == {f"belfry-prod-{worker.queue}" for worker in WORKERS}
        assert {tuple(one["FunctionResponseTypes"]) for one in fed.values()} == {("ReportBatchItemFailures",)}
        [table] = boto3.client("dynamodb").list_tables()["TableNames"]
        variables = boto3.client("lambda").list_functions()["Functions"][0]["Environment"]["Variables"]
        assert (variables["TABLE"], variables["QUEUE_PREFIX"], variables["STAGE"]) == (table, "belfry-prod-", "prod")


class _NoPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def translated(prod: Template) -> Template:
    """The template after the transform that AWS applies."""
    given = json.loads(json.dumps(prod))
    for one in of_type(given, "AWS::Serverless::Function").values():
        one["CodeUri"] = "s3://code/bundle.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        plain: Template = transform(given, dict(ANSWERS), _NoPolicies())
    return plain


def _without_api(template: Template) -> Template:
    """Moto reads no Swagger body."""
    kept = {name: one for name, one in template["Resources"].items() if not one["Type"].startswith("AWS::ApiGateway::") and "RestAPI" not in json.dumps(one)}
    outputs = {name: one for name, one in template["Outputs"].items() if "RestAPI" not in json.dumps(one)}
    return {**template, "Resources": kept, "Outputs": outputs}
