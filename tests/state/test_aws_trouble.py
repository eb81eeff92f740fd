"""What the AWS adapters make of throttling, partial answers and lost ones: a client with canned answers stands in for AWS."""

import random as machine_random
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from chalicelib.errors import NoQueue, StateContended, StateLater, StateLimit, TransactionRefused, WriteRefused
from chalicelib.state.dynamodb import DynamoTable
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqs import SqsQueues
from chalicelib.state.table import Absent, Change, Delete, Exists, Key, Put, Row, Table, Update

KEYS = [Key("p", f"{n}") for n in range(3)]
HERE = KEYS[0]
ROWS = [Row(key, {"n": 1}) for key in KEYS]
URL = "https://sqs.us-east-1.amazonaws.com/1/belfry-launch"
AWS: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}


class Stand:
    """A table on a client with canned answers, which notes how long it was made to wait."""

    def __init__(self, answers: Stubber, client: Any) -> None:
        self.answers = answers
        self.waits: list[float] = []
        self.table = DynamoTable(client, "belfry", sleep=self.waits.append, random=lambda: 0.5)

    def unread(self, keys: list[Key], found: list[Key]) -> None:
        """The next reading of many finds some rows and leaves others."""
        left = {"belfry": {"Keys": [_item(key) for key in keys]}} if keys else {}
        self.answers.add_response("batch_get_item", {"Responses": {"belfry": [_item(key) for key in found]}, "UnprocessedKeys": left})


def _item(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.partition}, "sk": {"S": key.sort}}


@pytest.fixture
def stand() -> Iterator[Stand]:
    client = boto3.client("dynamodb", **AWS)
    with Stubber(client) as answers:
        yield Stand(answers, client)
        answers.assert_no_pending_responses()


@pytest.fixture
def sqs() -> Iterator[tuple[Stubber, SqsQueues]]:
    client = boto3.client("sqs", **AWS)
    with Stubber(client) as answers:
        yield answers, SqsQueues(client, "belfry-")
        answers.assert_no_pending_responses()


# --- reading and writing many ----------------------------------------------------------------------------------------


def test_rows_left_unread_are_read_again_until_all_are_there(stand: Stand) -> None:
    stand.unread(KEYS[1:], KEYS[:1])
    stand.unread(KEYS[2:], KEYS[1:2])
    stand.unread([], KEYS[2:])
    assert stand.table.get_many(KEYS) == {key: {} for key in KEYS}


def test_waits_between_readings_double_up_to_a_limit_and_are_spread_by_chance(stand: Stand) -> None:
    for _ in range(7):
        stand.unread(KEYS, [])
    stand.unread([], KEYS)
    stand.table.get_many(KEYS)
    assert stand.waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_rows_that_stay_unread_are_for_later(stand: Stand) -> None:
    for _ in range(8):
        stand.unread(KEYS[1:], KEYS[:1])
    with pytest.raises(StateLater):
        stand.table.get_many(KEYS)
    assert len(stand.waits) == 7


def test_rows_left_unwritten_come_back(stand: Stand) -> None:
    left = {"belfry": [{"PutRequest": {"Item": {**_item(KEYS[1]), "n": {"N": "1"}}}}]}
    stand.answers.add_response("batch_write_item", {"UnprocessedItems": left})
    assert list(stand.table.put_many(ROWS)) == [ROWS[1]]


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "eventual"])
def test_dynamodb_is_asked_for_the_consistency_that_was_asked_of_us(stand: Stand, consistent: bool) -> None:
    many = {"belfry": {"Keys": [_item(HERE)], "ConsistentRead": consistent}}
    whole = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "p"}}, "ScanIndexForward": True}
    stand.answers.add_response("get_item", {}, {"TableName": "belfry", "Key": _item(HERE), "ConsistentRead": consistent})
    stand.answers.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": {}}, {"RequestItems": many})
    stand.answers.add_response("query", {"Items": []}, {"TableName": "belfry", "ConsistentRead": consistent, **whole})
    assert stand.table.get(HERE, consistent=consistent) is None
    assert stand.table.get_many([HERE], consistent=consistent) == {}
    assert stand.table.query("p", consistent=consistent).rows == []


# --- refusals and throttling -----------------------------------------------------------------------------------------

CALLS: dict[str, tuple[str, Callable[[Table], object]]] = {
    "get": ("get_item", lambda table: table.get(HERE)),
    "get_many": ("batch_get_item", lambda table: table.get_many(KEYS)),
    "put": ("put_item", lambda table: table.put(ROWS[0], expect=Absent())),
    "put_many": ("batch_write_item", lambda table: table.put_many(ROWS)),
    "update": ("update_item", lambda table: table.update(HERE, Change(set={"n": 1}), expect=Exists())),
    "delete": ("delete_item", lambda table: table.delete(HERE)),
    "query": ("query", lambda table: table.query("p")),
    "query_open": ("query", lambda table: table.query_open("bc_1", due=1)),
    "transact": ("transact_write_items", lambda table: table.transact([Delete(HERE)])),
}
CODES: dict[str, type[Exception]] = {
    "ProvisionedThroughputExceededException": StateLater,
    "ThrottlingException": StateLater,
    "RequestLimitExceeded": StateLater,
    "InternalServerError": StateLater,
    "TransactionConflictException": StateLater,
    "TransactionInProgressException": StateLater,
    "ValidationException": StateLimit,
    "AccessDeniedException": ClientError,
    "ResourceNotFoundException": ClientError,
}


@pytest.mark.parametrize(("operation", "call"), CALLS.values(), ids=CALLS.keys())
def test_each_call_says_whether_trouble_passes_or_is_our_bug(stand: Stand, operation: str, call: Callable[[Table], object]) -> None:
    for code, kind in CODES.items():
        stand.answers.add_client_error(operation, service_error_code=code)
        with pytest.raises(kind):
            call(stand.table)


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException"])
@pytest.mark.parametrize("name", ["put", "update", "delete"])
def test_a_refusal_without_an_old_row_means_there_is_none(stand: Stand, name: str, code: str) -> None:
    operation, call = CALLS[name]
    stand.answers.add_client_error(operation, service_error_code=code)
    with pytest.raises(WriteRefused) as refused:
        call(stand.table)
    assert refused.value.old is None


REASONS: dict[str, tuple[list[dict[str, Any]], type[Exception]]] = {
    "conflict": ([{"Code": "None"}, {"Code": "TransactionConflict"}], StateContended),
    "throttled": ([{"Code": "ThrottlingError"}, {"Code": "None"}], StateLater),
    "too little capacity": ([{"Code": "ProvisionedThroughputExceeded"}, {"Code": "None"}], StateLater),
    "refused and conflict": ([{"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}], TransactionRefused),
    "too large": ([{"Code": "None"}, {"Code": "ValidationError"}], StateLimit),
    "too large and conflict": ([{"Code": "TransactionConflict"}, {"Code": "ValidationError"}], StateLimit),
    "unheard of": ([{"Code": "None"}, {"Code": "Moonphase"}], ClientError),
}


@pytest.mark.parametrize(("reasons", "kind"), REASONS.values(), ids=REASONS.keys())
def test_a_cancelled_transaction_says_whether_it_lost_or_may_be_tried_again(stand: Stand, reasons: list[dict[str, Any]], kind: type[Exception]) -> None:
    stand.answers.add_client_error("transact_write_items", service_error_code="TransactionCanceledException", modeled_fields={"CancellationReasons": reasons})
    with pytest.raises(kind):
        stand.table.transact([Put(ROWS[0], expect=Absent()), Update(KEYS[1], Change(set={"n": 1}))])


def test_a_conflict_names_the_writes_that_others_are_at(stand: Stand) -> None:
    reasons = [{"Code": "TransactionConflict"}, {"Code": "ThrottlingError"}, {"Code": "TransactionConflict"}]
    stand.answers.add_client_error("transact_write_items", service_error_code="TransactionCanceledException", modeled_fields={"CancellationReasons": reasons})
    with pytest.raises(StateContended) as contended:
        stand.table.transact([Put(row) for row in ROWS])
    assert contended.value.at == {0, 2}


LOST: dict[str, Exception] = {
    "no answer": ReadTimeoutError(endpoint_url=URL),
    "no connection": ConnectTimeoutError(endpoint_url=URL),
    "no way there": EndpointConnectionError(endpoint_url=URL),
}


class Unreachable:
    """A client that nothing comes back from."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**_parameters: Any) -> Any:
            raise self.error

        return call


@pytest.mark.parametrize("error", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_is_for_later(error: Exception) -> None:
    table = DynamoTable(Unreachable(error), "belfry")
    for _, call in CALLS.values():
        with pytest.raises(StateLater):
            call(table)
    with pytest.raises(StateLater):
        SqsQueues(Unreachable(error), "belfry-").named("launch").send([Outgoing("{}")])


def test_a_table_waits_and_draws_by_the_machine_unless_told_otherwise() -> None:
    table = DynamoTable(None, "belfry")
    assert (table.sleep, table.random) == (time.sleep, machine_random.random)


# --- queues ----------------------------------------------------------------------------------------------------------


def _sent(answers: Stubber, *failed: dict[str, Any]) -> None:
    answers.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "belfry-launch"})
    answers.add_response("send_message_batch", {"Successful": [], "Failed": list(failed)})


def test_messages_that_were_not_taken_come_back(sqs: tuple[Stubber, SqsQueues]) -> None:
    answers, queues = sqs
    _sent(answers, {"Id": "2", "SenderFault": False, "Code": "InternalError"}, {"Id": "0", "SenderFault": False, "Code": "InternalError"})
    messages = [Outgoing("a"), Outgoing("b", 5), Outgoing("c", 7)]
    assert sorted(queues.named("launch").send(messages), key=lambda message: message.body) == [messages[0], messages[2]]


def test_a_message_that_sqs_blames_us_for_is_our_bug(sqs: tuple[Stubber, SqsQueues]) -> None:
    answers, queues = sqs
    _sent(answers, {"Id": "0", "SenderFault": False, "Code": "InternalError"}, {"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents"})
    with pytest.raises(StateLimit, match="InvalidMessageContents"):
        queues.named("launch").send([Outgoing("a"), Outgoing("b")])


def test_the_address_of_a_queue_is_asked_for_once(sqs: tuple[Stubber, SqsQueues]) -> None:
    answers, queues = sqs
    _sent(answers)
    answers.add_response("send_message_batch", {"Successful": [], "Failed": []}, {"QueueUrl": URL, "Entries": [_entry("{}", 30)]})
    queues.named("launch").send([Outgoing("{}")])
    queues.named("launch").send([Outgoing("{}", 30)])


def _entry(body: str, delay: int) -> dict[str, Any]:
    return {"Id": "0", "MessageBody": body, "DelaySeconds": delay}


QUEUE_CODES: dict[str, type[Exception]] = {
    "RequestThrottled": StateLater,
    "ThrottlingException": StateLater,
    "ServiceUnavailable": StateLater,
    "KmsThrottled": StateLater,
    "AWS.SimpleQueueService.BatchRequestTooLong": StateLimit,
    "InvalidMessageContents": StateLimit,
    "AWS.SimpleQueueService.NonExistentQueue": NoQueue,
    "QueueDoesNotExist": NoQueue,
    "AccessDenied": ClientError,
}


@pytest.mark.parametrize(("code", "kind"), QUEUE_CODES.items(), ids=QUEUE_CODES.keys())
def test_a_failed_sending_says_whether_it_passes_or_is_our_bug(sqs: tuple[Stubber, SqsQueues], code: str, kind: type[Exception]) -> None:
    answers, queues = sqs
    answers.add_response("get_queue_url", {"QueueUrl": URL})
    answers.add_client_error("send_message_batch", service_error_code=code)
    with pytest.raises(kind):
        queues.named("launch").send([Outgoing("{}")])


def test_a_queue_dropped_elsewhere_is_looked_up_anew(sqs: tuple[Stubber, SqsQueues]) -> None:
    answers, queues = sqs
    answers.add_response("get_queue_url", {"QueueUrl": URL})
    answers.add_client_error("send_message_batch", service_error_code="QueueDoesNotExist")
    _sent(answers)
    with pytest.raises(NoQueue):
        queues.named("launch").send([Outgoing("{}")])
    assert list(queues.named("launch").send([Outgoing("{}")])) == []


def test_a_name_that_was_dropped_a_moment_ago_is_for_later(sqs: tuple[Stubber, SqsQueues]) -> None:
    answers, queues = sqs
    answers.add_client_error("create_queue", service_error_code="AWS.SimpleQueueService.QueueDeletedRecently")
    with pytest.raises(StateLater):
        queues.make("screen-1")
