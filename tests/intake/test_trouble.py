"""When the state below is slow, or somebody else was first."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.errors import Conflict, StateContended, StateLater, TransactionRefused
from chalicelib.feeds.native import read_fields
from chalicelib.flows.approve import approve
from chalicelib.flows.post_broadcast import Order, post_broadcast
from chalicelib.flows.preview import preview
from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.receive_post import Mail, receive_post
from chalicelib.flows.services import Services
from chalicelib.flows.stop_broadcast import stop_broadcast
from chalicelib.flows.sweep import sweep
from chalicelib.store.broadcast_rows import broadcast_key, content_key
from chalicelib.store.requests import RequestName
from chalicelib.store.stores import Stores
from tests.feeds.feeds import a_feed, read
from tests.intake.desk import Desk, a_broadcast, a_notice
from tests.intake.test_corrections import Hall

BARE = {"type": "notice.cancelled", "data": {"ref": "n1", "revision": 2}}


class Meddled:
    """A table on which something happens right before each transaction, as long as there is something left to happen."""

    def __init__(self, inner: Any, *meddling: Callable[[], object]) -> None:
        self.inner, self.meddling = inner, list(meddling)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def transact(self, writes: Any) -> None:
        if self.meddling:
            self.meddling.pop(0)()
        self.inner.transact(writes)


class Slow:
    """Queues that take nothing just now."""

    def named(self, name: str) -> "Slow":
        return self

    def send(self, messages: Any) -> Any:
        raise StateLater("throttled")


def meddled(services: Services, *meddling: Callable[[], object]) -> Services:
    return replace(services, store=Stores(Meddled(services.store.table, *meddling), services.store.vault))


def later() -> None:
    raise StateLater("transaction conflict")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def order(desk: Desk) -> tuple[Order, Any]:
    notice = read_fields(a_broadcast(), topics=desk.city.topics, sent=desk.clock())  # type: ignore[arg-type]
    made = Order(notice, None, "ana", RequestName("ana", "POST", "k"), "hash")
    return made, preview(notice, None, services=desk.services)


# --- the API ---------------------------------------------------------------------------------------------------------


BUSY: dict[str, tuple[Exception, tuple[int, str]]] = {
    "the same request is being worked on": (StateContended(frozenset({0, 3})), (409, "in_flight")),
    "another request is at the same rows": (StateContended(frozenset({3})), (503, "try_later")),
    "the table throttles": (StateLater("ThrottlingError"), (503, "try_later")),
}


@pytest.mark.parametrize(("trouble", "told"), BUSY.values(), ids=BUSY.keys())
@pytest.mark.parametrize("corrects", [False, True], ids=["a post", "a correction"])
def test_a_busy_table_is_told_from_a_request_in_flight(tmp_path: Path, trouble: Exception, told: tuple[int, str], corrects: bool) -> None:
    def fail() -> None:
        raise trouble

    hall = Hall(tmp_path)
    hall.follower("transit")
    wrong = hall.sent()
    sweep(services=hall.services)
    hall.services = meddled(hall.services, fail)
    words = {"content": {"en": {"title": "Other", "body": "words"}}}
    reply = hall.post(f"/v1/broadcasts/{wrong}/correct", words) if corrects else hall.post("/v1/broadcasts", a_broadcast(**words))
    assert (reply.status, reply.code, len(hall.broadcasts())) == (*told, 1)
    assert reply.headers.get("Retry-After") == (None if told == (409, "in_flight") else "2")


def test_a_transaction_lost_to_anything_but_the_key_is_not_taken_for_a_replay(desk: Desk) -> None:
    made, found = order(desk)
    fixed = replace(desk.services, new_id=lambda: "1" * 32)
    post_broadcast(made, found, services=fixed)
    other = replace(made, request=RequestName("ana", "POST", "k2"))
    with pytest.raises(TransactionRefused):
        post_broadcast(other, found, services=fixed)


def test_a_broadcast_is_kept_though_its_launch_cannot_be_queued(desk: Desk) -> None:
    made, found = order(desk)
    posted = post_broadcast(made, found, services=replace(desk.services, queues=Slow()))  # type: ignore[arg-type]
    sweep(services=desk.services)
    assert desk.queued("launch") == [json.dumps({"broadcast": posted.answer["id"]})]


def test_an_approval_looks_again_where_somebody_was_first(desk: Desk) -> None:
    name = desk.post("/v1/broadcasts", a_broadcast(kind="emergency")).json["id"]
    first = meddled(desk.services, lambda: approve(name, by="bea", services=desk.services))
    with pytest.raises(Conflict):
        approve(name, by="cem", services=first)
    stopped = desk.post("/v1/broadcasts", a_broadcast(kind="emergency", topics=["events"])).json["id"]
    with pytest.raises(Conflict):
        approve(stopped, by="cem", services=meddled(desk.services, lambda: stop_broadcast(stopped, by="ana", services=desk.services)))
    assert {one.what for one in desk.services.store.audit.of(stopped)} == {"broadcast.created", "broadcast.stopped"}


# --- posts -----------------------------------------------------------------------------------------------------------


def mail(desk: Desk, webhook: str = "msg_1", body_hash: str = "h", **changes: Any) -> Mail:
    return Mail(desk.city.sources["demo-transit"], webhook, body_hash, read(a_feed(), **changes))


def test_of_two_posts_with_one_id_at_once_the_second_gets_the_firsts_answer(desk: Desk) -> None:
    answers: list[Any] = []
    services = meddled(desk.services, lambda: answers.append(receive_post(mail(desk), services=desk.services)))
    answers.append(receive_post(mail(desk), services=services))
    assert answers[0].answer == answers[1].answer
    assert len(desk.queued("intake")) == 1


def test_of_two_bodies_with_one_id_at_once_the_second_is_a_conflict(desk: Desk) -> None:
    services = meddled(desk.services, lambda: receive_post(mail(desk), services=desk.services))
    with pytest.raises(Conflict):
        receive_post(mail(desk, body_hash="other"), services=services)


def test_a_post_that_could_not_be_kept_is_not_answered(desk: Desk) -> None:
    def refuse() -> None:
        raise TransactionRefused({1: None})

    with pytest.raises(TransactionRefused):
        receive_post(mail(desk), services=meddled(desk.services, refuse))
    assert desk.services.store.posts.due(desk.clock() + timedelta(days=1)) == []


def test_a_post_is_kept_though_it_cannot_be_queued(desk: Desk) -> None:
    post = receive_post(mail(desk), services=replace(desk.services, queues=Slow()))  # type: ignore[arg-type]
    assert desk.services.store.posts.due(desk.clock() + timedelta(minutes=1)) == [post.id]


def test_a_worker_looks_again_where_another_post_was_first(desk: Desk) -> None:
    first = desk.hook("demo-city", a_notice("n1", revision=None)).json["id"]
    second = desk.hook("demo-city", a_notice("n1", revision=None, content={"en": {"title": "Later", "body": "Later."}})).json["id"]
    publish_post(first, services=meddled(desk.services, lambda: publish_post(second, services=desk.services)))
    titles = [content.texts["en"].title for _, content in desk.broadcasts()]
    assert sorted(titles) == ["Later", "Red Line: shuttle buses"]
    states = {content.texts["en"].title: broadcast.state for broadcast, content in desk.broadcasts()}
    assert list(states.values()).count(BroadcastState.SCHEDULED) == 1


def test_a_worker_whose_own_twin_was_first_goes_on(desk: Desk) -> None:
    post = desk.hook("demo-city", a_notice("n1")).json["id"]
    publish_post(post, services=meddled(desk.services, lambda: publish_post(post, services=desk.services)))
    assert len(desk.broadcasts()) == 1
    assert len(desk.queued("launch")) == 2


def test_a_notice_that_others_keep_changing_is_left_to_the_queue(desk: Desk) -> None:
    post = desk.hook("demo-city", a_notice("n1")).json["id"]

    def refuse() -> None:
        raise TransactionRefused({0: {}})

    with pytest.raises(StateLater):
        publish_post(post, services=meddled(desk.services, *[refuse] * 5))
    publish_post(post, services=desk.services)
    assert len(desk.broadcasts()) == 1


@pytest.mark.parametrize(
    ("withdrawal", "told"), [(a_notice("n1", type="notice.cancelled", revision=2, topics=["events"]), 1), (BARE, 0)], ids=["with words", "bare"]
)
def test_a_withdrawal_of_what_is_no_longer_kept_can_only_say_its_own_words(desk: Desk, withdrawal: Any, told: int) -> None:
    desk.hook("demo-city", a_notice("n1"))
    desk.publish()
    ((broadcast, _),) = desk.broadcasts()
    desk.state.table.delete(broadcast_key(broadcast.id))
    desk.state.table.delete(content_key(broadcast.id))
    desk.hook("demo-city", withdrawal)
    desk.publish()
    assert [(one.audience.topics, str(content.act)) for one, content in desk.broadcasts()] == [(("events",), "cancelled")] * told
