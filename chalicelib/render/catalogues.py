"""Sentences per locale: gettext catalogues under `templates/locale`, domains `notices` and `residents` read as one.

`.mo` files are build products. Where one is missing or older than its `.po`, the `.po` is compiled in memory, so that
nothing on a developer's machine needs a build step.
"""

import gettext
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from chalicelib.domain.locale import ENGLISH
from chalicelib.errors import RenderFailed

DOMAINS = ("notices", "residents")


def folder(locales: Path, locale: str) -> Path:
    """Where the catalogues of a locale are: `zh-Hans` is kept as `zh_Hans`."""
    return locales / locale.replace("-", "_") / "LC_MESSAGES"


def load(locales: Path, locale: str) -> gettext.NullTranslations:
    """All sentences of a locale. Asking for one that it lacks raises RenderFailed; English falls back to the template's own words."""
    chain: gettext.NullTranslations = gettext.NullTranslations() if locale == ENGLISH else _Missing(locale)
    for domain in reversed(DOMAINS):
        found = _catalogue(folder(locales, locale) / domain)
        if found:
            found.add_fallback(chain)
            chain = found
    return chain


class _Missing(gettext.NullTranslations):
    """The end of the chain: a sentence that nobody translated is not sent in the wrong language."""

    def __init__(self, locale: str) -> None:
        super().__init__()
        self._locale = locale

    def gettext(self, message: str) -> str:
        raise RenderFailed(f"{self._locale} lacks the sentence {message!r}")

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002 - gettext's own signature
        return self.gettext(msgid1)

    def pgettext(self, context: str, message: str) -> str:
        return self.gettext(f"{context}: {message}")

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:  # noqa: ARG002
        return self.pgettext(context, msgid1)


def _catalogue(path: Path) -> gettext.GNUTranslations | None:
    compiled, source = path.with_suffix(".mo"), path.with_suffix(".po")
    if compiled.exists() and not (source.exists() and source.stat().st_mtime > compiled.stat().st_mtime):
        with compiled.open("rb") as file:
            return gettext.GNUTranslations(file)
    if source.exists():
        with source.open("rb") as file:
            return gettext.GNUTranslations(compiled_bytes(read_po(file, locale=path.parent.parent.name)))
    return None


def compiled_bytes(catalogue: object) -> BytesIO:
    """A catalogue as a `.mo` file holds it."""
    out = BytesIO()
    write_mo(out, catalogue)  # type: ignore[arg-type]
    out.seek(0)
    return out
