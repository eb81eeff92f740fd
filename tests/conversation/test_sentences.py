"""What we say by text: short enough to be one part where the script allows, and STOP in Latin letters beside every other word for it."""

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from chalicelib.domain.folding import squash
from chalicelib.domain.locale import SPOKEN
from chalicelib.domain.sms_parts import GSM7
from chalicelib.render.renderer import CityRenderer
from infra.catalogues import TEMPLATES, faults
from tests.conversation.booth import URL, the_city, the_words
from tests.tables import NOON

TOPICS, AREAS = list(the_city().topics), list(the_city().areas)
ZONE = the_city().zone
REPLIES: dict[str, list[dict[str, object]]] = {
    "joined": [{"topics": [topic]} for topic in TOPICS],
    "restored": [{"follows": TOPICS[:2]}],
    "start_first": [{"topics": ["transit"]}, {"topics": []}],
    "topics": [
        {"follows": [], "others": TOPICS, "places": {}},
        {"follows": ["events", "transit"], "others": ["transit/red-line", "jobs", "emergency"], "places": {"events": ["harbor"]}},
        {"follows": TOPICS, "others": [], "places": {}},
    ],
    "guess": [{"topics": TOPICS[:2]}],
    "which_pause": [{"moments": [NOON, NOON, NOON], "zone": ZONE}],
    "paused": [{"until": NOON, "zone": ZONE}],
    "resumed": [{"follows": TOPICS[:2]}],
    "which_place": [{"topics": ["events"], "areas": AREAS}],
    "unknown_place": [{"topics": ["events"], "areas": AREAS}],
    "place_set": [{"topics": ["events"], "areas": AREAS[:2]}, {"topics": ["events"], "areas": []}],
    "declined": [{}],
    "which_topic": [{"topics": TOPICS}],
    "left": [{"topics": TOPICS[:1], "follows": TOPICS[1:3]}, {"topics": TOPICS[:1], "follows": []}],
    "not_following": [{"topic": "jobs", "above": None}, {"topic": "transit/red-line", "above": "transit"}],
    "which_to_leave": [{"topics": TOPICS}, {"topics": []}],
    "language_set": [{"others": []}, {"others": TOPICS}],
    "help": [{}],
    "page": [{"link": f"{URL}/p"}],  # as long as it is; a link to a page is longer, and asked for
    "stopped": [{}],
    "stop_or_leave": [{"follows": TOPICS[:2]}, {"follows": []}],
    "not_understood": [{}],
    "confirm": [{"topics": [topic], "beside": beside} for topic in TOPICS for beside in (False, True)],
    "remind": [{"topics": [topic], "beside": beside} for topic in TOPICS for beside in (False, True)],
}
MANY_LANGUAGES: dict[str, list[dict[str, object]]] = {"which_language": [{}]}
OWN_WORDS = {
    "en": ("HELP", "STOP"),
    "es": ("AYUDA", "ALTO"),
    "ar": ("مساعدة", "توقف"),
    "zh-Hans": ("帮助", "停止"),
    "zh-Hant": ("幫助", "停止"),
    "vi": ("GIÚP", "DỪNG"),
    "fil": ("TULONG", "TIGIL"),
    "ko": ("도움말", "중지"),
    "ru": ("ПОМОЩЬ", "СТОП"),
    "ht": ("EDE", "SISPANN"),
    "fr": ("AIDE", "ARRET"),
    "pt": ("AJUDA", "SAIR"),
}
"""What confirmations call help and stop, beside HELP or STOP."""

LATIN = ("fil", "ht", "fr", "pt")
NO_COMMAND = {"zip", "sms", "msg", "francais", "mill", "hill"}
MENUS = {"topics", "which_to_leave", "language_set"}
RENDERER = CityRenderer(city=the_city(), templates=TEMPLATES, public_url=URL)


def test_every_reply_is_tried_here() -> None:
    helpers = {"names", "languages"}
    assert {path.stem for path in (TEMPLATES / "reply").glob("*.txt")} - helpers == set(REPLIES) | set(MANY_LANGUAGES)


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("name", REPLIES)
def test_an_english_or_spanish_reply_is_one_part_and_a_long_menu_two(name: str, locale: str) -> None:
    for values in REPLIES[name]:
        message = RENDERER.reply(name, locale, **values)
        most = 2 if locale == "es" and name in MENUS else 1
        assert message.encoding == GSM7, message.body
        assert message.parts <= most, message.body


@pytest.mark.parametrize("locale", [tag for tag in SPOKEN if tag not in {"en", "es"}])
@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_in_another_language_is_two_parts_at_most_and_with_a_long_menu_four(name: str, locale: str) -> None:
    for values in REPLIES[name]:
        message = RENDERER.reply(name, locale, **values)
        most = 4 if name in MENUS else 2
        assert message.parts <= most, message.body
        assert message.encoding == GSM7 or locale not in LATIN, message.body


@pytest.mark.parametrize("locale", SPOKEN)
@pytest.mark.parametrize("name", MANY_LANGUAGES)
def test_a_reply_for_readers_of_any_language_is_two_parts_at_most(name: str, locale: str) -> None:
    assert RENDERER.reply(name, locale).parts <= 2


@pytest.mark.parametrize("locale", SPOKEN)
@pytest.mark.parametrize("name", ["joined", "restored"])
def test_a_confirmation_says_all_that_it_must(name: str, locale: str) -> None:
    said = RENDERER.reply(name, locale, **REPLIES[name][0]).body
    words = the_words()
    wanted = OWN_WORDS[locale]
    assert all(word in said for word in (*wanted, "STOP", the_city().programme))
    assert all(name in said for name in [the_city().topics["transit"].names[locale]])
    assert RENDERER.reply("joined", locale, topics=["transit"]).body.count("LANG") == 1
    assert squash(wanted[0]) in words.help
    assert squash(wanted[1]) in words.stop


@pytest.mark.parametrize("locale", SPOKEN)
def test_every_word_a_reply_tells_people_to_text_is_one_we_know(locale: str) -> None:
    words = the_words()
    tables = (words.stop, words.start, words.join, words.leave, words.list, words.language, words.help, words.pause, words.resume, words.everywhere)
    known = {word for table in tables for word in table}
    for name, cases in REPLIES.items():
        for values in cases:
            said = RENDERER.reply(name, locale, **values).body
            runs = [run for run in shouted(said) if len(run) >= 3]
            odd = [run for run in runs if squash(run) not in known and not all(squash(word) in known | NO_COMMAND for word in run.split())]
            assert odd == [], (name, said)


def shouted(said: str) -> list[str]:
    """What stands in capital letters, several words together; scripts that have none shout nothing."""
    found: list[str] = []
    for part in re.findall(r"[^\W\d_]+(?: [^\W\d_]+)*", said):
        words = ["".join(letter for letter in word if letter.upper() != letter.lower()) for word in part.split()]
        found += [" ".join(run) for loud, run in groupby(words, key=str.isupper) if loud]
    return found


def test_the_catalogues_of_residents_are_complete() -> None:
    assert list(faults(TEMPLATES, "residents")) == []


def test_a_city_with_its_own_word_on_frequency_is_heard(tmp_path: Path) -> None:
    renderer = CityRenderer(city=replace(the_city(), frequency={"en": "2 msgs/week."}), templates=TEMPLATES, public_url=URL)
    assert "2 msgs/week. Msg & data rates" in renderer.reply("joined", "en", topics=["transit"]).body
    assert "2 msgs" not in renderer.reply("joined", "es", topics=["transit"]).body
