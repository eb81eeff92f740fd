"""Every word of every language, and how texts are folded before they are compared."""

import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.conversation import Asked, Meaning, Question, Verb
from chalicelib.domain.folding import fold, squash
from chalicelib.domain.talk_hearing import understand
from chalicelib.domain.words import Words
from chalicelib.errors import Misconfigured
from tests.conversation.booth import HERE, the_city, the_words

FILE = (HERE / "chalicelib/domain/words.toml").read_text("utf-8")
DATA = tomllib.loads(FILE)

CIVIC_STOP = {
    "en": "STOP STOPALL|STOP ALL|UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT OPT-OUT|OPT OUT|REMOVE",
    "es": "PARAR PARE ALTO BAJA CANCELAR DETENER TERMINAR FIN SALIR",
    "fr": "ARRET ARRETER ANNULER DESABONNER DESINSCRIRE FIN",
    "pt": "PARAR PARE CANCELAR SAIR FIM",
    "ht": "KANPE SISPANN RETE ANILE",
    "it": "FERMA BASTA ANNULLA CANCELLA",
    "pl": "STOP ZATRZYMAJ ANULUJ KONIEC REZYGNUJE",
    "vi": "DUNG NGUNG HUY DỪNG NGỪNG HỦY",
    "tl": "TIGIL ITIGIL HINTO KANSELAHIN",
    "zh": "停止 停 取消 退订 退訂",
    "ko": "중지 정지 취소 해지 그만 수신거부",
    "ja": "停止 解除 配信停止",
    "ru": "СТОП ОТПИСАТЬСЯ ОТПИСКА ОТМЕНА ХВАТИТ",
    "ar": "توقف قف ايقاف الغاء|الغاء الاشتراك",
    "ur bn hi": "بند روکیں বন্ধ থামুন বাতিল बंद रोकें रद्द",
    "so am": "JOOJI አቁም",
    "twilio": "STOP UNSUBSCRIBE END QUIT STOPALL REVOKE OPTOUT CANCEL",
    "aws": "ARRET CANCEL END OPT-OUT OPTOUT QUIT REMOVE STOP TD UNSUBSCRIBE",
}
STOP = sorted({word for line in CIVIC_STOP.values() for part in line.split("|") for word in ([part] if part.count(" ") == 1 else part.split())})
WRITTEN = {
    "as it is": "{}",
    "lower case": "{lower}",
    "with an end mark": "{}!",
    "in quotes": "“{}”.",
    "with emoji": "🛑 {} 🛑🏽",
    "with hidden marks": "\u200f{}\u200b\ufeff",
    "between spaces": "  {}\n",
    "wide": "{wide}",
    "taken apart": "{apart}",
}


def meaning(text: str, asked: Asked = Asked.NOTHING) -> Meaning:
    return understand(text, words=the_words(), city=the_city(), question=Question(asked), today=date(2026, 12, 1))


def written(word: str, how: str) -> str:
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in word)
    return WRITTEN[how].format(word, lower=word.lower(), wide=wide, apart=unicodedata.normalize("NFD", word))


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("word", STOP)
def test_a_stop_word_stops_however_it_is_written(word: str, how: str) -> None:
    assert meaning(written(word, how)).verb is Verb.STOP


def words_of(table: str) -> Iterator[str]:
    return (word for words in DATA[table].values() for word in words)


@pytest.mark.parametrize(("table", "verb"), [("help", Verb.HELP), ("start", Verb.START), ("list", Verb.LIST), ("language", Verb.LANGUAGE)])
def test_every_word_of_a_table_does_what_its_table_says(table: str, verb: Verb) -> None:
    odd = {word: meaning(written(word, how)).verb for word in words_of(table) for how in WRITTEN if meaning(written(word, how)).verb is not verb}
    assert odd == {}


@pytest.mark.parametrize(("table", "verb"), [("join", Verb.JOIN), ("leave", Verb.LEAVE), ("stop", Verb.LEAVE)])
@pytest.mark.parametrize("topic", ["RED LINE", "red-line, please", "línea roja", "红线", "الخط الأحمر"])
def test_every_command_takes_a_topic_in_any_language(table: str, verb: Verb, topic: str) -> None:
    odd = {word: found for word in words_of(table) if (found := meaning(f"{word} {topic}")).verb is not verb or found.topics != ("transit/red-line",)}
    assert odd == {}


@pytest.mark.parametrize("text", ["加入红线", "退订红线", "停止红线"])
def test_scripts_without_spaces_run_on(text: str) -> None:
    assert meaning(text).topics == ("transit/red-line",)


@pytest.mark.parametrize("text", ["yes the bus", "si, bus", "take the bus", "I love the red line"])
def test_naming_a_topic_in_a_sentence_joins_nothing(text: str) -> None:
    assert meaning(text).verb is Verb.UNKNOWN


def test_every_plain_sentence_of_the_file_stops() -> None:
    sentences = [text for table in ("stop_phrases", "wrong_number", "refusals") for text in words_of(table)]
    assert {text for text in sentences if meaning(text).verb is not Verb.STOP} == set()


def test_a_wrong_number_is_told_from_every_other_stop_however_it_is_written() -> None:
    around = ("{}", "{}!", "sorry, {} please", "I told you already: {}", "{} {}")
    assert {text for text in words_of("wrong_number") for form in around[:2] if not meaning(form.format(text)).wrong_number} == set()
    assert {form for form in around if not meaning(form.format("wrong number", "wrong number")).wrong_number} == set()
    assert {text for table in ("stop", "stop_phrases", "refusals") for text in words_of(table) if meaning(text).wrong_number} == set()
    assert not meaning("is this the wrong number?").wrong_number


@pytest.mark.parametrize(
    "text",
    [
        "stop texting me",
        "Please stop.",
        "STOP STOP STOP",
        "stop sending me messages now!!",
        "remove me",
        "please remove me from your list",
        "Sorry, you have the wrong number",
        "no más mensajes",
        "NO MAS MENSAJES POR FAVOR",
        "quiero cancelar todo",
        "Número equivocado",
        "stop alerts",
        "leave all",
        "请停止发短信",
        "不要再发了",
        "من فضلك توقف",
        "s t o p",
        "stop fucking texting me",
    ],
)
def test_a_sentence_that_says_nothing_but_stop_stops(text: str) -> None:
    assert meaning(text).verb is Verb.STOP


@pytest.mark.parametrize("text", ["STOP 14 bus?", "don't stop", "when does it stop", "the end of the line", "公交停运了吗", "no alto", "do not remove me"])
def test_a_stop_word_among_others_is_asked_about_once_and_then_believed(text: str) -> None:
    assert meaning(text).verb is Verb.UNCLEAR_STOP
    assert meaning(text, Asked.STOP).verb is Verb.STOP


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("ALTO", Verb.STOP),
        ("ALTA", Verb.START),
        ("PARAR", Verb.STOP),
        ("PARA", Verb.UNKNOWN),
        ("SHTOP", Verb.UNKNOWN),
        ("STOPP", Verb.UNKNOWN),
        ("nonstop", Verb.UNKNOWN),
    ],
)
def test_one_letter_parts_stop_from_join(text: str, verb: Verb) -> None:
    assert meaning(text).verb is verb


@pytest.mark.parametrize("table", ["help", "start", "join", "leave", "list", "language", "language_names"])
def test_stop_shares_no_word_with_another_table(table: str) -> None:
    assert {squash(word) for word in words_of(table)} & set(the_words().stop) == set()


def test_no_word_of_the_demo_city_is_one_of_ours() -> None:
    city, words = the_city(), the_words()
    own = {squash(word.word) for word in city.entry_words} | {squash(word) for topic in city.topics.values() for word in topic.keywords}
    assert own & {*words.stop, *words.help, *words.start, *words.list, *words.languages} == set()


@pytest.mark.parametrize(
    ("text", "blocks", "unblocks"),
    [
        ("STOP", True, False),
        ("stop ", True, False),
        ("Stop!", False, False),
        ("stop please", False, False),
        ("ALTO", False, False),
        ("START", False, True),
        ("empezar", False, False),
    ],
)
def test_we_know_on_which_texts_the_provider_acts_itself(text: str, blocks: bool, unblocks: bool) -> None:
    found = meaning(text)
    assert (found.blocks, found.unblocks) == (blocks, unblocks)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Línea  Roja!", "linea roja"),
        ("ПОМОЩЬ, ё", "помощь е"),
        ("مـساعـدَة", "مساعده"),
        ("إلغاء", "الغاء"),
        ("روکیں", "روكين"),
        ("도움말", "도움말"),
        ("ヘルプ", "ヘルプ"),
        ("ﾍﾙﾌﾟ", "ヘルプ"),
        ("रोकें", "रोकें"),
        ("BẮT ĐẦU", "bat dau"),
        ("Łódź", "lodz"),
        ("don’t", "dont"),
        ("1️⃣ ٢", "1 2"),
        ("İstanbul ıslak", "istanbul islak"),
        ("🙂\u2066\U000e0061", ""),
        ("½ ²", "1 2 2"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=200))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=300))
def test_every_text_means_something(text: str) -> None:
    assert isinstance(meaning(text), Meaning)


@given(
    st.sampled_from(STOP),
    st.lists(st.sampled_from(["\u200b", "\u2067", " ", "!", ".", "🛑", "«", "\t", "…"])),
    st.lists(st.sampled_from(["\u200f", "?", " ", "\n", "👎🏾", "»"])),
)
def test_nothing_around_a_stop_word_hides_it(word: str, before: list[str], after: list[str]) -> None:
    assert meaning("".join(before) + word + "".join(after)).verb is Verb.STOP


@pytest.mark.parametrize(("text", "said"), [("= nonsense", "words.toml is not TOML"), ("[stop]\nen = []", "words.toml lacks 'stop_phrases'")])
def test_a_broken_word_file_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        Words.parse(text)
