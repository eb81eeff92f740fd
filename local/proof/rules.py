"""What no broadcast may do, whatever happens to it: I3 to I7, I9 and I10."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import unquote

from chalicelib.domain.address import Channel
from chalicelib.domain.batch import LAST_CALL
from chalicelib.domain.broadcast import APPROVAL_ABOVE, Broadcast, hash_of
from chalicelib.settings import Stage
from local.proof.case import Case
from local.proof.records import Delivery, short
from local.proof.truth import Attempt, OptOut

AFTER_ANSWER = timedelta(seconds=5)
AFTER_STOP = timedelta(seconds=60)
SECOND_PERSON = "second_person"
SOMEBODY = "*"
"""Whoever it was: the broadcast's row does not say."""


# --- I3: opt-outs ----------------------------------------------------------------------------------------------------


def opt_outs_heeded(case: Case) -> Iterator[str]:
    """No attempt was marked after its address opted out, and none began more than 5 s after its owner had our answer."""
    outs: dict[str, list[OptOut]] = {}
    for out in [*case.truth.opt_outs, *_written(case)]:
        outs.setdefault(out.address, []).append(out)
    for one in case.each():
        for attempt in case.attempts.get(one.place, ()):
            yield from _after(one, attempt, outs.get(one.address, []))


def _written(case: Case) -> list[OptOut]:
    return [OptOut(known.hash, known.opted_out) for known in case.records.addresses.values() if known.opted_out]


def _after(one: Delivery, attempt: Attempt, outs: Iterable[OptOut]) -> Iterator[str]:
    """An unseen mark was written at most 40 s before its call."""
    marked = attempt.marked_at or attempt.at - LAST_CALL
    for out in outs:
        if out.written < marked and (out.ended is None or marked < out.ended):
            yield f"I3: {one} was marked after its address had opted out"
        if out.answered and out.answered + AFTER_ANSWER < attempt.at and (out.ended is None or attempt.at < out.ended):
            yield f"I3: {one} was attempted more than 5 s after its opt-out was answered"


# --- I4: approval ----------------------------------------------------------------------------------------------------


def all_approved(case: Case) -> Iterator[str]:
    """Nothing is attempted without an approval, given before, of exactly this content and audience, by whom it takes."""
    first: dict[str, datetime] = {}
    attempted = [(place, one.at) for place, calls in case.attempts.items() for one in calls]
    taken = [(place, one.at) for place, calls in case.hand_overs.items() for one in calls]
    for place, at in [*attempted, *taken]:
        first[place[0].broadcast] = min(at, first.get(place[0].broadcast, at))
    for name, began in first.items():
        broadcast, content = case.records.broadcasts.get(name), case.records.contents.get(name)
        if broadcast is None or content is None:
            yield f"I4: {short(name)} was attempted and there is no such broadcast"
        elif broadcast.approval is None or began < broadcast.approval.at:
            yield f"I4: {short(name)} was attempted before it was approved"
        elif not broadcast.approval.hash == broadcast.content_hash == hash_of(content, broadcast.audience):
            yield f"I4: {short(name)} is not what was approved"
        elif _lacks_second_person(broadcast):
            yield f"I4: {short(name)} was not approved by a second person"


def _lacks_second_person(broadcast: Broadcast) -> bool:
    """A source that the city trusts is approved once and for all (docs/decisions/0008-a-source-is-approved-once.md)."""
    if broadcast.approval is None or broadcast.author.startswith("source:"):
        return False
    if broadcast.approval.rule == SECOND_PERSON:
        return broadcast.approval.by == broadcast.author
    return broadcast.urgent or max((broadcast.planned or {}).values(), default=0) > APPROVAL_ABOVE


# --- I5: stop and expiry ---------------------------------------------------------------------------------------------


def nothing_after_the_end(case: Case) -> Iterator[str]:
    """Nothing is handed over after a broadcast's expiry, nor later than 60 s after its stop."""
    for one in case.each():
        broadcast = case.records.broadcasts[one.broadcast]
        for call in case.hand_overs.get(one.place, ()):
            if call.timed and call.at > broadcast.expires_at + case.truth.late:
                yield f"I5: {one} was handed over after its expiry"
            if call.timed and broadcast.stop_at and call.at > broadcast.stop_at + AFTER_STOP + case.truth.late:
                yield f"I5: {one} was handed over more than 60 s after the stop"


# --- I6: pace --------------------------------------------------------------------------------------------------------


def pace_kept(case: Case) -> Iterator[str]:
    """In no second of the clock does a provider get more than the pace of its channel, letters to one person among them."""
    handed = Counter((one.to.channel, one.at.replace(microsecond=0)) for one in case.truth.hand_overs if one.timed)
    called = Counter((one.to.channel, one.at.replace(microsecond=0)) for one in case.truth.attempts)
    for (channel, second), number in sorted((handed | called).items()):
        most = case.truth.pace.get(channel)
        if most is not None and number > most * (1 + case.truth.late.total_seconds()):
            yield f"I6: {number} on {channel} at {second:%H:%M:%S}, where {most} a second are agreed"


# --- I7: audit -------------------------------------------------------------------------------------------------------


def people_on_record(case: Case) -> Iterator[str]:
    """Who made, approved or stopped a broadcast is on record, once each, and nobody else is. What a guard kept back may be approved once more."""
    for name, broadcast in case.records.broadcasts.items():
        second = broadcast.approval if broadcast.approval and broadcast.approval.rule == SECOND_PERSON else None
        due = {"created": broadcast.author, "approved": second.by if second else None, "stopped": SOMEBODY if broadcast.stop_at else None}
        for what, who in due.items():
            found = [entry.who for entry in case.records.audit.get(name, ()) if entry.what == f"broadcast.{what}"]
            if not (who is not None) <= len(found) <= (who is not None) * (1 + _kept_back(case, name) * (what == "approved")):
                yield f"I7: {short(name)} has {len(found)} entries of being {what}, where {int(who is not None)} is due"
            elif found and who not in {SOMEBODY, *found}:
                yield f"I7: {short(name)} was {what} by somebody else than its audit says"


def _kept_back(case: Case, name: str) -> int:
    """How often a guard let it wait for a person."""
    return sum(entry.what == "broadcast.needs_review" for entry in case.records.audit.get(name, ()))


# --- I9: training ----------------------------------------------------------------------------------------------------


def training_reaches_nobody(case: Case) -> Iterator[str]:
    """In training no provider ever gets anything."""
    if case.truth.stage is Stage.TRAINING and (case.truth.hand_overs or case.truth.attempts):
        yield f"I9: training reached a provider {len(case.truth.attempts) or len(case.truth.hand_overs)} times"


# --- I10: addresses in the open --------------------------------------------------------------------------------------

_DIGITS = re.compile(r"\d{7,15}")
_EMAIL = re.compile(r"[\w.%+-]+@[\w.-]+\w")


def no_address_in_the_open(case: Case, texts: Iterable[str]) -> Iterator[str]:
    """No phone number and no email address in a key, nor in any text given: log lines, URLs, bodies of queues and dead letters."""
    known = _known(case)
    for key in case.records.rows:
        if _names(f"{key.partition} {key.sort}", known):
            yield f"I10: an address stands in a key that begins with {key.partition.split('#')[0]}#"
    for number, text in enumerate(texts):
        if _names(text, known):
            yield f"I10: an address stands in text {number} of those given"


def _known(case: Case) -> frozenset[str]:
    """Every address there is, as it could be written: a number also without its country."""
    sealed = [case.vault.open_address_or_none(known.sealed) for known in case.records.addresses.values()]
    outside = [*(one.to for one in case.truth.hand_overs), *(one.to for one in case.truth.attempts)]
    found = {one for one in sealed if one} | set(outside)
    numbers = {one.value.removeprefix("+") for one in found if one.channel is Channel.SMS}
    return frozenset(numbers | {one[1:] for one in numbers if one[0] == "1"} | {one.value for one in found if one.channel is Channel.EMAIL})


def _names(text: str, known: frozenset[str]) -> bool:
    plain = unquote(text) if "%" in text else text
    return not known.isdisjoint(_DIGITS.findall(plain)) or ("@" in plain and not known.isdisjoint(_EMAIL.findall(plain.lower())))
