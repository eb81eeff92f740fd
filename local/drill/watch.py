"""Watching a broadcast until everybody is settled: it is shown, its app is killed half way, and the clock moves where only time helps."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import urllib3

from local.drill.city import CityFailed, DrilledCity
from local.drill.standing import IN_DOUBT, IN_HAND, WAITING, Standing, read_standing

KILL_AT = 0.5
"""The share of texts that providers took when the app is killed."""
MOVE = "PT5M"

_LOOK_SECONDS = 0.5
_LINE_SECONDS = 5.0
_STILL_SECONDS = 3.0
_STUCK_SECONDS = 20.0
_LONGEST_SECONDS = 1200.0
_NEWS_SECONDS = 10.0
_UNTOLD = frozenset({"queued", "sent"})

Say = Callable[[str, str], None]


@dataclass
class Watch:
    """One broadcast under watch. `texts` is how many texts it will be, `everybody` how many recipients it has in all."""

    city: DrilledCity
    broadcast: str
    texts: int
    everybody: int
    say: Say
    show: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    _taken: int = 0
    _last_seq: int = 0
    _shown_at: float = float("-inf")
    _moved_at: float = float("-inf")
    _seen: tuple[object, ...] = ()
    _still_since: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self.began

    def until_settled(self) -> Standing:
        """Watch to the end; the last standing. Raises CityFailed where it never ends."""
        killed = False
        while self.seconds < _LONGEST_SECONDS:
            standing = self._look()
            if standing.ended:
                return self._after_the_last_news()
            if not killed and self._taken >= KILL_AT * self.texts:
                self._kill()
                killed = True
            elif self._only_time_helps(standing):
                self._move(standing)
            time.sleep(_LOOK_SECONDS)
        raise CityFailed(f"Not settled after {_LONGEST_SECONDS / 60:.0f} minutes.")

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self) -> Standing:
        standing = self._standing()
        self._count_texts()
        now, seen = time.monotonic(), (standing, self._taken)
        if seen != self._seen:
            self._seen, self._still_since = seen, now
        if now - self._shown_at >= _LINE_SECONDS or standing.ended:
            self._shown_at = now
            self.show(standing.line(self.seconds, self.everybody))
        return standing

    def _standing(self) -> Standing:
        with answered(self.city):
            return read_standing(self.city.app.get(f"/v1/broadcasts/{self.broadcast}").body)

    def _count_texts(self) -> None:
        new = self.city.world("GET", f"/outbox?channel=sms&since={self._last_seq}")["messages"]
        self._taken += len(new)
        self._last_seq = new[-1]["seq"] if new else self._last_seq

    def _after_the_last_news(self) -> Standing:
        """Receipts of the last messages come within seconds; counts show them."""
        end = time.monotonic() + _NEWS_SECONDS
        while self._news_is_coming() and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)
        time.sleep(2 * _LOOK_SECONDS)
        standing = self._standing()
        self.show(standing.line(self.seconds, self.everybody))
        return standing

    def _news_is_coming(self) -> bool:
        found = self.city.world("GET", "/outbox")["messages"]
        return any(one["status"] in _UNTOLD for one in found if one["channel"] != "kiosk")

    # --- acting ------------------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        pid = self.city.kill_app()
        self.say("Kill", f"kill -9 of the app, process {pid}, after {self._taken:,} texts; the city ended")
        self.city.start()
        self.say("City", "started again; it goes on where it was")

    def _only_time_helps(self, standing: Standing) -> bool:
        """Whether nothing moves any more: what is left waits for a lease, a window, or a try again later."""
        if standing.state != "sending":
            return False
        still = time.monotonic() - self._still_since
        if self._moved_at > self._still_since:
            return True
        patience = _STUCK_SECONDS if standing.sum(*WAITING) else _STILL_SECONDS
        return still >= patience and not self._news_is_coming()

    def _move(self, standing: Standing) -> None:
        self._moved_at = time.monotonic()
        self.city.world("POST", "/clock", {"advance": MOVE})
        waiting = f"{standing.sum(IN_DOUBT):,} in doubt, {standing.sum(IN_HAND):,} in hand and {standing.sum(*WAITING):,} waiting"
        self.say("Clock", f"moved on by 5 minutes: {waiting} need time to pass")


@contextmanager
def answered(city: DrilledCity) -> Iterator[None]:
    """Words for an app that does not answer."""
    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        raise CityFailed(f"The app does not answer. Its log is {city.options.state_dir / 'app.log'}.") from error
