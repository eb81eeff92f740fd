"""Every sentence exists in every language, whole, in every plural form, with the same placeholders."""

import os
from pathlib import Path

import pytest

from chalicelib.domain.locale import SPOKEN
from chalicelib.errors import RenderFailed
from chalicelib.render.catalogues import folder, load
from chalicelib.render.renderer import CityRenderer
from infra.catalogues import FOLDERS, compile_one, faults, main, plural_forms, update
from tests.render.notices import TEMPLATES, a_city

TEMPLATE = (
    """{% trans name=who %}Hello {{ name }}, all of you{% endtrans %}. {% trans count=count %}{{ count }} bus{% pluralize %}{{ count }} buses{% endtrans %}"""
)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A templates folder with one reply, its catalogues just collected."""
    (tmp_path / "reply").mkdir()
    (tmp_path / "reply" / "hello.txt").write_text(TEMPLATE)
    for locale in SPOKEN:
        update(tmp_path, "residents", locale)
    return tmp_path


def rewrite(templates: Path, locale: str, *changes: tuple[str, str]) -> None:
    """Edit a catalogue as a translator would."""
    path = folder(templates / "locale", locale) / "residents.po"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


SPANISH = (
    ('msgid "Hello %(name)s, all of you"\nmsgstr ""', 'msgid "Hello %(name)s, all of you"\nmsgstr "Hola a todos, %(name)s"'),
    ('msgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""', 'msgstr[0] "un bus"\nmsgstr[1] "%(count)s de buses"\nmsgstr[2] "%(count)s buses"'),
)


@pytest.mark.parametrize("domain", FOLDERS)
def test_the_citys_catalogues_are_complete(domain):
    assert list(faults(TEMPLATES, domain)) == []


def test_what_is_missing_is_named(house):
    found = list(faults(house, "residents"))
    assert len(found) == 2 * (len(SPOKEN) - 1)
    assert all("is not translated in every form" in fault for fault in found)


def test_a_translated_catalogue_has_no_faults_and_speaks(house):
    rewrite(house, "es", *SPANISH)
    assert not [fault for fault in faults(house, "residents") if fault.startswith("es")]
    renderer = CityRenderer(city=a_city(), templates=house, public_url="https://x.example")
    said = {count: renderer.reply("hello", "es", who="Ana", count=count).body for count in (1, 2, 1_000_000)}
    assert said == {1: "Hola a todos, Ana. un bus", 2: "Hola a todos, Ana. 2 buses", 1_000_000: "Hola a todos, Ana. 1000000 de buses"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(('%(name)s"', 'nadie"'), "placeholders", id="a placeholder lost"),
        pytest.param(('%(name)s"', '%(nombre)s"'), "placeholders", id="a placeholder translated"),
        pytest.param(("Hola a todos", "<b>Hola</b>"), "tags", id="a tag made up"),
        pytest.param(('msgstr[1] "%(count)s de buses"', 'msgstr[1] ""'), "every form", id="a plural form lost"),
        pytest.param(('msgstr[2] "%(count)s buses"', 'msgstr[2] "buses"'), "placeholders", id="the count lost where it matters"),
        pytest.param(('#, python-format\nmsgid "Hello', '#, fuzzy, python-format\nmsgid "Hello'), "fuzzy", id="a guess"),
        pytest.param(("nplurals=3", "nplurals=2"), "CLDR", id="other plural rules"),
        pytest.param(('all of you"\nmsgstr', 'some of you"\nmsgstr'), "lacks", id="another sentence"),
        pytest.param(("# Review: machine\n", ""), "who has read it", id="nobody says who has read it"),
        pytest.param(("# Review: machine", "# Review: somebody"), "who has read it", id="read by nobody in particular"),
        pytest.param(("# Review: machine", "# Review: source"), "who has read it", id="not what the others are made from"),
    ],
)
def test_every_fault_is_found(house, change, fault):
    rewrite(house, "es", *SPANISH)
    rewrite(house, "es", change)
    assert any(fault in found for found in faults(house, "residents") if found.startswith("es"))


def test_a_sentence_nobody_says_any_more_is_named_and_leaves_with_the_next_update(house):
    rewrite(house, "es", *SPANISH)
    (house / "reply" / "hello.txt").write_text("{{ _('Only this') }}")
    assert any("nobody says" in fault for fault in faults(house, "residents"))
    update(house, "residents", "es")
    assert not any("nobody says" in fault for fault in faults(house, "residents") if fault.startswith("es"))


def test_updating_twice_changes_nothing(house):
    rewrite(house, "es", *SPANISH)
    update(house, "residents", "es")
    before = (folder(house / "locale", "es") / "residents.po").read_bytes()
    update(house, "residents", "es")
    assert (folder(house / "locale", "es") / "residents.po").read_bytes() == before
    assert b"Hola a todos" in before


def test_a_sentence_that_is_not_translated_is_never_sent_in_another_language(house):
    renderer = CityRenderer(city=a_city(), templates=house, public_url="https://x.example")
    assert renderer.reply("hello", "en", who="Ana", count=2).body == "Hello Ana, all of you. 2 buses"
    with pytest.raises(RenderFailed, match=r"reply/hello\.txt: ar lacks the sentence"):
        renderer.reply("hello", "ar", who="Ana", count=2)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% trans count=1 %}{{ count }} tram{% pluralize %}{{ count }} trams{% endtrans %}", id="a plural"),
        pytest.param("{{ pgettext('verb', 'Stop') }}", id="a word with its meaning"),
        pytest.param("{{ npgettext('verb', 'Stop', 'Stops', 2) }}", id="a plural with its meaning"),
    ],
)
def test_no_kind_of_sentence_slips_through_untranslated(house, template):
    (house / "reply" / "hello.txt").write_text(template)
    renderer = CityRenderer(city=a_city(), templates=house, public_url="https://x.example")
    assert renderer.reply("hello", "en").body
    with pytest.raises(RenderFailed, match="ar lacks the sentence"):
        renderer.reply("hello", "ar")


@pytest.mark.parametrize(("locale", "forms"), [("en", 2), ("es", 3), ("ar", 6), ("zh-Hans", 1)])
def test_plural_forms_are_cldrs(locale, forms):
    assert plural_forms(locale).startswith(f"nplurals={forms};")


def test_compiled_catalogues_are_read_without_their_sources(house):
    rewrite(house, "es", *SPANISH)
    compile_one(house, "residents", "es")
    (folder(house / "locale", "es") / "residents.po").unlink()
    assert load(house / "locale", "es").gettext("Hello %(name)s, all of you") == "Hola a todos, %(name)s"


def test_an_edited_source_is_read_before_an_older_compilation(house):
    rewrite(house, "es", *SPANISH)
    compile_one(house, "residents", "es")
    compiled = folder(house / "locale", "es") / "residents.mo"
    rewrite(house, "es", ("Hola a todos", "Buenas"))
    source = compiled.with_suffix(".po")
    os.utime(source, (compiled.stat().st_mtime + 5,) * 2)
    assert load(house / "locale", "es").gettext("Hello %(name)s, all of you") == "Buenas, %(name)s"


def test_the_command_says_what_is_wrong_and_fails(house, capsys):
    assert main(["check", "residents", "--templates", str(house)]) == 1
    assert "ar/residents: is not translated in every form" in capsys.readouterr().out
    assert main(["compile", "residents", "--templates", str(house)]) == 0
    assert (folder(house / "locale", "zh-Hans") / "residents.mo").exists()
