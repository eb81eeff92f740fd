"""Catalogues of sentences: `python -m infra.catalogues update | check | compile [notices | residents]`.

update   collects the sentences of the templates into every locale's `.po`; fills English; leaves new ones empty elsewhere
check    says what is missing, left over, fuzzy or at odds in its placeholders; exit status 1 if anything is
compile  writes `.mo` beside each `.po` (`--templates` names another folder: the build compiles its own copy)
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from babel.plural import to_gettext

from chalicelib.domain.locale import ENGLISH, SPOKEN
from chalicelib.render.catalogues import compiled_bytes, folder

TEMPLATES = Path(__file__).parent.parent / "templates"
FOLDERS = {"notices": ("notice", "kiosk"), "residents": ("reply", "letter", "pages")}
"""Which templates a domain speaks for."""

_OPTIONS = {"silent": "false", "trimmed": "true", "newstyle_gettext": "true"}
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_REVIEW = re.compile(r"^# Review: (machine|human|source)$", re.MULTILINE)
"""Who has read a catalogue: nobody but a machine, or somebody whose language it is. English is what the others are made from."""
_TAG = re.compile(r"</?(\w+)")


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit status is 1 where `check` finds something."""
    parser = argparse.ArgumentParser(prog="catalogues", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("update", "check", "compile"))
    parser.add_argument("domain", nargs="?", choices=tuple(FOLDERS))
    parser.add_argument("--templates", type=Path, default=TEMPLATES)
    asked = parser.parse_args(arguments)
    domains = [asked.domain] if asked.domain else list(FOLDERS)
    found = [fault for domain in domains for fault in _run(asked.command, asked.templates, domain)]
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    return 1 if found else 0


def _run(command: str, templates: Path, domain: str) -> list[str]:
    if command == "check":
        return list(faults(templates, domain))
    for locale in SPOKEN:
        work = update if command == "update" else compile_one
        work(templates, domain, locale)
    return []


def update(templates: Path, domain: str, locale: str) -> None:
    """Bring one `.po` up to the templates: new sentences empty (English: filled), old ones gone, translations kept."""
    path = _po(templates, domain, locale)
    current = extracted(templates, domain)
    kept = _read(path, locale) if path.exists() else _new(domain, locale)
    kept.update(current, no_fuzzy_matching=True, update_creation_date=False)
    if locale == ENGLISH:
        for message in kept:
            message.string = message.id if message.id else message.string
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, kept, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)


def _new(domain: str, locale: str) -> Catalog:
    made = Catalog(
        locale=locale.replace("-", "_"),
        domain=domain,
        header_comment=f"# What Belfry says in {locale}: {domain}.\n# Review: {'source' if locale == ENGLISH else 'machine'}",
        project="Belfry",
        version="1",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        fuzzy=False,
    )
    made.mime_headers = [("Plural-Forms", plural_forms(locale))]
    return made


def plural_forms(locale: str) -> str:
    """CLDR's plural forms, as gettext writes them. Babel's own table for catalogues is older: it knows no Spanish "many"."""
    compact_exponent = re.compile(r"\be\b")  # CLDR's `e`, as in 1c6; gettext counts with plain numbers, where it is 0
    return compact_exponent.sub("0", to_gettext(Locale.parse(locale, sep="-").plural_form))


def compile_one(templates: Path, domain: str, locale: str) -> None:
    """Write the `.mo` beside a `.po`."""
    path = _po(templates, domain, locale)
    path.with_suffix(".mo").write_bytes(compiled_bytes(_read(path, locale)).getvalue())


def extracted(templates: Path, domain: str) -> Catalog:
    """Every sentence in the templates of a domain."""
    found = Catalog(domain=domain, project="Belfry", fuzzy=False)
    methods = [(f"{part}/**.{ending}", "jinja2") for part in FOLDERS[domain] for ending in ("txt", "html", "json", "xml")]
    for file, _line, message, comments, context in extract_from_dir(
        templates, methods, {method: _OPTIONS for method, _ in methods}, comment_tags=("For translators:",), strip_comment_tags=True
    ):
        found.add(message, locations=[(file, 0)], auto_comments=comments, context=context)
    return found


def faults(templates: Path, domain: str) -> Iterator[str]:
    """What is wrong with the catalogues of a domain, a sentence each."""
    wanted = {_key(message): message for message in extracted(templates, domain) if message.id}
    for locale in SPOKEN:
        path = _po(templates, domain, locale)
        if not path.exists():
            yield f"{locale}/{domain}: there is no {path.name}"
            continue
        catalogue = _read(path, locale)
        here = {_key(message): message for message in catalogue if message.id}
        yield from (f"{locale}/{domain}: lacks {key}" for key in wanted.keys() - here.keys())
        yield from (f"{locale}/{domain}: nobody says {key} any more" for key in here.keys() - wanted.keys())
        review = _REVIEW.search(catalogue.header_comment)
        if review is None or (review[1] == "source") != (locale == ENGLISH):
            yield f"{locale}/{domain}: its second line says who has read it: # Review: machine, or # Review: human"
        if dict(catalogue.mime_headers)["Plural-Forms"] != plural_forms(locale):
            yield f"{locale}/{domain}: Plural-Forms are not CLDR's"
        for key, message in here.items():
            yield from (f"{locale}/{domain}: {fault}: {key}" for fault in _faults_of(message, catalogue.num_plurals))


def _faults_of(message: Message, plurals: int) -> Iterator[str]:
    forms = _texts(message.string)
    if message.fuzzy:
        yield "is fuzzy"
    if not all(forms) or (message.pluralizable and len(forms) != plurals):
        yield "is not translated in every form"
        return
    wanted = _marks(" ".join(_texts(message.id)))
    if any(_marks(form) - wanted for form in forms) or _marks(forms[-1]) != wanted:
        yield "has other placeholders or tags"


def _texts(said: str | Sequence[str | None] | None) -> list[str]:
    """One text, or one for each plural form; empty where there is none."""
    return [said or ""] if said is None or isinstance(said, str) else [one or "" for one in said]


def _marks(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text)) | {f"<{tag}>" for tag in _TAG.findall(text)}


def _key(message: Message) -> str:
    one = message.id[0] if message.pluralizable else message.id
    return f"{message.context}: {one!r}" if message.context else repr(one)


def _po(templates: Path, domain: str, locale: str) -> Path:
    return (folder(templates / "locale", locale) / domain).with_suffix(".po")


def _read(path: Path, locale: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale.replace("-", "_"), domain=path.stem)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
