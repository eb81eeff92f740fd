"""A straight client says what botocore's own would say, and hears what it would hear; where botocore is made otherwise, its own is taken."""

import importlib
import json
import sys
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.serialize
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.serialize import JSONSerializer
from moto import mock_aws

from chalicelib.errors import WriteRefused
from chalicelib.state import straight
from chalicelib.state.attributes import read_attribute
from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.straight import _is_straight, straight_client
from chalicelib.state.table import Absent, Key, Row
from tests.aws_tables import make_table

WHERE = {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
CALLS = [
    pytest.param("dynamodb", "put_item", {"TableName": "t", "Item": {**KEY, "n": {"N": "1"}, "l": {"L": [{"S": "خط"}, {"BOOL": True}]}}}, id="a row"),
    pytest.param("dynamodb", "put_item", {"TableName": "t", "Item": {**KEY, "raw": {"B": b"\x00\xff"}}}, id="a row with bytes"),
    pytest.param("dynamodb", "batch_get_item", {"RequestItems": {"t": {"Keys": [KEY], "ConsistentRead": True}}}, id="rows to read"),
    pytest.param("sqs", "send_message_batch", {"QueueUrl": "https://q/1", "Entries": [{"Id": "0", "MessageBody": "x", "DelaySeconds": 5}]}, id="messages"),
    pytest.param("sesv2", "send_bulk_email", {"DefaultContent": {"Template": {"TemplateData": "{}"}}, "BulkEmailEntries": [{"Destination": {}}]}, id="emails"),
    pytest.param("ssm", "get_parameter", {"Name": "n", "WithDecryption": True}, id="a secret"),
]


def heard(client: Any, call: str, asked: dict[str, Any], *, status: int = 200, answer: object = None) -> tuple[Any, Any]:
    """The request that a call makes, and what it returns for an answer."""
    seen = []

    def reply(request: Any, **_: Any) -> AWSResponse:
        seen.append(request)
        raw = BytesIO(json.dumps(answer or {}).encode())
        return AWSResponse(request.url, status, {}, SimpleNamespace(stream=lambda: [raw.read()]))

    client.meta.events.register("before-send", reply)
    try:
        made = getattr(client, call)(**asked)
    except ClientError as error:
        made = error.response
    return seen[0], made


@pytest.mark.parametrize(("service", "call", "asked"), CALLS)
def test_the_request_is_the_one_that_botocore_makes(service: str, call: str, asked: dict[str, Any]) -> None:
    ours, _ = heard(straight_client(service, Config(), **WHERE), call, asked)
    theirs, _ = heard(boto3.client(service, **WHERE), call, asked)
    said = [(one.method, one.url, one.body, one.headers.get("X-Amz-Target"), one.headers.get("Content-Type")) for one in (ours, theirs)]
    assert said[0] == said[1]
    assert {name for name in theirs.headers if name.lower().startswith("x-amzn")} == {name for name in ours.headers if name.lower().startswith("x-amzn")}
    assert "Signature=" in ours.headers["Authorization"].decode()


def test_an_answer_comes_as_it_is_and_reads_the_same() -> None:
    item = {**KEY, "n": {"N": "1"}, "m": {"M": {"raw": {"B": "AP8="}}}, "s": {"SS": ["x"]}}
    _, ours = heard(straight_client("dynamodb", Config(), **WHERE), "get_item", {"TableName": "t", "Key": KEY}, answer={"Item": item})
    _, theirs = heard(boto3.client("dynamodb", **WHERE), "get_item", {"TableName": "t", "Key": KEY}, answer={"Item": item})
    read = [{name: read_attribute(one) for name, one in made["Item"].items()} for made in (ours, theirs)]
    assert read[0] == read[1] == {"pk": "a", "sk": "b", "n": 1, "m": {"raw": b"\x00\xff"}, "s": frozenset({"x"})}


def test_an_error_is_read_as_botocore_reads_it() -> None:
    refused = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no", "Item": {**KEY, "n": {"N": "1"}}}
    asked = {"TableName": "t", "Item": KEY}
    _, ours = heard(straight_client("dynamodb", Config(), **WHERE), "put_item", asked, status=400, answer=refused)
    _, theirs = heard(boto3.client("dynamodb", **WHERE), "put_item", asked, status=400, answer=refused)
    assert (ours["Error"], ours["Item"]) == (theirs["Error"], theirs["Item"])
    assert ours["Error"]["Code"] == "ConditionalCheckFailedException"


# --- botocore made otherwise -----------------------------------------------------------------------------------------


def no_serializer(client: Any) -> None:
    del client._serializer


def another_reader(client: Any) -> None:
    factory = client._endpoint._response_parser_factory
    client._endpoint._response_parser_factory = SimpleNamespace(create_parser=lambda _name: factory.create_parser("query"))


def another_event(client: Any) -> None:
    client.meta.events.register("request-created", lambda request, **_: request.headers.__delitem__("Authorization"))


@pytest.mark.parametrize("made", [no_serializer, another_reader, another_event])
def test_a_client_that_is_made_otherwise_is_found_out(made: Any) -> None:
    client = boto3.client("dynamodb", **WHERE)
    made(client)
    assert not _is_straight(client)


def test_a_client_as_we_know_it_goes_the_short_way() -> None:
    client = straight_client("dynamodb", Config(), **WHERE)
    assert type(client._serializer) is not JSONSerializer


def test_where_botocore_writes_otherwise_its_own_client_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JSONSerializer, "_serialize", None)
    monkeypatch.setattr(JSONSerializer, "serialize_to_request", lambda *_args: {"body": b"{}"})
    client = straight_client("dynamodb", Config(), **WHERE)
    assert type(client._serializer) is JSONSerializer


def test_where_botocore_lacks_a_part_its_own_client_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(botocore.serialize, "RestJSONSerializer")
    monkeypatch.delitem(sys.modules, "chalicelib.state.shortcuts")
    try:
        client = importlib.reload(straight).straight_client("sqs", Config(), **WHERE)
    finally:
        monkeypatch.undo()
        importlib.reload(straight)
    assert type(client._serializer) is JSONSerializer


def test_the_table_is_the_same_over_botocores_own_client() -> None:
    with mock_aws():
        client = boto3.client("dynamodb", config=Config(parameter_validation=False), **WHERE)
        make_table(client, "belfry")
        table, row = DynamoTable(client, "belfry"), Row(Key("p", "s"), {"raw": b"\x00\xff", "set": frozenset({1, 2}), "list": ["x", None, True]})
        table.put(row, expect=Absent())
        assert table.get(row.key) == row.values
        with pytest.raises(WriteRefused) as refused:
            table.put(row, expect=Absent())
        assert refused.value.old == row.values
