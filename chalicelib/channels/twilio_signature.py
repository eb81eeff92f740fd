"""Whether Twilio signed a request. Source: Twilio's "Validating requests" and its `RequestValidator`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twilio.request_validator import RequestValidator

_TOKENS = ("auth_token", "auth_token_old")


def signed_by_twilio(url: str, pairs: Sequence[tuple[str, str]], signature: str, *, secret: Mapping[str, Any]) -> bool:
    """Whether `signature` is Twilio's for this URL (as configured, with its query) and these form pairs, exactly as received.

    `secret` holds `auth_token` and, while it is being changed, `auth_token_old`. The URL counts with and without its
    default port. The comparison takes the same time for every wrong signature of the right length.
    """
    if not signature.isascii():
        return False
    answers = [_validator(str(secret[name]))(url, _Form(pairs), signature) for name in _TOKENS if secret.get(name)]
    return any(answers)


def _validator(token: str) -> Callable[[str, "_Form", str], bool]:
    validate: Callable[[str, _Form, str], bool] = RequestValidator(token).validate  # type: ignore[no-untyped-call]
    return validate


@dataclass(frozen=True)
class _Form:
    """Form pairs as the validator reads them: every value of a repeated name."""

    pairs: Sequence[tuple[str, str]]

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key for key, _ in self.pairs))

    def __len__(self) -> int:
        return len(self.pairs)
