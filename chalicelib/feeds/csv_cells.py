"""Cells of a subscribers' CSV, one at a time: cleaned of what spreadsheets add, and refused where a value was lost on the way."""

import re
from collections.abc import Sequence

from chalicelib.domain.address import Address
from chalicelib.domain.parsing import parse_email, parse_mobile
from chalicelib.errors import Invalid

MARKS = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Marks that nobody sees, and that come along when a value is copied."""

MOST = {"consent_words": 5000, "filters": 5000, "preferences": 1000}
MOST_OF_OTHERS = 500

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ERRORS = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}", re.IGNORECASE)
_MISREAD = re.compile("[ÃÂ][\u0080-\u00bf]|â€|Ã[“”‘’¡-¿ƒ©]")
"""What UTF-8 looks like that was read as Windows-1252."""

_DECIMAL = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+|\d{7,}[.,]0*")
_BETWEEN = re.compile(r"[;,/|\n]|\s(?:or|and|y|ou|et)\s", re.IGNORECASE)
_FEWEST_DIGITS = 7
_MOST_DIGITS = 15


class Bad(Exception):
    """A cell that cannot be taken: its column, a code of `importing.SENTENCES`, and what fills the sentence."""

    def __init__(self, column: str, code: str, **values: str) -> None:
        super().__init__(code)
        self.column, self.code, self.values = column, code, values


def cell_text(column: str, cell: str) -> str:
    """A cell as it was meant. Raises Bad."""
    most = MOST.get(column, MOST_OF_OTHERS)
    if len(cell) > most:
        raise Bad(column, "cell_too_long", most=f"{most:,}")
    if _CONTROLS.search(cell):
        raise Bad(column, "control_character")
    text = (cell if column == "consent_words" else MARKS.sub("", cell)).strip()
    if text.startswith("'"):
        return text[1:].strip()  # a spreadsheet's sign that this is text, whatever it looks like
    for wrong, code in ((text.startswith(("=", "@")), "formula"), (_ERRORS.fullmatch(text), "spreadsheet_error")):
        if wrong:
            raise Bad(column, code)
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise Bad(column, "half_character")
    if _MISREAD.search(text):
        raise Bad(column, "broken_letters")
    return text


def read_address(column: str, text: str, countries: Sequence[str]) -> Address:
    """The one address in a cell. Raises Bad."""
    return _phone(text, countries) if column == "phone" else _email(text)


def _phone(text: str, countries: Sequence[str]) -> Address:
    digits = sum(char.isdigit() for char in text)
    if _DECIMAL.fullmatch(text):
        raise Bad("phone", "number_rounded")
    if digits > _MOST_DIGITS or sum(sum(char.isdigit() for char in part) >= _FEWEST_DIGITS for part in _BETWEEN.split(text)) > 1:
        raise Bad("phone", "two_addresses")
    if digits < _FEWEST_DIGITS:
        raise Bad("phone", "short_phone")
    try:
        return parse_mobile(text, countries=countries)
    except Invalid:
        raise Bad("phone", "invalid_phone", countries=", ".join(countries)) from None


def _email(text: str) -> Address:
    if text.count("@") > 1:
        raise Bad("email", "two_addresses")
    try:
        return parse_email(text)
    except Invalid:
        raise Bad("email", "invalid_email") from None
