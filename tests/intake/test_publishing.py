"""Publishing a post: once, whatever dies and whoever else is at it."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.flows.publish_post import publish_post
from chalicelib.flows.services import Services
from chalicelib.store.stores import Stores
from tests.feeds.feeds import a_feed, an_alert
from tests.intake.desk import Desk, a_notice


class Crash(BaseException):
    """The process dies here."""


class Dying:
    """A table or queue that dies before or after its n-th call."""

    def __init__(self, inner: Any, counter: list[int], at: int, after: bool) -> None:
        self.inner, self.counter, self.at, self.after = inner, counter, at, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name == "named":
            return lambda queue: Dying(found(queue), self.counter, self.at, self.after)
        return lambda *args, **kwargs: self._call(found, args, kwargs)

    def _call(self, found: Any, args: Any, kwargs: Any) -> Any:
        self.counter[0] += 1
        if self.counter[0] == self.at and not self.after:
            raise Crash
        answer = found(*args, **kwargs)
        if self.counter[0] == self.at:
            raise Crash
        return answer


def dying(services: Services, at: int, *, after: bool) -> tuple[Services, list[int]]:
    counter = [0]
    store = Stores(Dying(services.store.table, counter, at, after), services.store.vault)
    return replace(services, store=store, queues=Dying(services.queues, counter, at, after)), counter


def taken(desk: Desk) -> str:
    """A post of two alerts, the second of which changes an older one."""
    desk.hook("demo-transit", a_feed(an_alert("b", header_text="Old")))
    desk.publish()
    desk.queued("launch")
    reply = desk.hook("demo-transit", a_feed(an_alert("a"), an_alert("b", header_text="New")))
    desk.queued("intake")
    return str(reply.json["id"])


def calls(folder: Path) -> int:
    desk = Desk(folder)
    services, counter = dying(desk.services, 0, after=False)
    publish_post(taken(desk), services=services)
    return counter[0]


def test_a_worker_that_dies_at_any_call_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    total = calls(tmp_path)
    assert total > 10
    for at in range(1, total + 1):
        for after in (False, True):
            folder = tmp_path / f"{at}{after}"
            folder.mkdir()
            desk = Desk(folder)
            post = taken(desk)
            services, _ = dying(desk.services, at, after=after)
            with pytest.raises(Crash):
                publish_post(post, services=services)
            publish_post(post, services=desk.services)
            assert sorted(content.texts["en"].title for _, content in desk.broadcasts()) == ["Detour", "New", "Old"], (at, after)
            desk.clock.advance(timedelta(days=1))
            assert desk.services.store.posts.due(desk.clock()) == []
            live = {one.id for one, _ in desk.broadcasts() if one.state is BroadcastState.SCHEDULED}
            assert {json.loads(body)["broadcast"] for body in desk.queued("launch")} <= live
            desk.state.file.close()


def test_a_done_post_published_again_changes_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    post = taken(desk)
    publish_post(post, services=desk.services)
    rows = desk.rows()
    publish_post(post, services=desk.services)
    publish_post("in_" + "0" * 32, services=desk.services)
    assert desk.rows() == rows


def test_two_workers_on_one_post_make_each_broadcast_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    reply = desk.hook("demo-transit", a_feed(*[an_alert(f"a{number}") for number in range(12)]))
    workers = [threading.Thread(target=publish_post, args=(reply.json["id"],), kwargs={"services": desk.services}) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(desk.broadcasts()) == 12


def test_a_post_worked_off_late_never_replaces_a_later_word(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    first = desk.hook("demo-city", a_notice("n1", revision=None)).json["id"]
    desk.clock.advance(timedelta(seconds=5))
    second = desk.hook("demo-city", a_notice("n1", revision=None, content={"en": {"title": "Later", "body": "Later."}})).json["id"]
    publish_post(second, services=desk.services)
    publish_post(first, services=desk.services)
    assert [content.texts["en"].title for _, content in desk.broadcasts()] == ["Later"]


def test_a_notice_that_expired_in_the_queue_is_not_sent(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    post = desk.hook("demo-city", a_notice("n1", expires_at="2026-12-01T12:05:00Z")).json["id"]
    desk.clock.advance(timedelta(minutes=6))
    publish_post(post, services=desk.services)
    assert desk.broadcasts() == []


def test_a_post_of_a_source_that_is_gone_is_put_away(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    post = desk.hook("demo-city", a_notice("n1")).json["id"]
    publish_post(post, services=replace(desk.services, city=replace(desk.city, sources={})))
    desk.clock.advance(timedelta(days=1))
    assert (desk.broadcasts(), desk.services.store.posts.due(desk.clock())) == ([], [])


def test_a_post_that_keeps_failing_is_looked_after_ever_more_rarely(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    name = desk.hook("demo-city", a_notice("n1")).json["id"]
    store, waits = desk.services.store.posts, []
    for _ in range(12):
        post = store.get(name)
        assert post is not None
        assert store.begin(post, desk.clock())
        before = desk.clock()
        while not store.due(desk.clock()):
            desk.clock.advance(timedelta(minutes=1))
        waits.append((desk.clock() - before) // timedelta(minutes=1))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
