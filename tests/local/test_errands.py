"""Status callbacks: signed, told in time, and told again when the app was away."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from chalicelib.channels.ses_events import TAG
from local.options import NUMBER
from local.world.errands import Errands, TwilioCallbacks
from local.world.ledger import Errand, Message
from tests.local.worlds import NOON, SmallWorld, a_stand_in, a_world

ANA = "+14155550101"


class NoQueue:
    """The queue of a topic nobody publishes to."""

    def send(self, messages: object) -> tuple[()]:
        raise AssertionError(f"nothing should be published, least of all {messages} with {TAG}")


def errands_of(city: SmallWorld, callback: Callable[[Errand], bool], now: float) -> Errands:
    return Errands(city.world.ledger, callback=callback, events=NoQueue(), seconds=lambda: now)


def a_text(city: SmallWorld, *errands: Errand) -> int:
    text = Message("sms", "api", NUMBER, ANA, "Hello", NOON, provider_id="SM1", status="queued")
    return city.world.ledger.record([text], lambda _: errands)[0].seq


def status_of(city: SmallWorld) -> str:
    return str(city.web.get("/outbox").json["messages"][-1]["status"])


def test_a_callback_is_signed_over_its_whole_url_and_goes_where_the_app_is_now(tmp_path: Path) -> None:
    with a_stand_in() as app:
        city = a_world(tmp_path, port=app.port)
        seq = a_text(city, Errand(0, "callback", "delivered", "http://127.0.0.1:1/sms/status?t=a%20b"))
        keys = city.world.keyring
        post = TwilioCallbacks(city.world.ledger, app_url=city.options.app_url, account_sid=keys.account_sid, auth_token=keys.auth_token)
        assert post(Errand(0, "callback", "delivered", "http://127.0.0.1:1/sms/status?t=a%20b", seq=seq))
        heard = app.heard[0]
        form = {name: values[0] for name, values in parse_qs(heard.body.decode()).items()}
        url = f"{city.options.app_url}/sms/status?t=a%20b"
        assert RequestValidator(keys.auth_token).validate(url, form, heard.headers["X-Twilio-Signature"])
        assert (heard.path, form["MessageStatus"], form["MessageSid"], form["To"]) == ("/sms/status?t=a%20b", "delivered", "SM1", ANA)


@pytest.mark.parametrize(("status", "told"), [(204, True), (403, True), (500, False), (503, False)])
def test_a_refusal_is_an_answer_and_a_failure_is_none(tmp_path: Path, status: int, told: bool) -> None:
    with a_stand_in() as app:
        app.status = status
        city = a_world(tmp_path, port=app.port)
        errand = Errand(0, "callback", "sent", f"{city.options.app_url}/sms/status?t=x", seq=a_text(city))
        assert TwilioCallbacks(city.world.ledger, app_url=city.options.app_url, account_sid="AC1", auth_token="x")(errand) is told


def test_what_the_app_did_not_take_is_told_again_later(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    a_text(city, Errand(10, "callback", "delivered", "http://app/"))
    assert errands_of(city, lambda _: False, 10).run_due() == 0
    assert errands_of(city, lambda _: True, 10.4).run_due() == 0
    assert errands_of(city, lambda _: True, 10.6).run_due() == 1
    assert errands_of(city, lambda _: True, 99).run_due() == 0
    assert status_of(city) == "delivered"


def test_nothing_is_told_before_it_is_due(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    a_text(city, Errand(10, "callback", "sent", "http://app/"))
    assert errands_of(city, lambda _: True, 9.9).run_due() == 0


def test_a_late_word_never_moves_a_status_back(tmp_path: Path) -> None:
    city = a_world(tmp_path)
    a_text(city, Errand(1, "quiet", "delivered"), Errand(2, "quiet", "sent"))
    assert errands_of(city, lambda _: True, 5).run_due() == 2
    assert status_of(city) == "delivered"


def test_errands_outlast_the_world(tmp_path: Path) -> None:
    a_text(a_world(tmp_path), Errand(1, "quiet", "delivered"))
    again = a_world(tmp_path)
    assert errands_of(again, lambda _: True, time.time()).run_due() == 1
    assert status_of(again) == "delivered"
