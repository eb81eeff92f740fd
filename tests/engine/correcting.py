"""Correcting in a town: what a communicator would post, and what came of it."""

from typing import Any

from chalicelib.domain.address import Channel
from chalicelib.domain.broadcast import Broadcast
from chalicelib.domain.correction import MAY_HAVE
from chalicelib.domain.notice import Kind, Notice, Severity, Text, Urgency
from chalicelib.flows.correct import Correction, correct
from chalicelib.flows.services import Services
from chalicelib.store.requests import RequestName
from tests.engine.town import Town

Recipients = set[tuple[str, Channel]]


def a_correction(wrong: str, *, key: str = "k", severity: Severity | None = None, urgency: Urgency | None = None) -> Correction:
    """What is right, as somebody posts it under a name for the request."""
    notice = Notice("", Kind.ANNOUNCEMENT, Severity.MODERATE, {"en": Text("Sorry", "This is right")}, "en")
    return Correction(wrong, notice, severity, urgency, "ben", RequestName("ben", f"correct {wrong}", key), "hash")


def corrected(town: Town, wrong: str, *, services: Services | None = None, **said: Any) -> str:
    """The id of the correction of a broadcast."""
    return str(correct(a_correction(wrong, **said), services=services or town.services).answer["id"])


def recipients(town: Town, name: str) -> Recipients:
    """The audience of a broadcast, as its rows have it. Fails where anybody is in it twice."""
    found = [(subscriber, channel) for subscriber, channel, _ in town.standings(name)]
    assert len(found) == len(set(found))
    return set(found)


def may_have(town: Town, name: str) -> Recipients:
    """Who got a broadcast, or may have, as its rows have it."""
    return {(subscriber, channel) for subscriber, channel, mark in town.standings(name) if mark.state in MAY_HAVE}


def broadcast(town: Town, name: str) -> Broadcast:
    """A broadcast as it stands."""
    found = town.plain.broadcasts.get(name)
    assert found
    return found
