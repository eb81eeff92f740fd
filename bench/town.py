"""A city to measure: the flows on counted state, a clock that jumps over every wait."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.counting import Counted, SesClient, TextProvider
from chalicelib.channels.email import EmailSender
from chalicelib.domain.address import Address, Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.city import parse_city
from chalicelib.domain.jobs import LaunchJob, read_fan_out, read_launch, read_send
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.domain.tokens import Tokens
from chalicelib.domain.words import Words
from chalicelib.flows.fan_out import fan_out
from chalicelib.flows.launch import launch
from chalicelib.flows.send_batch import send_batch
from chalicelib.flows.services import Sender, Services
from chalicelib.render.renderer import CityRenderer
from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_file import SqliteFile
from chalicelib.state.sqlite_queue import SqliteQueues
from chalicelib.state.sqlite_table import SqliteTable
from chalicelib.store.sealed import Vault
from chalicelib.store.stores import Stores
from chalicelib.store.subscriptions import Subscription, audience_row

HERE = Path(__file__).resolve().parent.parent
QUEUES = ("launch", *(f"{work}-{lane}" for work in ("fan-out", "sms", "email", "kiosk") for lane in ("urgent", "routine")))
SPOKEN = (("en", 70), ("es", 20), ("ar", 5), ("zh-Hans", 5))
"""The share of each language among followers, in percent."""
FAST: Mapping[Channel, int] = {Channel.SMS: 100_000, Channel.EMAIL: 100_000}
"""A pace that never waits, so that reserving slots is counted and waiting for them is not."""


@dataclass
class BenchTown:
    """The city, with its state in `folder`."""

    folder: Path
    moment: datetime = datetime(2026, 12, 1, 15, tzinfo=UTC)
    ids: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Lay out state and services."""
        file = SqliteFile(self.folder / "bench.db")
        self.table, self.queues = SqliteTable(file), SqliteQueues(file, self.now)
        for name in QUEUES:
            self.queues.make(name)
        city = parse_city((HERE / "city.toml").read_text("utf-8"))
        vault = Vault(b"h" * 32, b"s" * 32)
        renderer = CityRenderer(city=city, templates=HERE / "templates", public_url="https://alerts.example.org")
        senders: dict[Channel, Sender] = {Channel.SMS: TextProvider(), Channel.EMAIL: EmailSender(SesClient(self.calls), sender="Alerts <a@example.org>")}
        self.services = Services(
            city=city,
            words=Words.parse((HERE / "chalicelib/domain/words.toml").read_text("utf-8")),
            store=Stores(Counted(self.table, self.calls), vault),
            queues=Counted(self.queues, self.calls),
            tokens=Tokens([b"t" * 32]),
            sender=senders.__getitem__,
            renderer=lambda: renderer,
            secret=lambda _name: {},
            now=self.now,
            new_id=self.new_id,
            sleep=lambda seconds: self.pass_time(seconds),
            public_url="https://alerts.example.org",
            pace=FAST,
        )
        self.plain = Stores(self.table, vault)

    def now(self) -> datetime:
        """The time here."""
        return self.moment

    def pass_time(self, seconds: float) -> None:
        """Wait, in no time."""
        self.moment += timedelta(seconds=seconds)

    def new_id(self) -> str:
        """32 hex digits, evenly over the shards."""
        self.ids += 1
        return f"{self.ids % 16:x}{self.ids:031x}"

    def follow(self, topic: str, channel: Channel, count: int) -> None:
        """So many verified followers, in the city's languages."""
        vault, rows = self.plain.vault, []
        locales = [locale for locale, share in SPOKEN for _ in range(share)]
        for number in range(count):
            address = Address(channel, f"+1202{number:07d}" if channel is Channel.SMS else f"p{number}@example.org")
            subscriber = self.new_id()
            rows.append(self.plain.addresses.row(address, subscriber=subscriber, verified=True))
            rows.append(audience_row(Subscription(subscriber, topic, channel, vault.hash(address), locales[number // 16 % 100])))
        for start in range(0, len(rows), 25):
            self.table.put_many(rows[start : start + 25])

    def broadcast(self, topic: str, channel: Channel) -> Broadcast:
        """A broadcast that is approved and due, queued for launch."""
        now, texts = self.now(), {"en": Text("Red Line: shuttle buses", "Buses replace trains."), "es": Text("Linea Roja", "Autobuses.")}
        content = Content(
            "nt", 1, Act.PUBLISHED, Kind.TRANSIT, Severity.MODERATE, Urgency.EXPECTED, texts, "en", "https://a.example/r", None, now + timedelta(days=1)
        )
        audience = Audience((topic,), (topic,), (channel,))
        digest = hash_of(content, audience)
        made = Broadcast(
            f"bc_{self.new_id()}",
            BroadcastState.SCHEDULED,
            "bench",
            now,
            SendAt(now),
            audience,
            False,
            content.expires_at,
            digest,
            Approval("bench", "routine", digest, now),
            planned={str(channel): self.plain.headcounts.count(audience.reached, (channel,)).channels[channel]},
        )
        self.table.transact(self.plain.broadcasts.create_writes(made, content))
        self.queues.named("launch").send([Outgoing(LaunchJob(made.id).body)])
        return made

    def work(self) -> None:
        """Work off the queues until they are empty."""
        handlers: dict[str, Callable[[str], None]] = {
            "launch": lambda body: launch(read_launch(body), services=self.services),
            "fan-out-routine": lambda body: fan_out(read_fan_out(body), services=self.services),
            "sms-routine": lambda body: send_batch(read_send(body), services=self.services),
            "email-routine": lambda body: send_batch(read_send(body), services=self.services),
        }
        while received := self.queues.receive(list(handlers), 10, 60):
            for message in received:
                handlers[message.queue](message.body)
                self.queues.delete(message.id)
