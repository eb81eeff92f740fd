"""What people type as a phone number or an email, in its one canonical spelling.

The libraries that know every country's numbers are a tenth of a cold start; they are loaded when somebody first gives us an address.
"""

import re

from chalicelib.domain.address import Address, Channel
from chalicelib.errors import Invalid

_FOREIGN_DIGITS = re.compile(r"[^\x00-\x7f]")


def parse_phone(text: str, *, region: str = "US", pointer: str = "#/phone") -> Address:
    """A phone number that can take texts, as E.164. Numbers without a country are read as of `region`. Raises Invalid."""
    import phonenumbers

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
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_quoted_local=False)
        return Address(Channel.EMAIL, found.normalized.lower())
    except EmailNotValidError:
        raise Invalid.field(pointer, "invalid_email", "Give one email address, such as ana@example.org.") from None
