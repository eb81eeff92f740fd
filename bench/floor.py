"""What Twilio's SDK hands over by itself: its default transport, one call after the other, nothing checked and nothing written."""

from typing import Any

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from bench.meter import best_rate
from bench.outside import TWILIO, Outside
from chalicelib.channels.twilio_http import HOST


class _ToTheStub(TwilioHttpClient):
    def __init__(self, stub: str) -> None:
        super().__init__()
        self._stub = stub

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace(HOST, self._stub), *args, **kwargs)


def twilio_sdk_floor(outside: Outside, texts: int) -> int:
    """Texts per CPU second."""
    messages = Client(TWILIO["account_sid"], TWILIO["auth_token"], http_client=_ToTheStub(outside.url)).messages

    def create(count: int) -> None:
        for number in range(count):
            messages.create(
                to=f"+1202{number:07d}",
                from_="+15005550006",
                body="Larkhaven: Red Line: shuttle buses. Buses replace trains from 10 pm.\nhttps://a.example/r",
                status_callback=f"https://alerts.example.org/sms/status?t={number:0120d}",
            )

    return best_rate(texts, create)
