"""The same talk and the same sign-up over DynamoDB and SQS, as moto plays them: what AWS refuses, we do not write."""

from dataclasses import replace
from pathlib import Path

from chalicelib.domain.address import Address, Channel
from chalicelib.store.stores import Stores
from tests.aws_tables import moto_city
from tests.conversation.booth import Booth
from tests.pages.test_sign_up import PICKED


def test_a_talk_and_a_sign_up_over_dynamodb(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    with moto_city() as city:
        store = Stores(city.table, booth.services.store.vault)
        booth.services = replace(booth.services, store=store, queues=city.queues)
        for text in ("hello", "2", "JOIN transit", "empleos", "STOP 14 bus?", "LANG ar", "STOP", "STOP", "START", "JOIN events", "LEAVE jobs"):
            assert booth.text(text, sid="SM" + text.encode().hex()) == booth.text(text, sid="SM" + text.encode().hex())
        assert {one.topic: one.locale for one in booth.person().subscriptions} == {"events": "ar", "transit": "ar"}
        assert len(booth.ledger()) == 10
        assert booth.submit("/join", PICKED).status == 200
        [reply] = store.replies.due(booth.clock().replace(year=2027))
        claimed = store.replies.claim(reply, booth.clock(), claim="c1")
        assert claimed
        link = booth.services.tokens.sign("confirm", claimed.about)
        assert booth.submit(f"/confirm/{link}").status == 200
        reader = store.subscribers.find(Address(Channel.EMAIL, "ana@example.org"))
        assert reader.topics == ["jobs", "transit"]
        end = booth.services.tokens.sign("unsubscribe", reader.subscriptions[0].subscriber, "jobs", "email")
        assert booth.submit(f"/unsubscribe/{end}").status == 200
        assert store.subscribers.find(Address(Channel.EMAIL, "ana@example.org")).topics == ["transit"]
