"""Jobs: what our own queues carry. Ids only: no person's address, and nothing that a row does not already say."""

import json
from dataclasses import dataclass

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey


@dataclass(frozen=True)
class LaunchJob:
    """A broadcast that falls due."""

    broadcast: str

    @property
    def body(self) -> str:
        """As queued."""
        return json.dumps({"broadcast": self.broadcast})


@dataclass(frozen=True)
class FanOutJob:
    """A shard of a broadcast's audience to read. The batches of its first `queued` pages are known to be queued."""

    broadcast: str
    shard: int
    queued: int = 0

    @property
    def body(self) -> str:
        """As queued."""
        return json.dumps({"broadcast": self.broadcast, "shard": self.shard} | ({"queued": self.queued} if self.queued else {}))


@dataclass(frozen=True)
class SendJob:
    """A batch to hand over."""

    batch: BatchKey

    @property
    def body(self) -> str:
        """As queued."""
        return json.dumps({"broadcast": self.batch.broadcast, "shard": self.batch.shard, "batch": self.batch.name})


@dataclass(frozen=True)
class ReceiptJob:
    """What a provider said of a delivery: the token that names it, our word for the state, its code, and whether the address wants no more."""

    token: str
    status: str
    code: str = ""
    advice: str = ""

    @property
    def body(self) -> str:
        """As queued."""
        return json.dumps({"token": self.token, "status": self.status, "code": self.code, "advice": self.advice})


def read_launch(body: str) -> LaunchJob:
    """The job that `body` wrote."""
    return LaunchJob(str(json.loads(body)["broadcast"]))


def read_fan_out(body: str) -> FanOutJob:
    """The job that `body` wrote."""
    found = json.loads(body)
    return FanOutJob(str(found["broadcast"]), int(found["shard"]), int(found.get("queued", 0)))


def read_send(body: str) -> SendJob:
    """The job that `body` wrote."""
    found = json.loads(body)
    return SendJob(BatchKey(str(found["broadcast"]), int(found["shard"]), str(found["batch"])))


def read_receipt(body: str) -> ReceiptJob:
    """The job that `body` wrote."""
    found = json.loads(body)
    return ReceiptJob(str(found["token"]), str(found["status"]), str(found.get("code", "")), str(found.get("advice", "")))


def fan_out_queue(lane: str) -> str:
    """The queue of fan-out jobs in a lane."""
    return f"fan-out-{lane}"


def send_queue(channel: Channel, lane: str) -> str:
    """The queue of batches of a channel in a lane."""
    return f"{channel}-{lane}"
