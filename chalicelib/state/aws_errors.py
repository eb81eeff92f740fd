"""What AWS's refusals mean to a caller: later, or our bug. What is in neither table (no rights, no table) is raised as it came."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from chalicelib.errors import StateLater, StateLimit

CONFLICT = "TransactionConflict"
"""As a transaction's reason: somebody else is writing that row."""
LATER = frozenset(
    {
        CONFLICT,
        "InternalError",  # SQS
        "InternalServerError",
        "KmsThrottled",
        "OverLimit",  # SQS: too many messages in flight
        "ProvisionedThroughputExceeded",  # as a transaction's reason
        "ProvisionedThroughputExceededException",
        "AWS.SimpleQueueService.QueueDeletedRecently",  # the name is free after 60 s
        "QueueDeletedRecently",
        "RequestLimitExceeded",
        "RequestThrottled",  # SQS
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingError",  # as a transaction's reason
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
LIMIT = frozenset(
    {
        "ValidationException",
        "ValidationError",  # as a transaction's reason
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "BatchRequestTooLong",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "TooManyEntriesInBatchRequest",
    }
)


@contextmanager
def our_errors() -> Iterator[None]:
    """Turns AWS's errors into StateLater and StateLimit. Where the answer was lost, the call may have been carried out: later, too."""
    try:
        yield
    except ClientError as error:
        raise_known(error, code_of(error))
        raise
    except (ConnectionError, HTTPClientError) as error:
        raise StateLater(type(error).__name__) from error


def raise_known(error: ClientError, *codes: str) -> None:
    """Raise StateLimit if one of the codes is our bug, else StateLater if one passes with time."""
    if LIMIT.intersection(codes):
        raise StateLimit(str(error)) from error
    if LATER.intersection(codes):
        raise StateLater(", ".join(sorted(LATER.intersection(codes)))) from error


def code_of(error: ClientError) -> str:
    """AWS's name for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))
