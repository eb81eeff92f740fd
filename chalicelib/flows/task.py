"""One batch in one worker's hands, and what came of it so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, HowFar, What
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import Message
from chalicelib.errors import RenderFailed
from chalicelib.flows.services import Sender, Services
from chalicelib.flows.slots import Pacer
from chalicelib.store.batches import Answers


@dataclass(frozen=True)
class Task:
    """One batch in one worker's hands. `far` is the row as claimed; `messages` holds one for each topic that brought somebody in, in
    the batch's language, and what was made beside them. `stale`: planned so long ago that people may have changed their minds."""

    key: BatchKey
    claim: str
    what: What
    far: HowFar
    broadcast: Broadcast
    content: Content
    pacer: Pacer
    started: datetime
    services: Services
    stale: bool
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)

    @property
    def sender(self) -> Sender:
        """Its channel. Raises Misconfigured where it cannot be made."""
        return self.services.sender(self.what.channel)

    def message(self, topic: str, locale: str) -> Message:
        """What a follower of `topic` who reads `locale` gets. What cannot be made in that language is told in the batch's. Raises RenderFailed."""
        if (topic, locale) not in self.messages:
            try:
                self.messages[topic, locale] = render(self.what, self.content, self.broadcast.id, topic, locale, services=self.services)
            except RenderFailed:
                if (topic, self.what.locale) not in self.messages:
                    raise
                self.messages[topic, locale] = self.messages[topic, self.what.locale]
        return self.messages[topic, locale]


@dataclass(frozen=True)
class Progress:
    """What came of the batch so far in this worker's hands. `later`: the provider put us off. `wait`: no slot, or no use, before that. `paused`: a
    switch is thrown."""

    answers: Answers
    marked_at: datetime
    held: frozenset[int] = frozenset()
    hold_until: datetime | None = None
    later: bool = False
    wait: timedelta | None = None
    paused: bool = False
    ended: Mark | None = None
    lost: bool = False

    def with_cells(self, cells: Mapping[int, str]) -> "Progress":
        """The same with some cells decided."""
        if not cells:
            return self
        return replace(self, answers=replace(self.answers, cells=tuple(cells.get(n, cell) for n, cell in enumerate(self.answers.cells))))


def is_resend(progress: Progress, chunk: Sequence[int]) -> bool:
    """Whether a chunk holds entries in doubt that are sent again."""
    return progress.answers.cells[chunk[0]] == State.UNKNOWN


def report_late(task: Task, progress: Progress) -> None:
    """We lost the claim. What we handed over is true all the same: say it where any number of writers may."""
    accepted = [entry for entry, cell in enumerate(progress.answers.cells) if cell == State.ACCEPTED]
    if accepted:
        task.services.store.batches.add_receipts(task.key, {State.ACCEPTED: accepted})


def render(what: What, content: Content, broadcast: str, topic: str, locale: str, *, services: Services) -> Message:
    """A notice for followers of `topic` who read `locale`, or the digest of a batch. Raises RenderFailed."""
    renderer, content = services.renderer(), worded(content, what.items, locale, what.channel, services=services)
    if what.channel is Channel.SMS:
        return renderer.sms(content, locale)
    if what.channel is Channel.EMAIL:
        return renderer.email(content, locale, topic)
    return renderer.kiosk(content, broadcast)


def worded(content: Content, items: Sequence[str], locale: str, channel: Channel, *, services: Services) -> Content:
    """What a broadcast says; of a digest, in that language and on that channel, what it tells of. Raises RenderFailed."""
    if not items:
        return content
    told = services.store.contents.of(items)
    return services.renderer().digest(content, [told[name] for name in items if name in told], locale, channel)
