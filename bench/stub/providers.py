"""Twilio's messages and SES's bulk call: everything is accepted."""

import json
from collections import Counter
from urllib.parse import parse_qs

Reply = tuple[int, bytes]

_MADE = {
    "account_sid": "AC" + "0" * 32,
    "api_version": "2010-04-01",
    "date_created": "Tue, 01 Dec 2026 15:00:00 +0000",
    "date_sent": None,
    "date_updated": "Tue, 01 Dec 2026 15:00:00 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "status": "queued",
    "subresource_uris": {"media": "/2010-04-01/Accounts/AC/Messages/SM/Media.json"},
    "uri": "/2010-04-01/Accounts/AC/Messages/SM.json",
}
"""What Twilio says of a new message beside what it was given."""


class Providers:
    """Both, and how often each was called."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Have been called by nobody."""
        self.bill: Counter[str] = Counter()

    def act(self, path: str, body: bytes) -> Reply:
        """Accept a text, or a bulk call of emails."""
        if path.startswith("/2010-04-01/"):
            self.bill["twilio.messages"] += 1
            form = parse_qs(body.decode())
            made = {**_MADE, "sid": f"SM{self.bill['twilio.messages']:032x}", "to": form["To"][0], "from": form["From"][0], "body": form["Body"][0]}
            return 201, json.dumps(made).encode()
        if path == "/v2/email/outbound-bulk-emails":
            self.bill["sesv2.SendBulkEmail"] += 1
            entries = json.loads(body)["BulkEmailEntries"]
            self.bill["ses.recipients"] += len(entries)
            return 200, json.dumps({"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": f"m{n:058}"} for n in range(len(entries))]}).encode()
        if path == "/v2/email/outbound-emails":
            self.bill["sesv2.SendEmail"] += 1
            self.bill["ses.recipients"] += 1
            return 200, b'{"MessageId":"%058d"}' % self.bill["sesv2.SendEmail"]
        return 404, b'{"message":"no such path"}'
