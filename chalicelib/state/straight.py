"""Clients of AWS's JSON services that carry what they are given as it is.

botocore walks every value of a call by the service's model three times: to check it, to copy it, and to copy the answer. For fifty rows
that is more work than all the rest of the call. We write AWS's own JSON (`attributes.py`) and check what we send (`limits.py`,
`sizes.py`), so here the walks are left out. Nor is every service of AWS looked for when one is wanted. Signing, retries, connections and
the reading of errors stay botocore's.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader
from botocore.parsers import ResponseParserFactory
from botocore.serialize import JSONSerializer, RestJSONSerializer

_CALLED = ("dynamodb", "sesv2", "sqs", "ssm")
_PLAIN = "json"
"""The protocol of DynamoDB and SQS. Answers in another are small, and left to botocore."""


def straight_client(service: str, config: Config, **where: Any) -> Any:
    """A client; `where` is an endpoint and credentials, where they are not the machine's. Bytes in an answer stay the base64 that AWS wrote."""
    client = _session().create_client(service, config=config.merge(Config(parameter_validation=False, user_agent="belfry")), **where)
    client._serializer = _WRITERS.get(type(client._serializer), lambda: client._serializer)()
    return client


@cache
def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", _Readers())
    session.register_component("data_loader", _Models())
    return session


class _Models(Loader):
    """botocore's models of the services that we call. It would look through all four hundred of them at every cold start."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - botocore's signature
        return list(_CALLED)


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
