"""Yes, no, help and their like with courtesies and thanks around them, over the signed webhook; and the question that waits for a YES, once more."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.conversation.booth import the_words
from tests.engine.street import MAIL, PHONE, Street

BOTH = [("topic", "transit"), ("topic", "jobs"), ("email", MAIL), ("phone", PHONE)]

YES = [
    *("yes please", "yes thanks", "Yes, thank you!", "ok thank you", "OK thanks", "please do", "I do", "yes I do", "👍", "👍🏽", "👌", "Yes 👍"),
    *("Sí, gracias", "si por favor", "ok gracias", "bueno gracias", "oui merci", "oui s'il vous plaît", "sim, obrigado", "wi mèsi", "wi tanpri"),
    *("是，谢谢", "好的谢谢", "好的，謝謝", "네 감사합니다", "네감사합니다", "예, 부탁합니다", "да, спасибо", "да, пожалуйста", "نعم شكرا", "نعم من فضلك"),
    *("vâng cảm ơn", "dạ có ạ", "oo salamat po", "opo, salamat"),
]
NO = [
    "no thanks",
    "No, thank you!",
    "no, gracias",
    "no por favor",
    "non merci",
    "não, obrigado",
    "non mèsi",
    "нет, спасибо",
    "لا شكرا",
    "아니요 감사합니다",
    "不用，谢谢",
    "hindi po, salamat",
]


def signed_up(street: Street, language: str = "en") -> None:
    assert street.submit("/join", [*BOTH, ("language", language)]).status == 200
    street.town.work()


@pytest.mark.parametrize("text", YES)
def test_whoever_agrees_kindly_joins_what_waits(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    signed_up(street)
    assert "you joined" in (street.text(text) or "")
    assert set(street.follows()) == {"transit", "jobs"}


@pytest.mark.parametrize("text", YES)
def test_whoever_agrees_kindly_to_no_more_texts_gets_none(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    assert "Do you want no more texts?" in (street.text("the bus did not stop here") or "")
    assert street.text(text) == street.says("stopped", "en")
    assert street.opted_out()


@pytest.mark.parametrize("text", ["yes stop", "yes, stop please", "ok stop", "si, baja por favor", "👍 stop", "да, стоп", "네 중지"])
@pytest.mark.parametrize("waits", [True, False])
def test_what_says_stop_beside_a_yes_never_joins(tmp_path: Path, text: str, waits: bool) -> None:
    street = Street(tmp_path)
    if waits:
        signed_up(street)
    street.text(text)
    street.text(text)
    assert (street.follows(), street.opted_out()) == ({}, True)


@pytest.mark.parametrize("text", NO)
def test_whoever_declines_kindly_is_not_signed_up(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    signed_up(street)
    assert street.text(text) in {street.says("declined", tag) for tag in street.services.city.languages}
    assert (street.follows(), street.opted_out()) == ({}, False)
    street.text("YES")
    assert street.follows() == {}


@pytest.mark.parametrize("text", NO)
def test_a_kind_no_to_our_messages_is_asked_about_and_one_to_that_question_keeps_them(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    assert "Do you want no more texts?" in (street.text(text) or "")
    assert "You follow: Transit alerts" in (street.text(text) or "")
    assert not street.opted_out()


@pytest.mark.parametrize("text", ["yes thanks", "ok thank you", "네 감사합니다", "好的谢谢", "👍", "oui merci"])
def test_thanks_with_a_yes_that_answers_nothing_get_no_answer_and_start_nothing(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    assert street.texts(text) == []
    street.text("no more texts")
    assert street.texts(text) == []
    assert (street.opted_out(), street.follows()) == (True, {})


@pytest.mark.parametrize(
    ("text", "as_"),
    [
        *(
            (text, "HELP")
            for text in ("HELP me", "help please", "hello help", "please help me", "ayuda por favor", "aide svp", "ajuda, por favor", "помогите пожалуйста")
        ),
        *((text, "LIST") for text in ("list please", "lista por favor", "send me the list", "목록 주세요", "请给我列表", "tanpri lis la")),
        *((text, "RESUME") for text in ("resume please", "please resume my texts", "continuar por favor")),
    ],
)
def test_a_command_with_courtesies_is_that_command(tmp_path: Path, text: str, as_: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("LANG en")
    street.text("PAUSE 3 days")
    if as_ == "RESUME":
        assert street.text(text) == street.says("resumed", "en", follows=["transit"])
        return
    before = street.texts(as_)
    assert street.texts(text) == before != []


@pytest.mark.parametrize("text", ["start please", "please start", "inicio por favor", "Start, thank you!"])
def test_start_with_courtesies_brings_back_what_our_own_word_stopped(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("no more texts")
    street.text(text)
    assert street.follows() == {"transit": "en"}


@pytest.mark.parametrize("text", ["start please", "please start"])
def test_where_the_provider_blocks_start_with_courtesies_is_told_the_plain_word(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    street.text("JOIN transit")
    street.text("STOP")
    assert "Text START, in these letters" in (street.text(text) or "")
    assert street.opted_out()


@pytest.mark.parametrize("text", ["yes the bus", "ok bus", "no problem", "help the police", "the list of lists", "👎", "👍👎", "?"])
def test_with_other_words_they_are_none_of_ours(tmp_path: Path, text: str) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text(text)
    assert street.follows() == {}


def test_every_courtesy_beside_yes_leaves_it_a_yes() -> None:
    assert the_words().courtesies.isdisjoint({*the_words().stop_keys, *the_words().yes, *the_words().no})


# --- the question, once more --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es", "ko"])
def test_what_is_not_understood_gets_the_question_that_waits_once_more_and_then_silence(tmp_path: Path, language: str) -> None:
    street = Street(tmp_path)
    signed_up(street, language)
    asked = street.got(PHONE)
    assert street.texts("who is this?") == asked == [street.says("confirm", language, topics=["transit", "jobs"], beside=True)]
    assert street.texts("quien es") == []
    street.text("YES")
    assert street.follows() == {"transit": language, "jobs": language}


def test_help_of_the_days_before_does_not_keep_the_question_from_coming_again(tmp_path: Path) -> None:
    street = Street(tmp_path)
    street.text("what is this")
    street.clock.advance(timedelta(hours=2))
    signed_up(street)
    assert street.texts("who is this?") == street.got(PHONE)
    assert street.texts("who is this?") == []


def test_after_the_sign_up_is_over_help_is_as_ever(tmp_path: Path) -> None:
    street = Street(tmp_path)
    signed_up(street)
    street.text("NO")
    assert street.text("who is this?") != street.got(PHONE)[0]
