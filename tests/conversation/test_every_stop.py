"""No text that a reasonable person would read as stop is answered with anything but the one confirmation, whatever was asked before."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.city import Area, City, EntryWord
from chalicelib.domain.conversation import Asked
from chalicelib.domain.filters import Filters
from chalicelib.domain.talk import Heard, step
from chalicelib.domain.talk_changes import Leave, Release, Said, StopAll, Taken
from chalicelib.domain.talk_state import Follow, Memory, Talk, Waiting
from chalicelib.domain.topic import Topic
from tests.conversation.booth import Booth, the_city, the_words

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)

WORDS = {
    # the words of the field, by language: the FCC's list, Twilio's, AWS's, and those of the languages
    "en": "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT OPT-OUT REMOVE TD|STOP ALL|OPT OUT",
    "es": "PARAR PARE ALTO BAJA CANCELAR DETENER TERMINAR FIN SALIR",
    "fr": "ARRET ARRETER ANNULER DESABONNER DESINSCRIRE FIN",
    "pt": "PARAR PARE CANCELAR SAIR FIM",
    "ht": "KANPE SISPANN RETE ANILE",
    "it": "FERMA BASTA ANNULLA CANCELLA",
    "pl": "STOP ZATRZYMAJ ANULUJ KONIEC REZYGNUJE",
    "vi": "DUNG NGUNG HUY DỪNG NGỪNG HỦY",
    "fil": "TIGIL ITIGIL HINTO KANSELAHIN",
    "zh": "停止 停 取消 退订 退訂",
    "ko": "중지 정지 취소 해지 그만 수신거부",
    "ja": "停止 解除 配信停止",
    "ru": "СТОП ОТПИСАТЬСЯ ОТПИСКА ОТМЕНА ХВАТИТ",
    "ar": "توقف قف ايقاف الغاء|الغاء الاشتراك",
    "ur": "بند روکیں",
    "bn": "বন্ধ থামুন বাতিল",
    "hi": "बंद रोकें रद्द",
    "so": "JOOJI",
    "am": "አቁም",
}
SENTENCES = {
    "en": "stop texting me|wrong number|no more messages|no more texts|take me off your list|remove me from this list|don't text me|leave me alone|I want to unsubscribe|stop sending me messages"
    "|you have the wrong number|lose my number|not interested|unsubscribe me|please opt me out"
    "|I want to be removed|i want off|can I get off this list|sign me off|I want to stop getting alerts|I do not want any more|I'd like to cancel please|I don't want alerts|opt me out".replace(
        "|please opt me out", ""
    ),
    "es": "no más mensajes|número equivocado|dejen de escribirme|no me manden más|quiero darme de baja|ya no quiero recibir mensajes|quítenme de la lista|no me escriban|quiero dejar de recibir mensajes|quiero que paren"
    "|quiero borrarme|quiero salirme|quiero desuscribirme|no quiero alertas|gracias pero ya no|deseo cancelar|no quiero",
    "fr": "plus de messages|mauvais numéro|laissez-moi tranquille|ne m'écrivez plus|retirez-moi de la liste"
    "|je ne veux pas|je veux me désinscrire|je voudrais être retiré de la liste",
    "pt": "chega de mensagens|número errado|não quero mais mensagens|me tire da lista|não me mande mais mensagens"
    "|obrigado mas não quero|não quero|quero ser removido|eu quero que parem",
    "ht": "pa voye mesaj ankò|move nimewo|kite m trankil|pa ekri m ankò|m pa vle resevwa mesaj"
    "|mwen pa vle resevwa ankò|m vle soti|mèsi mwen pa vle|mwen pa vle alèt",
    "vi": "nhầm số|đừng nhắn tin|tôi không muốn nhận tin nữa|để tôi yên|tôi không muốn|tôi muốn ra khỏi danh sách|cảm ơn nhưng không cần",
    "fil": "huwag na mag-text|maling numero|tigilan nyo na ako|ayoko na ng text|gusto kong tumigil|ayoko ng text|salamat pero ayoko na|gusto kong umalis",
    "zh": "不要再发了|别再发|打错了|号码错误|不想收到短信|不要再傳了|打錯了|號碼錯誤|謝謝不用了|谢谢，不要了|我不想要|我要退出|不需要了",
    "ko": "보내지 마세요|그만 보내세요|잘못된 번호입니다|연락하지 마세요|취소하고 싶어요|구독 취소하고 싶어요|그만두고 싶습니다"
    "|원하지 않아요|받고 싶지 않아요|필요 없어요|안 받을래요",
    "ru": "больше не пишите|не пишите мне|вы ошиблись номером|удалите меня из списка|оставьте меня в покое"
    "|спасибо, не надо|не хочу|я не хочу получать сообщения|хочу выйти",
    "ar": "لا ترسلوا رسائل|رقم خاطئ|كفى|لا اريد رسائل|اريد التوقف|شكرا لا اريد|لا ارغب في الرسائل|اريد الغاء الاشتراك",
}
COURTESIES = {
    "en": ["please", "now", "thanks", "sorry", "hi", "me", "all messages", "immediately"],
    "es": ["por favor", "ya", "gracias", "hola", "todos los mensajes"],
    "fr": ["s'il vous plaît", "merci", "bonjour", "svp"],
    "pt": ["por favor", "obrigado", "já", "agora"],
    "ht": ["tanpri", "souple", "mèsi"],
    "vi": ["xin", "cảm ơn", "làm ơn"],
    "fil": ["po", "salamat", "na po"],
    "zh": ["请", "谢谢", "短信"],
    "ko": ["제발", "감사합니다", "문자"],
    "ru": ["пожалуйста", "спасибо", "здравствуйте"],
    "ar": ["من فضلك", "شكرا", "الرسائل"],
}
PLAIN = [(tag, word) for tag, line in WORDS.items() for at, part in enumerate(line.split("|")) for word in (part.split() if at == 0 else [part])]
SAID = [(tag, sentence) for tag, line in SENTENCES.items() for sentence in line.split("|")]

AROUND = [
    "",
    " ",
    "!",
    "...",
    "!!!",
    "🛑",
    "🙏🏽",
    "«",
    "»",
    "“",
    "”",
    "\u200f",
    "\u200b",
    "\ufeff",
    "\n",
    "\t",
    "¡",
    "。",
    "、",
    "—",
    "(",
    ")",
    "*",
    "😡",
    "\u2066",
    "'",
    ".",
    ",",
    ";",
]
HIDDEN = ["", "\u200b", "\u200d", "\u2060", "\u00ad", "\ufeff", "\u034f"]


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def marked(text: str) -> str:
    """Latin and Cyrillic letters with a mark too many, Arabic ones with a vowel sign and drawn out."""
    found = []
    for letter in text:
        name = unicodedata.name(letter, "")
        found.append(letter + ("\u0301" if name.startswith(("LATIN", "CYRILLIC")) else "\u064e\u0640" if name.startswith("ARABIC LETTER") else ""))
    return "".join(found)


SHAPES = [
    str,
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    wide,
    marked,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
]


@st.composite
def stops(draw: st.DrawFn) -> str:
    """A stop as somebody may write it."""
    tag, words = draw(st.sampled_from(PLAIN + SAID))
    words = draw(st.sampled_from(SHAPES))(words)
    words = draw(st.sampled_from(HIDDEN)).join(words) if draw(st.booleans()) else words
    if draw(st.integers(0, 3)) == 0:
        words = f"{words}{draw(st.sampled_from([' ', ', ', '! ']))}{words}"
    courtesies = COURTESIES.get(tag, [])
    if courtesies and draw(st.booleans()):
        courtesy = draw(st.sampled_from(courtesies))
        words = draw(st.sampled_from([f"{words} {courtesy}", f"{courtesy}, {words}", f"{courtesy} {words}"]))
    before, after = (draw(st.lists(st.sampled_from(AROUND), max_size=3)) for _ in range(2))
    return "".join(before) + words.replace(" ", draw(st.sampled_from([" ", "  ", "\u00a0", "\n"]))) + "".join(after)


QUESTIONS = [
    (Asked.NOTHING, ()),
    (Asked.LANGUAGE, the_city().languages),
    (Asked.STOP, ()),
    (Asked.TOPIC, tuple(the_city().topics)),
    (Asked.LEAVE, ("events",)),
    (Asked.PLACE, ("events",)),
    (Asked.PAUSE, ("2026-12-02", "2026-12-08", "2027-01-01")),
]


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    """Whatever was said before, short of a stop."""
    asked, options = draw(st.sampled_from(QUESTIONS))
    memory = Memory(
        locale=draw(st.sampled_from([None, "en", "es", "ar"])),
        asked=asked,
        asked_at=NOW - timedelta(hours=draw(st.integers(0, 30))) if asked else None,
        options=options,
        tries=draw(st.integers(0, 2)),
        helped_at=draw(st.sampled_from([None, NOW - timedelta(hours=1)])),
        places=draw(st.sampled_from([(), ("harbor",)])),
    )
    follows = draw(st.lists(st.sampled_from(["events", "jobs"]), unique=True))
    return Talk(
        memory,
        tuple(Follow(topic, "en", Filters()) for topic in follows),
        paused_until=draw(st.sampled_from([None, NOW + timedelta(days=3)])),
        waiting=draw(st.sampled_from([None, Waiting("up", ("jobs",), "en")])),
    )


NEW = Talk()
STOPS = ((StopAll(),), (StopAll(), Release()))


def taken(text: str, talk: Talk = NEW, city: City | None = None) -> Taken:
    city = city or the_city()
    return step(talk, Heard(text), NOW, words=the_words(), city=city, zone=city.zone)


@settings(max_examples=600, deadline=None)
@given(stops(), talks())
def test_whoever_says_stop_gets_the_one_confirmation_and_nothing_else(text: str, talk: Talk) -> None:
    found = taken(text, talk)
    assert (found.replies, found.changes[:1]) == ((Said("stopped", {}),), (StopAll(),)), ascii(text)
    assert found.changes[1:] in {(), (Release(),)}
    assert taken(text, replace(talk, memory=found.memory, follows=(), opted_out=True)).replies == (), "and silence after that"


@pytest.mark.parametrize(("tag", "text"), PLAIN + SAID)
def test_every_word_and_sentence_stops_as_it_stands(tag: str, text: str) -> None:
    assert taken(text).changes in STOPS


def a_greedy_city() -> City:
    """A city that names everything after a stop word."""
    names = [word for _, word in PLAIN + SAID]
    city = the_city()
    topics = {f"t{at}": Topic(f"t{at}", {"en": name}, (name,), asks_place=True) for at, name in enumerate(names)}
    areas = {f"a{at}": Area(f"a{at}", {"en": name}, (), (name,)) for at, name in enumerate(names)}
    entries = tuple(EntryWord(name, "en", f"t{at}") for at, name in enumerate(names))
    return replace(city, topics={**city.topics, **topics}, areas=areas, entry_words=entries)


GREEDY = a_greedy_city()


@settings(max_examples=60, deadline=None)
@given(stops(), talks())
def test_no_name_of_a_topic_or_a_place_shadows_a_stop(text: str, talk: Talk) -> None:
    assert taken(text, talk, GREEDY).replies == (Said("stopped", {}),), ascii(text)


@pytest.mark.parametrize("text", ["JOIN cancel", "JOIN no more texts", "alta baja", "JOIN please stop"])
def test_no_command_joins_what_says_stop(text: str) -> None:
    assert taken(text, NEW, GREEDY).changes in {(), *STOPS}


@pytest.mark.parametrize(
    "text",
    [
        "I told you already this is the wrong number",
        "hey, this is Bob, wrong number",
        "Maria does not live here, you have the wrong number",
        "you people need to stop texting me",
        "for the last time take me off this thing",
        "señores, ya les dije que es número equivocado",
        "oigan, dejen de escribirme a esta hora",
        "您好，您打错了，我不是小李",
        "Bonjour, vous avez un mauvais numéro ici",
        "это не тот номер, я не Иван",
    ],
)
def test_a_sentence_that_can_mean_nothing_else_stops_among_others(text: str) -> None:
    assert taken(text).changes in STOPS


@pytest.mark.parametrize(
    "text",
    [
        *("ALTA", "PARA", "SHTOP", "STOPP", "nonstop", "alt", "pares", "finde", "salida", "stopwatch"),
        *("don't stop texting me", "why did you stop texting me?", "do not take me off your list", "is this the wrong number?", "no dejen de escribirme"),
        *("STOP 14 bus?", "when does the 14 stop", "the end of the line", "¿el bus va a parar?", "公交停运了吗", "متى توقف الحافلة", "автобус стоп где"),
        *("I don't want to stop", "no quiero parar los mensajes", "je ne veux pas arrêter", "não quero cancelar", "не хочу отписаться", "mwen pa vle kanpe"),
        *("我不想要停止", "중지 원하지 않아요", "لا اريد الغاء", "tôi không muốn dừng", "hindi ko gustong tumigil", "I do not want to cancel, thanks"),
        *("yes please", "no thanks", "thanks but no", "merci mais non", "no, gracias", "네 감사합니다", "👍", "HELP me", "list please", "start please"),
        *("North End", "JOIN north end", "STOP jobs", "PAUSE until Friday", "暂停3天"),
    ],
)
def test_what_no_reasonable_person_reads_as_stop_stops_nothing(text: str) -> None:
    found = taken(text, Talk(follows=(Follow("jobs", "en"),)))
    assert StopAll() not in found.changes
    assert Said("stopped", {}) not in found.replies


REFUSED = {
    "en": ("I don't want events", "I do not want to get events", "don't send me events", "no more events", "I don't want to join events"),
    "es": ("no quiero eventos", "ya no quiero eventos", "no me gustaría recibir eventos", "no quisiera eventos"),
    "zh-Hans": ("我不想收到城市活动", "我不要城市活动", "不要城市活动", "我不想要城市活动"),
    "zh-Hant": ("我唔想收活動", "我不想收到活動", "不要活動"),
    "vi": ("tôi không muốn sự kiện", "tôi không muốn nhận sự kiện"),
    "fil": ("ayaw ko ng events", "hindi ko gusto ng mga kaganapan", "ayoko ng events"),
    "ar": ("لا اريد فعاليات المدينة", "لا ارغب في فعاليات المدينة"),
    "ko": ("행사 안 받을래요", "행사는 안 받을래요", "행사 받고 싶지 않아요", "이벤트 원하지 않아요", "행사를 알려주지 마세요"),
    "ru": ("не хочу события", "я не хочу получать события"),
    "ht": ("mwen pa vle evenman", "m pa vle resevwa evènman"),
    "fr": ("je ne veux pas événements", "je ne voudrais plus recevoir les événements"),
    "pt": ("não quero eventos", "eu não quero receber eventos", "não gostaria de receber eventos"),
}


@pytest.mark.parametrize("text", [text for some in REFUSED.values() for text in some])
def test_a_topic_that_is_refused_is_left_and_nothing_else(text: str) -> None:
    follows = (Follow("events", "en"), Follow("jobs", "en"))
    assert taken(text, Talk(follows=follows)).changes == (Leave("events"),)
    assert taken(text, Talk(follows=follows[1:])).replies == (Said("stop_or_leave", {"follows": ["jobs"]}),)
    stranger = taken(text)
    assert (stranger.replies, stranger.changes) == ((Said("stop_or_leave", {"follows": []}),), ())
    again = taken(text, replace(NEW, memory=stranger.memory))
    assert (again.changes, again.replies[0].template) == ((), "not_following")
    assert taken(text, replace(NEW, opted_out=True)).replies == ()


@pytest.mark.parametrize("text", ["no events", "no eventos", "no evnts", "не события", "pa evènman", "no jobs please"])
@pytest.mark.parametrize("follows", [(), (Follow("events", "en"),)], ids=["a stranger", "a reader"])
def test_a_no_beside_a_topic_is_asked_about_and_never_taken_for_a_wish(text: str, follows: tuple[Follow, ...]) -> None:
    found = taken(text, Talk(follows=follows))
    assert (found.changes, [one.template for one in found.replies]) == ((), ["stop_or_leave"])


@pytest.mark.parametrize("text", ["ÁLTO!!", "please, STOP", "停止。", "¡no más mensajes!", "s\u200bt\u200bo\u200bp", "توقف 🙏"])
def test_at_the_door_too(tmp_path: Path, text: str) -> None:
    booth = Booth(tmp_path)
    booth.text("JOIN events, jobs")
    assert booth.texts(text) in [[booth.says("stopped", "en")]]
    assert (booth.follows(), booth.person().opted_out, booth.texts(text)) == ({}, True, [])
