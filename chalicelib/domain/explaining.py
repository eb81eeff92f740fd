"""Explaining: why somebody did or did not get a broadcast, as codes of a table with sentences for staff. The rule that is asked is the one that planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.delivery import SkipReason, State
from chalicelib.domain.matching import Mismatch, why_not
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.quiet import Window
from chalicelib.domain.reception import Hold, Occasion, Verdict, Wish, quiet_window, receive
from chalicelib.domain.times import spoken

SENTENCES: Mapping[str, str] = {
    # where the broadcast stands
    "not_launched": "The broadcast was never launched: its state is {state}.",
    "not_read_yet": "The broadcast is being sent, and the page of subscribers that they are on was not read yet.",
    "stopped_before": "The broadcast was stopped before the page of subscribers that they are on was read.",
    "corrects": "This is a correction: it went to those who got {broadcast}, or may have, and to nobody else.",
    "is_digest": "This is a digest: it went to those who had asked for one at this hour, and whom something in it concerned.",
    "other_channel": "The broadcast was not for the channel {channel}.",
    "long_ago": "After 30 days it is no longer known who got a broadcast; this is what the ledger of consent says of then.",
    # who they were
    "unknown_address": "We know of no such address.",
    "erased": "The address was erased, and what we knew of it with it.",
    "never_followed": "They followed none of its topics then.",
    "joined_after": "They joined {topic} only after it was sent, at {at}.",
    "left_before": "They had left {topic} before it was sent, at {at}.",
    "stopped": "They had said stop before it was sent, at {at}.",
    "opted_out": "They had opted out when their turn came; the address says since {at}.",
    "followed": "They followed {topic}, which brings it, since {at}.",
    # what they wanted
    "paused": "They had paused until {until}.",
    "digest": "They had asked for a {digest} digest in place of single notices.",
    "filtered": "They had asked for a part of {topic} only, and by their filter '{filter}' this is none of it.",
    "by_email": "They had asked for what only informs by email alone, and follow it there too.",
    "outside_hours": "By their filter '{filter}' they are told of {topic} only at certain times: the next begins at {until}.",
    "calm": "They had asked for the first word of an alert at once, and for what changes together, at {until}.",
    "quiet_hours": "It was quiet there from {from_} until {to} ({zone}): held until {until}.",
    # what came of it
    "planned": "They were planned for it at {at}.",
    "held": "It waits for its time, {until}.",
    "skipped": "It was not handed over: {reason}.",
    "receipt": "The provider reported: {state}.",
    "sent_again": "The answer to the first try was lost, and it was sent once more.",
    "failed": "The provider, or we, could not deliver it: {reason}.",
    "unproven": "The answer of the provider was lost, and nothing proves that it arrived.",
    "expired": "It expired before its turn came.",
    "wants_it": "Nothing that they chose stood against it.",
}

_DECIDED_BY_CHOICE = frozenset({SkipReason.PAUSED, SkipReason.DIGEST, SkipReason.FILTERED, SkipReason.BY_EMAIL})
_TIMES = frozenset({Mismatch.DAYS, Mismatch.HOURS})


@dataclass(frozen=True)
class Because:
    """One reason: a code of `SENTENCES`, and what fills its sentence."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence."""
        return SENTENCES[self.code].format(**self.values)


def decided_by_choice(reason: str) -> bool:
    """Whether a skip with this reason was what its recipient asked for."""
    return reason in _DECIDED_BY_CHOICE


def why(topic: str, wish: Wish, occasion: Occasion, now: datetime) -> tuple[Verdict, Because]:
    """What the rule says of a subscription to `topic` at a moment, and which choice decided it."""
    verdict = receive(wish, occasion, now)
    if verdict is None:
        return verdict, Because("wants_it")
    if isinstance(verdict, Hold):
        return verdict, _held(topic, wish, occasion, verdict.until, now)
    if verdict.reason == SkipReason.PAUSED and wish.preferences.paused_until:
        return verdict, Because("paused", {"until": spoken(wish.preferences.paused_until)})
    if verdict.reason == SkipReason.DIGEST:
        return verdict, Because("digest", {"digest": str(wish.preferences.digest)})
    if verdict.reason == SkipReason.BY_EMAIL:
        return verdict, Because("by_email")
    return verdict, Because("filtered", {"topic": topic, "filter": str(_mismatch(wish, occasion, now))})


def _held(topic: str, wish: Wish, occasion: Occasion, until: datetime, now: datetime) -> Because:
    mismatch = _mismatch(wish, occasion, now)
    if mismatch in _TIMES:
        return Because("outside_hours", {"topic": topic, "filter": str(mismatch), "until": spoken(until)})
    if wish.preferences.calm and occasion.calm_until == until:
        return Because("calm", {"until": spoken(until)})
    return quiet_because(wish, occasion, until)


def quiet_because(wish: Wish, occasion: Occasion, until: datetime) -> Because:
    """Held for quiet hours, theirs or the city's."""
    start, end = quiet_window(wish.channel, wish.preferences, wish.filters, occasion.quiet) or (0, 0)
    zone = _zone(wish.preferences, occasion)
    return Because("quiet_hours", {"from_": clock(start), "to": clock(end), "zone": zone.key, "until": spoken(until)})


def _mismatch(wish: Wish, occasion: Occasion, now: datetime) -> Mismatch | None:
    return why_not(wish.filters, occasion.told, zone=_zone(wish.preferences, occasion), now=now)


def _zone(preferences: Preferences, occasion: Occasion) -> ZoneInfo:
    return ZoneInfo(preferences.zone) if preferences.zone else occasion.zone


def of_state(state: State, reason: str) -> list[Because]:
    """What a standing itself tells."""
    if state is State.SKIPPED:
        return [Because("skipped", {"reason": reason.replace("_", " ")})]
    if state is State.FAILED:
        return [Because("failed", {"reason": reason or "no code was given"})]
    if state in {State.UNKNOWN, State.UNCONFIRMED}:
        return [Because("unproven")]
    return [Because("expired")] if state is State.EXPIRED else []


def clock(minutes: int) -> str:
    """A minute of the day as clocks show it."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def window_told(window: Window | None) -> tuple[str | None, str | None]:
    """From and until as clocks show them."""
    return (clock(window[0]), clock(window[1])) if window else (None, None)
