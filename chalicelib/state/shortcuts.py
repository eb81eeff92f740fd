"""The short way through botocore: what `straight.py` puts into a client. It leans on how botocore is made inside.

botocore walks every value of a call by the service's model three times: to check it, to copy it, and to copy the answer. For fifty rows
that is more work than all the rest of the call. We write AWS's own JSON (`attributes.py`) and check what we send (`limits.py`,
`sizes.py`), so here the walks are left out. Nor is every service of AWS looked for when one is wanted. Credentials, endpoints, signing, sending,
retries and the reading of errors stay botocore's.
"""

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader
from botocore.parsers import ResponseParserFactory
from botocore.serialize import JSONSerializer, RestJSONSerializer

_PLAIN = "json"
"""The protocol of DynamoDB and SQS. Answers in another are small, and left to botocore."""
_TRIALS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "dynamodb": ("GetItem", {"TableName": "t", "Key": {"pk": {"S": "é"}}}, {"Item": {"n": {"N": "1"}}}),
    "sesv2": ("SendBulkEmail", {"BulkEmailEntries": [{"Destination": {}}], "DefaultContent": {}}, {"BulkEmailEntryResults": [{"Status": "SUCCESS"}]}),
    "sqs": ("GetQueueUrl", {"QueueName": "q"}, {"QueueUrl": "https://q.example/1"}),
    "ssm": ("GetParameter", {"Name": "n"}, {"Parameter": {"Value": "v"}}),
}
"""A call to each, what it says, and what it hears."""


@cache
def short_session() -> Any:
    """A session whose clients read answers as they are."""
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", _Readers())
    session.register_component("data_loader", _Models())
    return session


def straightened(client: Any) -> bool:
    """Have a client go the short way. False, or any error of Python's, where it does not come out as it should; then it is good for nothing."""
    client._serializer = _WRITERS[type(client._serializer)]()
    return _passes(client, *_TRIALS[client.meta.service_model.service_name])


def _passes(client: Any, operation: str, asked: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether a call says and hears what it should. It ends before it is sent."""
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda **_: [json.dumps(told).encode()]))  # type: ignore[arg-type]

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(event, answer)
    try:
        heard = client._make_api_call(operation, asked)
    finally:
        client.meta.events.unregister(event, answer)
    said = json.loads(sent[0].body) == asked and b"Signature=" in sent[0].headers["Authorization"]
    return said and {name: heard[name] for name in told} == told


class _Models(Loader):
    """botocore's models of the services that we call. It would look through all four hundred of them at every cold start."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        return list(_TRIALS)


class _Writer(JSONSerializer):
    """Writes a request's parameters as they are."""

    def serialize_to_request(self, parameters: Any, operation_model: Any) -> Any:
        try:
            return super().serialize_to_request(parameters, operation_model)
        except TypeError:  # bytes, which JSON has no word for: the long way
            return JSONSerializer().serialize_to_request(parameters, operation_model)

    def _serialize(self, serialized: Any, value: Any, shape: Any, key: Any = None) -> None:  # noqa: ARG002 - botocore's signature
        serialized.update(value)


class _RestWriter(RestJSONSerializer):
    """The same for a service that has a path for each operation."""

    def _serialize(self, serialized: Any, value: Any, shape: Any, key: Any = None) -> None:  # noqa: ARG002
        serialized.update(value)


_WRITERS: dict[type, Callable[[], Any]] = {JSONSerializer: _Writer, RestJSONSerializer: _RestWriter}


class _Readers(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        full = super().create_parser
        return _Reader(full) if protocol_name == _PLAIN else full(protocol_name)


class _Reader:
    """Reads an answer as it is; an error as botocore does."""

    def __init__(self, full: Callable[[str], Any]) -> None:
        self._full = full

    def parse(self, response: Any, shape: Any) -> Any:
        if response["status_code"] >= 300:
            return self._full(_PLAIN).parse(response, shape)
        request = response["headers"].get("x-amzn-requestid", "")
        return {**json.loads(response["body"] or b"{}"), "ResponseMetadata": {"HTTPStatusCode": response["status_code"], "RequestId": request}}
