"""How large a drill is, and what goes wrong in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

USUAL = 5000


@dataclass(frozen=True)
class Sizes:
    """The subscribers of a drill, and its faults in proportion."""

    texts: int = USUAL

    @property
    def emails(self) -> int:
        """Subscribers by email."""
        return self.texts // 5

    @property
    def kiosks(self) -> int:
        """Kiosks beside those of the city's own file."""
        return min(20, 1 + self.texts // 100)

    @property
    def throttled_seconds(self) -> float:
        """How long the texts' provider refuses a third of all calls: a minute, or as long as a smaller drill can use."""
        return max(2.0, min(60.0, 60.0 * self.texts / USUAL))

    def faults(self) -> Sequence[Mapping[str, object]]:
        """What the world is told, in this order."""
        return (
            {"channel": "sms", "mode": "drop-reply", "share": 0.05},
            {"channel": "sms", "mode": "429", "share": 0.3, "for": self.throttled_seconds, "beside": True},
            {"channel": "sms", "mode": "hang", "share": 0.02, "times": 1, "for": self.throttled_seconds, "beside": True},
            {"channel": "email", "mode": "drop-reply", "share": 0.05},
        )

    def fault_words(self) -> str:
        """The same in words."""
        seconds = f"{self.throttled_seconds:.0f}"
        return f"5 of 100 answers are lost; 30 of 100 texts are refused as too many, for {seconds} s; one call hangs"
