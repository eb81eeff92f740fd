"""What people type as a phone number or an email, in its one canonical spelling.

The libraries that know every country's numbers are a tenth of a cold start; they are loaded when somebody first gives us an address.
"""

import re
import unicodedata
from collections.abc import Sequence

from chalicelib.domain.address import Address, Channel
from chalicelib.errors import Invalid

_FOREIGN_DIGITS = re.compile(r"[^\x00-\x7f]")
_LONGEST = 60
_AS_TYPED = re.compile(r"[+(]?[0-9][0-9 ().\-/]{5,30}")
_LIKE_911 = re.compile(r"\+1[0-9]{3}[2-9]11")
"""No exchange of the North American plan ends in 11: those are services such as 911."""


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


def parse_mobile(text: str, *, countries: Sequence[str], pointer: str = "#/phone") -> Address:
    """A phone number that somebody typed on a page, as E.164: of one of these countries, and of a kind that may be a mobile. Numbers that cost the
    caller or us extra, that are short, or that nobody was given, are none. Raises Invalid."""
    import phonenumbers

    kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    typed = _plain(text) if len(text) <= _LONGEST else ""
    if _AS_TYPED.fullmatch(typed):
        try:
            number = phonenumbers.parse(typed, countries[0])
            written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            home = phonenumbers.region_code_for_number(number)
            if home in countries and phonenumbers.number_type(number) in kinds and not _LIKE_911.match(written):
                return Address(Channel.SMS, written)
        except phonenumbers.NumberParseException:
            pass
    raise Invalid.field(pointer, "invalid_phone", f"Give a mobile number of one of these countries: {', '.join(countries)}.")


def parse_email(text: str, *, pointer: str = "#/email") -> Address:
    """An email address, lower-cased. Nothing is looked up. Raises Invalid."""
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_quoted_local=False)
        return Address(Channel.EMAIL, found.normalized.lower())
    except EmailNotValidError:
        raise Invalid.field(pointer, "invalid_email", "Give one email address, such as ana@example.org.") from None


def _plain(text: str) -> str:
    """Digits of every script as 0 to 9, dashes and spaces of every kind as one, and none of the marks that come along when a number is copied."""
    found = []
    for char in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(char)
        if kind == "Nd":
            found.append(str(unicodedata.decimal(char)))
        elif kind in {"Pd", "Zs"}:
            found.append("-" if kind == "Pd" else " ")
        elif kind != "Cf":
            found.append(char)
    return "".join(found).strip()
