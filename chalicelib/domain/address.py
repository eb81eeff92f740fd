"""Addresses: one way to reach a subscriber."""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from chalicelib.errors import Invalid


class Channel(StrEnum):
    """How a notice reaches someone."""

    SMS = "sms"
    EMAIL = "email"
    KIOSK = "kiosk"


@dataclass(frozen=True)
class Address:
    """One way to reach a subscriber, in its one canonical spelling: E.164, a lower-cased email, or a kiosk id."""

    channel: Channel
    value: str

    def __repr__(self) -> str:
        return f"Address({self.channel}, …{self.value[-2:]})"

    @property
    def text(self) -> str:
        """Channel and value in one string: what is hashed to find the address again."""
        return f"{self.channel}:{self.value}"


_FOREIGN_DIGITS = re.compile(r"[^\x00-\x7f]")


def parse_phone(text: str, *, region: str = "US", pointer: str = "#/phone") -> Address:
    """A phone number that can take texts, as E.164. Numbers without a country are read as of `region`. Raises Invalid."""
    try:
        if len(text) > 40 or _FOREIGN_DIGITS.search(text):
            raise phonenumbers.NumberParseException(0, "not plain digits")
        number = phonenumbers.parse(text, region)
        if phonenumbers.is_possible_number(number) and not number.extension:
            return Address(Channel.SMS, phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    except phonenumbers.NumberParseException:
        pass
    raise Invalid.field(pointer, "invalid_phone", "Give a mobile number, with its country code if it is from abroad.")


def parse_email(text: str, *, pointer: str = "#/email") -> Address:
    """An email address, lower-cased. Nothing is looked up. Raises Invalid."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_quoted_local=False)
        return Address(Channel.EMAIL, found.normalized.lower())
    except EmailNotValidError:
        raise Invalid.field(pointer, "invalid_email", "Give one email address, such as ana@example.org.") from None
