"""The same doors over DynamoDB and SQS, as moto plays them: each kind of write once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from chalicelib.domain.broadcast import BroadcastState
from chalicelib.flows.publish_post import publish_post
from chalicelib.store.api_keys import SCOPES
from chalicelib.store.stores import Stores
from tests.aws_tables import moto_city
from tests.feeds.feeds import a_feed, an_alert
from tests.intake.desk import Desk, a_broadcast, a_notice


def test_a_post_an_update_and_an_approval_are_kept_in_dynamodb(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with moto_city() as city:
        desk.services = replace(desk.services, store=Stores(city.table, desk.services.store.vault), queues=city.queues)
        for name in ("ana", "bea"):
            desk.services.store.api_keys.put(f"key-of-{name}", name=name, scopes=SCOPES, now=desk.clock())
        feed = a_feed(an_alert("a", active_period=[{"start": 5}]), an_alert("b", header_text="Other"))
        post = desk.hook("demo-transit", feed, id="msg_1").json
        assert (post["accepted"], desk.hook("demo-transit", feed, id="msg_1").json) == (["a", "b"], post)
        assert desk.services.store.posts.due(desk.clock() + timedelta(minutes=1)) == [post["id"]]
        publish_post(post["id"], services=desk.services)
        assert desk.services.store.posts.due(desk.clock() + timedelta(days=1)) == []
        assert {one["code"] for one in desk.hook("demo-transit", feed).json["ignored"]} == {"unchanged"}

        desk.clock.advance(timedelta(seconds=1))
        desk.hook("demo-city", a_notice("n1", send_at="2026-12-02T12:00:00Z"))
        for event in (a_notice("n1", revision=2, kind="event"), {"type": "notice.ended", "data": {"ref": "n1"}}):
            desk.clock.advance(timedelta(seconds=1))
            publish_post(desk.hook("demo-city", event).json["id"], services=desk.services)

        desk.clock.advance(timedelta(seconds=1))
        urgent = desk.post("/v1/broadcasts", a_broadcast(kind="emergency"), key="ana", name="k1")
        assert desk.post("/v1/broadcasts", a_broadcast(kind="emergency"), key="ana", name="k1").json == urgent.json
        assert desk.post(f"/v1/broadcasts/{urgent.json['id']}/approve", key="bea").json["state"] == "scheduled"
        assert [one["state"] for one in desk.get("/v1/broadcasts?limit=2", key="ana").json["data"]] == ["scheduled", "stopped"]
        assert len([one for one, _ in desk.broadcasts() if one.state is BroadcastState.SCHEDULED]) == 3
