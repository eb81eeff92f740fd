"""One batch in one worker's hands, and what came of it so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import BatchKey, HowFar, What
from chalicelib.domain.broadcast import Broadcast, Content
from chalicelib.domain.delivery import Mark, State
from chalicelib.domain.message import Message
from chalicelib.flows.services import Sender, Services
from chalicelib.flows.slots import SlotGate
from chalicelib.store.batches import Answers


@dataclass(frozen=True)
class Task:
    """One batch in one worker's hands. `far` is the row as claimed; `messages` holds one for each topic that brought somebody in."""

    key: BatchKey
    claim: str
    what: What
    far: HowFar
    broadcast: Broadcast
    content: Content
    sender: Sender
    gate: SlotGate
    started: datetime
    services: Services
    messages: Mapping[str, Message]


@dataclass(frozen=True)
class Progress:
    """What came of the batch so far in this worker's hands."""

    answers: Answers
    marked_at: datetime
    held: frozenset[int] = frozenset()
    hold_until: datetime | None = None
    later: bool = False
    ended: Mark | None = None
    lost: bool = False

    def with_cells(self, cells: dict[int, str]) -> "Progress":
        """The same with some cells decided."""
        return replace(self, answers=replace(self.answers, cells=tuple(cells.get(n, cell) for n, cell in enumerate(self.answers.cells))))


def is_resend(progress: Progress, chunk: Sequence[int]) -> bool:
    """Whether a chunk holds entries in doubt that are sent again."""
    return progress.answers.cells[chunk[0]] == State.UNKNOWN


def report_late(task: Task, progress: Progress) -> None:
    """We lost the claim. What we handed over is true all the same: say it where any number of writers may."""
    accepted = [entry for entry, cell in enumerate(progress.answers.cells) if cell == State.ACCEPTED]
    if accepted:
        task.services.store.batches.add_receipts(task.key, {State.ACCEPTED: accepted})


def render(what: What, content: Content, broadcast: str, topic: str, *, services: Services) -> Message:
    """A batch's message for followers of `topic`. Raises RenderFailed."""
    renderer = services.renderer()
    if what.channel is Channel.SMS:
        return renderer.sms(content, what.locale)
    if what.channel is Channel.EMAIL:
        return renderer.email(content, what.locale, topic)
    return renderer.kiosk(content, broadcast)
