"""One turn of a talk: the state, the text's meaning, and the ways to answer it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.city import City
from chalicelib.domain.conversation import Asked, Meaning, known
from chalicelib.domain.talk_changes import Change, Said, Taken
from chalicelib.domain.talk_state import Memory, Talk


@dataclass(frozen=True)
class Turn:
    """A text that was understood. `asked` is the question that was open when it came."""

    talk: Talk
    meaning: Meaning
    locale: str
    now: datetime
    zone: ZoneInfo
    city: City
    asked: Asked

    @property
    def memory(self) -> Memory:
        """What we remember after a text that we understood."""
        return self.talk.memory.understood()

    @property
    def follows(self) -> list[str]:
        """What they follow of what the city still has."""
        return known(self.talk.topics, self.city)

    @property
    def others(self) -> list[str]:
        """What there is beside."""
        return [topic for topic in self.city.topics if topic not in self.talk.topics]

    @property
    def today(self) -> date:
        """The day where they live."""
        return self.now.astimezone(self.zone).date()

    @property
    def by_number(self) -> bool:
        """Whether it answers a menu."""
        return bool(self.talk.memory.options) and self.asked is Asked.TOPIC and self.meaning.word.replace(" ", "").isdigit()

    @property
    def paused(self) -> tuple[Said, ...]:
        """Until when all is paused, said to whoever paused."""
        until = self.talk.paused_until
        return (Said("paused", {"until": until, "zone": self.zone}),) if until else ()

    def taken(self, *replies: Said, changes: tuple[Change, ...] = (), memory: Memory | None = None) -> Taken:
        """An answer that asks nothing."""
        return Taken(self.meaning, self.locale, memory or self.memory, replies, changes)

    def asks(
        self, *replies: Said, asked: Asked, options: tuple[str, ...], changes: tuple[Change, ...] = (), memory: Memory | None = None, tries: int = 0
    ) -> Taken:
        """An answer whose last reply is a question, with what the numbers of its menu mean. Its language stays that of the talk."""
        memory = memory or self.memory
        locale = memory.locale or (self.locale if self.meaning.locale else None)
        memory = replace(memory, locale=locale).asking(asked, self.now, options, tries=tries)
        return Taken(self.meaning, self.locale, memory, replies, changes)

    def silent(self) -> Taken:
        """No answer; what we asked stays asked."""
        return Taken(self.meaning, self.locale, self.talk.memory)
