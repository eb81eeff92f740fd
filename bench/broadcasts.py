"""The broadcast that everything measured sends."""

from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Approval, Audience, Broadcast, BroadcastState, Content, SendAt, hash_of
from chalicelib.domain.jobs import LaunchJob
from chalicelib.domain.notice import Act, Kind, Severity, Text, Urgency
from chalicelib.flows.services import Services
from chalicelib.state.queue import Outgoing


def a_broadcast(services: Services, topic: str, channel: Channel, *, urgent: bool = False) -> Broadcast:
    """A broadcast that is approved and due, queued for launch."""
    now = services.now()
    content, audience = _content(now, urgent=urgent), Audience((topic,), (topic,), (channel,))
    digest = hash_of(content, audience)
    made = Broadcast(
        f"bc_{services.new_id()}",
        BroadcastState.SCHEDULED,
        "bench",
        now,
        SendAt(now),
        audience,
        urgent,
        content.expires_at,
        digest,
        Approval("bench", "routine", digest, now),
        planned={str(channel): services.store.headcounts.count(audience.reached, (channel,)).channels[channel]},
    )
    services.store.table.transact(services.store.broadcasts.create_writes(made, content))
    services.queues.named("launch").send([Outgoing(LaunchJob(made.id).body)])
    return made


def _content(now: datetime, *, urgent: bool) -> Content:
    texts = {
        "en": Text("Red Line: shuttle buses", "Buses replace trains from 10 pm.\n\n* Allow more time\n* Stops stay open"),
        "es": Text("Linea Roja: autobuses", "Autobuses sustituyen a los trenes entre Bell Square y Harbor desde las 22:00."),
    }
    kind = Kind.EMERGENCY if urgent else Kind.TRANSIT
    return Content("nt_1", 1, Act.PUBLISHED, kind, Severity.MODERATE, Urgency.EXPECTED, texts, "en", "https://a.example/r", None, now + timedelta(days=1))
