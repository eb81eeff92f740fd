"""The one table."""

from infra.shapes import Resource, Resources, resource


def resources() -> Resources:
    """The table, which outlives the stack."""
    return {"MainTable": _main()}


def _main() -> Resource:
    keys = {"pk": "S", "sk": "S", "open": "S", "due": "N"}
    table = resource(
        "AWS::DynamoDB::Table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[_open()],
        TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        SSESpecification={"SSEEnabled": True},
        DeletionProtectionEnabled=True,
    )
    return {**table, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def _open() -> Resource:
    """The sparse index: what is open, by when it falls due. Keys alone, for whoever acts re-reads the row; every write then costs the index least."""
    return {"IndexName": "open", "KeySchema": _schema("open", "due"), "Projection": {"ProjectionType": "KEYS_ONLY"}}


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
