"""The world's calls to the app: as a communicator and an approver with their keys, and as city systems that post webhooks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.keyring import Keyring
from local.world.wire import call, new_hex

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Said:
    """What the app answered."""

    status: int
    body: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether it did as asked."""
        return self.status < 400


class AppCalls:
    """Calls to the app over HTTP. Raises urllib3's HTTPError where it does not answer."""

    def __init__(self, app_url: str, keyring: Keyring) -> None:
        self._app_url = app_url
        self._keyring = keyring
        self._titles: dict[str, str] = {}

    def get(self, path: str, *, key: str = "communicator") -> Said:
        """A GET with somebody's key."""
        return self._said("GET", path, None, self._bearer(key))

    def post(self, path: str, body: Mapping[str, Any], *, key: str = "communicator", once: str = "") -> Said:
        """A POST with somebody's key; the same `once` is the same request."""
        headers = {**self._bearer(key), "Content-Type": "application/json", "Idempotency-Key": once or new_hex()}
        return self._said("POST", path, json.dumps(body).encode(), headers)

    def hook(self, source: str, body: bytes, content_type: str, *, timestamp: int) -> Said:
        """A webhook, signed as Standard Webhooks has it."""
        name = f"msg_{new_hex()}"
        secret = base64.b64decode(self._keyring.sources[source][0].removeprefix("whsec_"))
        digest = hmac.new(secret, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        signed = {"webhook-id": name, "webhook-timestamp": str(timestamp), "webhook-signature": "v1," + base64.b64encode(digest).decode()}
        return self._said("POST", f"/hooks/{source}", body, {**signed, "Content-Type": content_type})

    def title(self, broadcast: str) -> str:
        """The title of a broadcast, asked for once: what it says never changes."""
        if broadcast not in self._titles:
            self._titles[broadcast] = title_of(self.get(f"/v1/broadcasts/{broadcast}").body)
        return self._titles[broadcast]

    def _bearer(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keyring.api_keys[key]}"}

    def _said(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Said:
        answer = call(method, self._app_url + path, patience=_PATIENCE_SECONDS, headers=headers, body=body)
        try:
            found = json.loads(answer.data or b"{}")
        except ValueError:
            found = {"detail": answer.data.decode("utf-8", "replace")[:500]}
        return Said(answer.status, found if isinstance(found, dict) else {"data": found})


def title_of(broadcast: Mapping[str, Any]) -> str:
    """What to call a broadcast: its English title, or its first."""
    content: Mapping[str, Mapping[str, str]] = broadcast.get("content") or {}
    text = content.get("en") or next(iter(content.values()), {})
    return text.get("title", "") or str(broadcast.get("id", ""))
