"""Sign-ups, caps and the watchdog over DynamoDB and SQS, as moto plays them: what AWS refuses, we do not write."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from chalicelib.domain.city import SignUpLimits
from chalicelib.flows.ask_question import ask_question
from chalicelib.flows.send_reply import send_reply
from chalicelib.store.stores import Stores
from chalicelib.store.switches import SIGN_UPS
from tests.aws_tables import moto_city
from tests.flows.counter import Counter


def test_phones_are_asked_capped_and_let_in_over_dynamodb(tmp_path: Path) -> None:
    counter = Counter(tmp_path, limits=SignUpLimits(per_hour=5, reserve=2))
    with moto_city() as city:
        store = Stores(city.table, counter.services.store.vault)
        counter.services = replace(counter.services, store=store, queues=city.queues)
        for of in (1, 1, 2, 3, 4):
            counter.submit("/join", [("topic", "transit"), ("phone", f"202555010{of}"), ("language", "en")])
        assert store.switches.thrown()[SIGN_UPS].why == "used_up"
        question = ask_question("en", services=counter.services)
        counter.clock.advance(timedelta(seconds=10))
        answered = [("topic", "jobs"), ("phone", "2025550104"), ("question", question.token), ("answer", question.word), ("language", "en")]
        assert 'name="answer"' not in counter.submit("/join", answered).text
        for reply in store.replies.due(counter.clock() + timedelta(minutes=5)):
            send_reply(reply, services=counter.services)
        assert sorted(to for to, _ in counter.got) == [f"+1202555010{of}" for of in (1, 2, 3, 4)]
        assert counter.text("YES", phone="+12025550104")
        person = counter.person("+12025550104")
        assert [one.topic for one in person.subscriptions] == ["jobs"]
        counter.clock.advance(timedelta(hours=12))
        for reply in store.replies.due(counter.clock()):
            send_reply(reply, services=counter.services)
        assert sorted(to for to, _ in counter.got[4:]) == [f"+1202555010{of}" for of in (1, 2, 3)]
