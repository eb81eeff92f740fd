"""A broadcast through the flows and the SDKs, with the CPU that each of its steps took."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from bench.broadcasts import a_broadcast
from bench.meter import Meter
from bench.outside import Outside
from chalicelib.domain.address import Channel
from chalicelib.domain.counts import all_settled
from chalicelib.domain.jobs import read_fan_out, read_launch, read_send
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.services import Services
from chalicelib.state.straight import straight_client

POLLING = ("sqs.ReceiveMessage", "sqs.DeleteMessage", "sqs.GetQueueUrl")
"""Calls that are not ours on Lambda: AWS takes messages for us, and bills them. A queue's address is asked for once a process."""
PLAN = ("launch", "fan_out")
"""The steps that plan and batch: everything up to the queued batches."""
CALLED = ("dynamodb.", "sqs.", "sesv2.")


class Poller:
    """Takes messages from a queue, as AWS does for a function, and deletes each when it is worked off."""

    def __init__(self, meter: Meter) -> None:
        self._client: Any = straight_client("sqs", Config())
        self._meter = meter

    def bodies(self, queue: str, *, at_once: int = 10) -> Iterator[str]:
        """Messages until there is none."""
        with self._meter.on("poll"):
            url = self._client.get_queue_url(QueueName=f"belfry-{queue}")["QueueUrl"]
        while True:
            with self._meter.on("poll"):
                found = self._client.receive_message(QueueUrl=url, MaxNumberOfMessages=at_once).get("Messages", [])
            if not found:
                return
            self._meter.look_at_the_machine()
            for message in found:
                yield message["Body"]
                with self._meter.on("poll"):
                    self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@dataclass(frozen=True)
class Run:
    """What a broadcast took: CPU seconds by step, how slow the machine was, and what AWS would bill."""

    recipients: int
    cpu: dict[str, float]
    slowness: float
    bill: dict[str, int]

    def rate(self, *steps: str) -> int:
        """Recipients per CPU second of these steps."""
        return round(self.recipients / sum(self.cpu[step] for step in steps))

    def cost(self, *steps: str) -> float:
        """CPU per recipient, in terms of the fixed piece of work, so that runs at different moments can be compared."""
        return sum(self.cpu[step] for step in steps) / self.recipients / self.slowness

    def calls(self, *, polling: bool) -> dict[str, float]:
        """Calls to AWS per 1,000 recipients, by operation."""
        found = {name: count for name, count in self.bill.items() if name.startswith(CALLED) and (polling or name not in POLLING)}
        return {name: round(count * 1000 / self.recipients, 2) for name, count in sorted(found.items())}


def run(outside: Outside, channel: Channel, recipients: int) -> Run:
    """One broadcast to so many, from launch to settled. Fails where anybody is left unsettled: a fast wrong answer is no answer."""
    outside.forget()
    outside.follow("transit", channel, recipients)
    services, meter = outside.services(), Meter()
    made = a_broadcast(services, "transit", channel)
    before = outside.bill()
    work(services, channel, meter)
    bill = outside.bill()
    counts = services.store.progress.read(made, services.now()).counts
    if sum(counts[channel].values()) != recipients or not all_settled(counts):
        raise SystemExit(f"the broadcast did not settle: {counts}")
    return Run(recipients, dict(meter.spent), meter.slowness, {name: count - before.get(name, 0) for name, count in bill.items()})


def work(services: Services, channel: Channel, meter: Meter) -> None:
    """Work off the queues of a broadcast, one after the other."""
    steps: list[tuple[str, str, Callable[[str], None]]] = [
        ("launch", "launch", lambda body: launch(read_launch(body), services=services)),
        ("fan-out-routine", "fan_out", lambda body: fan_out(read_fan_out(body), services=services)),
        (f"{channel}-routine", "hand_over", lambda body: send_batch(read_send(body), services=services)),
    ]
    poller = Poller(meter)
    for queue, step, handler in steps:
        for body in poller.bodies(queue):
            with meter.on(step):
                handler(body)
