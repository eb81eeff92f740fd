"""The shape that everyone builds, side by side with ours: a queue message and a row for each recipient, on the same adapters.

plan:  page of followers → per recipient: row "planned", queue message
send:  receive → opt-out read → row "attempting" → provider → row "accepted" → delete
"""

from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from bench.broadcasts import a_broadcast
from bench.meter import Meter
from bench.outside import Outside
from bench.wire import Run
from chalicelib.domain.address import Channel
from chalicelib.domain.ids import SHARDS
from chalicelib.domain.message import Answer, Parcel
from chalicelib.flows.services import Services
from chalicelib.state.straight import straight_client
from chalicelib.state.table import Change, Key, Row, equals
from chalicelib.store.subscriptions import read_subscription

QUEUE = "sms-routine"


@dataclass(frozen=True)
class _Shape:
    """One broadcast in that shape."""

    services: Services
    broadcast: str
    sqs: Any
    url: str

    def plan(self, topic: str) -> None:
        """A row and a message for every follower."""
        for shard in range(SHARDS):
            for row in self.services.store.subscriptions.audience_page(topic, shard, after=None, limit=2000).rows:
                one = read_subscription(row.values)
                values = {"state": "planned", "address": one.address, "locale": one.locale, "topic": one.topic}
                self.services.store.table.put(Row(self._key(one.subscriber), values))
                self.sqs.send_message(QueueUrl=self.url, MessageBody=one.subscriber)

    def send(self) -> int:
        """Hand over until the queue is empty; how many were accepted."""
        accepted = 0
        while found := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=1).get("Messages"):
            [message] = found
            accepted += self._one(message["Body"])
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return accepted

    def _one(self, subscriber: str) -> bool:
        store, key = self.services.store, self._key(subscriber)
        row = store.table.update(key, Change(set={"state": "attempting"}), expect=equals("state", "planned"))
        [known] = store.addresses.read([str(row["address"])])
        if known is None or known.sealed is None or known.opted_out:
            return False
        content = store.contents.of([self.broadcast])[self.broadcast]
        message = self.services.renderer().sms(content, str(row["locale"]))
        parcel = Parcel(store.vault.open_address(known.sealed), message, self.services.tokens.sign("delivery", self.broadcast, subscriber))
        [outcome] = self.services.sender(Channel.SMS).hand_over([parcel], gate=lambda: True)
        store.table.update(key, Change(set={"state": str(outcome.answer)}), expect=equals("state", "attempting"))
        return outcome.answer is Answer.ACCEPTED

    def _key(self, subscriber: str) -> Key:
        return Key(f"D#{self.broadcast}#{subscriber}", "DELIVERY")


def one_message_each(outside: Outside, recipients: int) -> Run:
    """A broadcast in that shape. It costs the same for each recipient whatever their number. Fails where anybody was not handed over."""
    outside.forget()
    outside.follow("transit", Channel.SMS, recipients)
    services, meter, sqs = outside.services(), Meter(), straight_client("sqs", Config())
    made = a_broadcast(services, "transit", Channel.SMS)
    shape = _Shape(services, made.id, sqs, sqs.get_queue_url(QueueName=f"belfry-{QUEUE}")["QueueUrl"])
    before = outside.bill()
    with meter.on("plan"):
        shape.plan("transit")
    meter.look_at_the_machine()
    with meter.on("hand_over"):
        accepted = shape.send()
    meter.look_at_the_machine()
    if accepted != recipients:
        raise SystemExit(f"{accepted} of {recipients} were handed over")
    bill = outside.bill()
    return Run(recipients, dict(meter.spent), meter.slowness, {name: count - before.get(name, 0) for name, count in bill.items()})
