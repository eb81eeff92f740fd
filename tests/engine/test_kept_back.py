"""A launch that is weighed, kept back or let go dies before and after every call: nothing is counted twice, and everything is told."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.jobs import read_fan_out, read_launch
from chalicelib.errors import Conflict
from chalicelib.flows.approve import approve
from chalicelib.flows.launch import launch
from chalicelib.flows.services import Services
from chalicelib.flows.sweep import sweep
from chalicelib.store.stores import Stores
from tests.engine.town import Crash, Killer, Watched
from tests.intake.desk import Desk, a_notice

CITY = re.sub(r"\[limits\]\n(?:.+\n)+\n", "", Path("city.toml").read_text("utf-8"))
EMPTY = re.compile(r"T#[a-z/-]+#[1-9a-f]$")
"""Shards with nobody in them are all alike: one stands for the others."""


@dataclass(frozen=True)
class Sent:
    """A desk, and the source's last broadcast: due, and its launch queued."""

    desk: Desk
    broadcast: str
    job: str


def a_source_that_sent(folder: Path, before: int, *, cap: int, budget: int = 100, people: int = 10) -> Sent:
    """So many broadcasts of a source were launched before this one; each costs 0.011 a head."""
    folder.mkdir(parents=True, exist_ok=True)
    city = CITY.replace("[sources.demo-city]\n", f"[sources.demo-city]\nbroadcasts_per_hour = {cap}\n")
    desk = Desk(folder, city=f"{city}\n[limits]\nspend_per_day = {budget}\n")
    for _ in range(people):
        desk.follower("transit", shard=0)
    job = ""
    for number in range(before + 1):
        desk.hook("demo-city", a_notice(f"n{number}", content={"en": {"title": f"{number}", "body": "…"}}))
        desk.publish()
        (job,) = desk.queued("launch")
        if number < before:
            launch(read_launch(job), services=desk.services)
    desk.queued("fan-out-routine")
    return Sent(desk, str(json.loads(job)["broadcast"]), job)


def dying(services: Services, killer: Killer) -> Services:
    store = Stores(Watched(services.store.table, killer), services.store.vault)
    return replace(services, store=store, queues=Watched(services.queues, killer))


def calls(work: Callable[[Services], object], services: Services) -> list[tuple[int, str]]:
    """The calls there are to die at."""
    killer = Killer()
    work(dying(services, killer))
    found = [(number, call) for number, call in enumerate(killer.names, 1) if not EMPTY.search(call)]
    assert len(found) >= 5
    return found


def every_death(folder: Path, make: Callable[[Path], Sent], work: Callable[[Sent, Services], object]) -> Any:
    """Each death of that work, on a fresh desk; what died is done again afterwards, and the schedule ticks."""
    clean = make(folder / "clean")
    for at, call in calls(lambda services: work(clean, services), clean.desk.services):
        for after in (False, True):
            sent = make(folder / f"{at}{after}")
            with pytest.raises(Crash):
                work(sent, dying(sent.desk.services, Killer(at=at, after=after)))
            again(sent, work)
            yield sent, f"died {'after' if after else 'before'} {call}"
            sent.desk.state.file.close()


def again(sent: Sent, work: Callable[[Sent, Services], object]) -> None:
    work(sent, sent.desk.services)
    sent.desk.clock.advance(timedelta(minutes=2))
    sweep(services=sent.desk.services)
    for job in sent.desk.queued("launch"):
        launch(read_launch(job), services=sent.desk.services)


def launched(sent: Sent, services: Services) -> None:
    launch(read_launch(sent.job), services=services)


def rows(sent: Sent, partition: str, prefix: str = "") -> list[dict[str, Any]]:
    return [dict(row.values) for row in sent.desk.state.table.query(partition, prefix=prefix).rows]


def state_of(sent: Sent) -> tuple[str, str | None]:
    found = sent.desk.services.store.broadcasts.get(sent.broadcast)
    assert found
    return str(found.state), str(found.review.reason) if found.review else None


def reviews(sent: Sent) -> int:
    return [one.what for one in sent.desk.services.store.audit.of(sent.broadcast)].count("broadcast.needs_review")


def test_a_launch_that_dies_anywhere_is_counted_once(tmp_path: Path) -> None:
    for sent, died in every_death(tmp_path, lambda folder: a_source_that_sent(folder, 1, cap=2), launched):
        assert state_of(sent) == ("sending", None), died
        assert [one["recipients"] for one in rows(sent, "SOURCE#demo-city", "SENT#")] == [10, 10], died
        assert [one["micros"] for one in rows(sent, "SPENT#2026-12")] == [110_000, 110_000], died
        shards = {read_fan_out(body).shard for body in sent.desk.queued("fan-out-routine") if read_fan_out(body).broadcast == sent.broadcast}
        assert shards == set(range(16)), died


def test_a_third_breach_that_dies_anywhere_pauses_the_source_once_and_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for sent, died in every_death(tmp_path, lambda folder: a_source_that_sent(folder, 3, cap=1), launched):
        state, reason = state_of(sent)
        assert (state, reason in {"source_broadcasts", "source_paused"}, reviews(sent)) == ("needs_review", True, 1), died
        assert [one["recipients"] for one in rows(sent, "SOURCE#demo-city", "SENT#")] == [10], died
        assert len(rows(sent, "SOURCE#demo-city", "BREACH#")) == 2 + (reason == "source_broadcasts"), died
        assert [one["micros"] for one in rows(sent, "SPENT#2026-12")] == [110_000], died
        assert set(sent.desk.services.store.switches.thrown()) == {"source:demo-city"}, died
        assert len(sent.desk.services.store.audit.of("switch:source:demo-city")) == 1, died
        told = [record.getMessage() for record in caplog.records]
        assert {"broadcast waits for review", "source paused by itself"} <= set(told), died
        assert [record.fields["broadcast"] for record in caplog.records if "broadcast" in record.fields].count(sent.broadcast) >= 1, died  # type: ignore[attr-defined]
        caplog.clear()


def test_a_launch_over_the_budget_that_dies_anywhere_spends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    for sent, died in every_death(tmp_path, lambda folder: a_source_that_sent(folder, 1, cap=100, budget=1, people=50), launched):
        assert (*state_of(sent), reviews(sent)) == ("needs_review", "spend", 1), died
        assert len(rows(sent, "SPENT#2026-12")) == len(rows(sent, "SOURCE#demo-city", "SENT#")) == 1, died
        assert sent.desk.services.store.switches.thrown() == {}, died


def kept_back(folder: Path) -> Sent:
    """The last broadcast is over the cap, and waits."""
    sent = a_source_that_sent(folder, 1, cap=1)
    launched(sent, sent.desk.services)
    assert state_of(sent) == ("needs_review", "source_broadcasts")
    return sent


def approved(sent: Sent, services: Services) -> None:
    approve(sent.broadcast, by="bea", services=services)


def test_an_approval_that_dies_anywhere_is_given_once_and_lets_it_go(tmp_path: Path) -> None:
    for sent, died in every_death(tmp_path, kept_back, approved):
        assert state_of(sent) == ("sending", None), died
        assert [one.what for one in sent.desk.services.store.audit.of(sent.broadcast)].count("broadcast.approved") == 1, died
        assert len(rows(sent, "SOURCE#demo-city", "SENT#")) == 2, died


def test_two_broadcasts_at_the_edge_of_a_cap_never_both_pass_it(tmp_path: Path) -> None:
    """Each counts itself before it adds up, so at least one of two sees both."""
    sent = a_source_that_sent(tmp_path, 0, cap=1)
    other = a_notice("other", content={"en": {"title": "Other", "body": "…"}})
    sent.desk.hook("demo-city", other)
    sent.desk.publish()
    (job,) = sent.desk.queued("launch")
    plain, meddling = sent.desk.services, [True]

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(plain.store.table, name)

        def query(self, partition: str, **more: Any) -> Any:
            if partition.startswith("SOURCE#") and meddling:
                meddling.clear()
                launch(read_launch(job), services=plain)
            return plain.store.table.query(partition, **more)

    launched(sent, replace(plain, store=Stores(Meddled(), plain.store.vault)))  # type: ignore[arg-type]
    assert sorted(str(one.state) for one, _ in sent.desk.broadcasts()) == ["needs_review", "sending"]


def test_an_approval_of_what_went_meanwhile_is_refused(tmp_path: Path) -> None:
    sent = kept_back(tmp_path)
    approve(sent.broadcast, by="bea", services=sent.desk.services)
    with pytest.raises(Conflict):
        approve(sent.broadcast, by="cem", services=sent.desk.services)
