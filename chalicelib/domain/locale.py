"""Locales: which we speak, which way they run, and which comes next when one is missing."""

from collections.abc import Collection, Sequence

ENGLISH = "en"
SPOKEN = ("en", "es", "ar", "zh-Hans", "zh-Hant", "vi", "fil", "ko", "ru", "ht", "fr", "pt")
"""Locales with a complete catalogue, in the order in which we offer them."""

_RIGHT_TO_LEFT = {"ar", "he", "fa", "ur", "yi", "ps"}
_HANS_REGIONS = {"cn", "sg", "my"}
_ALIASES = {"tl": "fil", "iw": "he", "in": "id", "nb": "no"}


def direction(locale: str) -> str:
    """`rtl` or `ltr`, for `dir`."""
    return "rtl" if locale.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def canonical(tag: str) -> str:
    """A language tag in BCP 47 spelling: `zh_cn` → `zh-Hans`, `ES-mx` → `es-MX`. Unreadable tags give an empty string."""
    parts = [part for part in tag.replace("_", "-").split("-") if part]
    if not parts or len(tag) > 35 or not all(part.isascii() and part.isalnum() for part in parts) or not 2 <= len(parts[0]) <= 3:
        return ""
    language = _ALIASES.get(parts[0].lower(), parts[0].lower())
    if language == "zh":
        return _chinese([part.lower() for part in parts[1:]])
    rest = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in parts[1:]]
    return "-".join([language, *rest])


def _chinese(rest: Sequence[str]) -> str:
    """Script decides; a region stands for its script. Traditional is never read as Simplified."""
    if "hant" in rest or ("hans" not in rest and {"tw", "hk", "mo"} & set(rest)):
        return "zh-Hant"
    return "zh-Hans" if not rest or "hans" in rest or _HANS_REGIONS & set(rest) else "zh-Hant"


def fallbacks(locale: str, *, last: Sequence[str] = (ENGLISH,)) -> list[str]:
    """The locales to try, best first: the tag, its shorter forms, then `last` (the source's language, then English)."""
    chain: list[str] = []
    parts = (canonical(locale) or ENGLISH).split("-")
    while parts:
        chain.append("-".join(parts))
        parts.pop()
    return list(dict.fromkeys([*chain, *last]))


def best(locale: str, available: Collection[str], *, last: Sequence[str] = (ENGLISH,)) -> str | None:
    """The locale of `available` to use for a reader of `locale`; None only where `available` is empty."""
    by_canonical = {canonical(tag) or tag: tag for tag in available}
    for tag in fallbacks(locale, last=last):
        if tag in by_canonical:
            return by_canonical[tag]
    base = fallbacks(locale)[0].split("-")[0]
    same_language = sorted(tag for tag in by_canonical if tag.split("-")[0] == base and base != "zh")
    return by_canonical[same_language[0]] if same_language else next(iter(available), None)
