"""The way to Twilio: connections are kept while they stand, nothing is sent twice, and a form is what `urlencode` makes of it."""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from urllib3.exceptions import NewConnectionError, ProtocolError

from chalicelib.channels.twilio_http import HOST, TwilioHttp
from tests.channels.wire import Reply, provider


@pytest.fixture
def twilio():
    with provider(lambda asked: Reply()) as one:
        yield one


def posting(way: TwilioHttp, data=None):
    return way.request("POST", f"{HOST}/messages", data={"Body": "Hello"} if data is None else data)


def test_a_connection_is_kept_for_the_next_call(twilio):
    way = TwilioHttp(url=twilio.url, at_once=1)
    assert [posting(way).status_code for _ in range(3)] == [200, 200, 200]
    assert twilio.connections == 1


def test_no_more_connections_are_kept_than_may_be_used_at_once(twilio):
    way = TwilioHttp(url=twilio.url, at_once=2)
    lines = [way.lines.take() for _ in range(3)]
    way.lines.idle.extend(lines)
    posting(way)
    assert len(way.lines.idle) == 2
    way.lines.idle.extend(line for line in lines if line not in way.lines.idle)


def test_a_connection_that_the_provider_closed_meanwhile_is_not_used(twilio):
    twilio.answer = lambda asked: Reply(headers={"Connection": "close"})
    way = TwilioHttp(url=twilio.url, at_once=1)
    assert [posting(way).status_code for _ in range(2)] == [200, 200]
    assert (len(twilio.asked), twilio.connections) == (2, 2)


def test_a_kept_connection_that_died_in_silence_is_not_used(twilio):
    way = TwilioHttp(url=twilio.url, at_once=1)
    posting(way)
    [line] = way.lines.idle
    line.sock.shutdown(socket.SHUT_RDWR)
    assert posting(way).status_code == 200
    assert (len(twilio.asked), twilio.connections) == (2, 2)


def test_a_call_that_fails_half_way_is_not_made_again_and_its_connection_is_given_up(twilio):
    way = TwilioHttp(url=twilio.url, at_once=1)
    posting(way)
    twilio.answer = lambda asked: Reply(cut=True)
    with pytest.raises(ProtocolError):
        posting(way)
    twilio.answer = lambda asked: Reply()
    assert posting(way).status_code == 200
    assert (len(twilio.asked), twilio.connections) == (3, 2)


def test_threads_share_it(twilio):
    way = TwilioHttp(url=twilio.url, at_once=4)
    with ThreadPoolExecutor(4) as threads:
        texts = [f"text {number}" for number in range(40)]
        assert {answer.status_code for answer in threads.map(lambda text: posting(way, {"Body": text}), texts)} == {200}
    assert sorted(asked.form["Body"] for asked in twilio.asked) == sorted(texts)
    assert twilio.connections <= 4


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"To": "+12025550100", "Body": "50% off & more=fun?\nsecond line"}, id="signs"),
        pytest.param({"Body": "خط أحمر: حافلات 🚌"}, id="another script"),
        pytest.param({"Body": "two words", "MediaUrl": ["https://a.example/1", "https://a.example/2"]}, id="a list"),
        pytest.param({"Body": "x", "MaxPrice": 5, "SmartEncoded": True}, id="a number and a truth value"),
        pytest.param({"Body": ""}, id="nothing"),
    ],
)
def test_a_form_is_what_urlencode_makes_of_it(twilio, data):
    posting(TwilioHttp(url=twilio.url, at_once=1), data)
    assert twilio.asked[0].body.decode() == urlencode(data, doseq=True)


def test_a_question_carries_its_query(twilio):
    TwilioHttp(url=twilio.url, at_once=1).request("GET", f"{HOST}/messages", params={"To": "+12025550100"}, auth=("AC1", "token"))
    [asked] = twilio.asked
    assert (asked.query, asked.body) == ({"To": "+12025550100"}, b"")
    assert asked.headers["authorization"] == "Basic QUMxOnRva2Vu"


def test_whatever_fails_before_a_request_is_a_connection_that_never_was():
    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as other:
        other.submit(lambda: door.accept()[0].close())
        with pytest.raises(NewConnectionError):
            posting(TwilioHttp(url=f"https://127.0.0.1:{door.getsockname()[1]}", at_once=1))


def test_what_is_no_http_is_a_connection_that_ended():
    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as other:

        def mumble():
            line = door.accept()[0]
            line.recv(10_000)
            line.sendall(b"mumble\r\n\r\n")
            line.close()

        other.submit(mumble)
        with pytest.raises(ProtocolError) as raised:
            posting(TwilioHttp(url=f"http://127.0.0.1:{door.getsockname()[1]}", at_once=1))
        assert isinstance(raised.value.__cause__, http.client.HTTPException)
