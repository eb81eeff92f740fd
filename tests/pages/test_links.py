"""The links of our emails: one click ends what brought it, the page ends all, preferences choose anew. A GET changes nothing."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.tokens import Tokens
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from tests.conversation.booth import Booth

WHO = "3" + "0" * 31
ONE_CLICK = [("List-Unsubscribe", "One-Click")]


def reader(tmp_path: Path, *topics: str, channel: Channel = Channel.EMAIL, locale: str = "en") -> Booth:
    """A booth with somebody who follows these topics."""
    booth = Booth(tmp_path)
    value = {Channel.EMAIL: "ana@example.org", Channel.SMS: "+12025550101"}[channel]
    known = booth.services.store.addresses.claim(Address(channel, value), subscriber=WHO, verified=True)
    for topic in topics:
        one = Subscription(WHO, topic, channel, known.hash, locale)
        booth.state.table.put_many([audience_row(one), person_row(one)])
    return booth


def follows(booth: Booth, channel: Channel = Channel.EMAIL) -> dict[str, str]:
    return {one.topic: one.locale for one in booth.services.store.subscriptions.of(WHO, channel)}


def ending(booth: Booth, topic: str, channel: str = "email") -> str:
    return f"/unsubscribe/{booth.services.tokens.sign('unsubscribe', WHO, topic, channel)}"


def choosing(booth: Booth, channel: str = "email") -> str:
    return f"/preferences/{booth.services.tokens.sign('preferences', WHO, channel)}"


def opted_out(booth: Booth, channel: Channel = Channel.EMAIL) -> bool:
    value = {Channel.EMAIL: "ana@example.org", Channel.SMS: "+12025550101"}[channel]
    return booth.services.store.subscribers.find(Address(channel, value)).opted_out


# --- unsubscribe ------------------------------------------------------------------------------------------------------


def test_one_click_ends_the_topic_and_answers_200_as_often_as_it_is_clicked(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    assert [booth.submit(ending(booth, "jobs"), ONE_CLICK).status for _ in range(3)] == [200] * 3
    assert follows(booth) == {"transit": "en"}
    assert not opted_out(booth)
    [entry] = booth.services.store.consents.of(WHO)
    assert (entry.step, entry.topic, entry.how) == ("left", "jobs", "web")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'),
        ("", b""),
    ],
)
def test_one_click_needs_no_particular_encoding_cookie_or_login(tmp_path: Path, content_type: str, body: bytes) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    answer = booth.call("POST", ending(booth, "jobs"), body, {"Content-Type": content_type} if content_type else {})
    assert answer.status == 200
    assert "Location" not in answer.headers
    assert follows(booth) == {"transit": "en"}


def test_following_the_link_changes_nothing(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    rows = booth.rows()
    page = booth.get(ending(booth, "jobs"))
    assert page.status == 200
    assert "City jobs" in page.text
    assert "Stop everything" in page.text
    assert booth.rows() == rows


def test_whatever_brought_the_message_ends(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "transit/red-line", "jobs")
    assert booth.submit(ending(booth, "transit/red-line"), ONE_CLICK).status == 200
    assert follows(booth) == {"jobs": "en"}


def test_everything_can_be_ended_and_is_opted_out_first(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    page = booth.submit(ending(booth, "jobs"), [("end", "all")])
    assert "We send nothing to this address now" in page.text
    assert follows(booth) == {}
    assert opted_out(booth)
    assert {entry.step for entry in booth.services.store.consents.of(WHO)} == {"stopped"}


def test_ending_the_last_topic_opts_out_so_that_what_is_planned_stops_too(tmp_path: Path) -> None:
    booth = reader(tmp_path, "jobs")
    booth.submit(ending(booth, "jobs"), ONE_CLICK)
    assert opted_out(booth)
    assert "nothing to stop" in booth.get(ending(booth, "jobs")).text


def test_the_page_of_a_topic_that_was_left_offers_to_end_the_rest(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    page = booth.get(ending(booth, "jobs")).text
    assert "You do not follow this topic any more" in page
    assert "Stop everything" in page


def test_another_channel_is_left_alone(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    known = booth.services.store.addresses.claim(Address(Channel.SMS, "+12025550101"), subscriber=WHO, verified=True)
    one = Subscription(WHO, "transit", Channel.SMS, known.hash, "en")
    booth.state.table.put_many([audience_row(one), person_row(one)])
    booth.submit(ending(booth, "transit"), [("end", "all")])
    assert follows(booth, Channel.SMS) == {"transit": "en"}
    assert not opted_out(booth, Channel.SMS)


def test_pages_are_in_the_language_of_the_messages_unless_another_is_chosen(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs", locale="es")
    assert '<html lang="es" dir="ltr">' in booth.get(ending(booth, "jobs"), accept_language="ar").text
    assert '<html lang="ar" dir="rtl">' in booth.submit(f"{ending(booth, 'jobs')}?lang=ar", ONE_CLICK).text


# --- preferences ------------------------------------------------------------------------------------------------------


def test_preferences_choose_topics_and_language(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    page = booth.get(choosing(booth)).text
    assert re.findall(r'name="topic-email" value="([^"]+)" checked', page) == ["transit", "jobs"]
    saved = booth.submit(choosing(booth), [("topic-email", "jobs"), ("topic-email", "events"), ("topic-email", "circus"), ("language", "es")])
    assert saved.status == 200
    assert 'role="status"' in saved.text
    assert follows(booth) == {"events": "es", "jobs": "es"}
    ledger = {(entry.step, entry.topic) for entry in booth.services.store.consents.of(WHO)}
    assert ledger == {("left", "transit"), ("joined", "events"), ("language", "*")}
    [joined] = [entry for entry in booth.services.store.consents.of(WHO) if entry.step == "joined"]
    assert (booth.services.store.consents.wording(joined.wording) or "").strip() in page


def test_saving_what_is_saved_already_writes_nothing(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    rows = booth.rows()
    booth.submit(choosing(booth), [("topic-email", "transit"), ("language", "en")])
    assert booth.rows() == rows


def test_no_topic_at_all_opts_out_and_choosing_again_opts_in(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    booth.submit(choosing(booth), [("language", "es")])
    assert (follows(booth), opted_out(booth)) == ({}, True)
    assert booth.submit(choosing(booth), [("topic-email", "jobs"), ("language", "xx")]).status == 200
    assert (follows(booth), opted_out(booth)) == ({"jobs": "en"}, False)


def test_saving_nothing_over_nothing_is_no_error(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    booth.submit(ending(booth, "transit"), ONE_CLICK)
    rows = booth.rows()
    assert booth.submit(choosing(booth)).status == 200
    assert booth.rows() == rows


def test_a_phone_that_the_network_blocks_is_told_to_text_start_first(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", channel=Channel.SMS)
    booth.services.store.addresses.opt_out(booth.person().hash, booth.clock(), blocked=True)
    answer = booth.submit(choosing(booth, "sms"), [("topic-sms", "jobs")])
    assert answer.status == 409
    assert "Text START first" in answer.text
    assert follows(booth, Channel.SMS) == {"transit": "en"}


def test_a_phone_that_left_everything_on_the_page_comes_back_on_it(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", channel=Channel.SMS)
    booth.submit(choosing(booth, "sms"), [("language", "en")])
    assert booth.person().opted_out
    assert booth.submit(choosing(booth, "sms"), [("topic-sms", "jobs"), ("language", "en")]).status == 200
    assert follows(booth, Channel.SMS) == {"jobs": "en"}
    assert not booth.person().opted_out


def test_somebody_we_do_not_know_has_no_preferences(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    assert booth.submit(choosing(booth), [("topic-email", "jobs")]).status == 404
    assert booth.rows() == 0


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["confirm", "unsubscribe", "preferences"])
@pytest.mark.parametrize("token", ["x", "a" * 500, "%F0%9F%98%80", "..", "a.b", "-" * 22])
def test_a_link_that_is_not_ours_is_a_page_that_says_so(tmp_path: Path, path: str, token: str) -> None:
    booth = Booth(tmp_path)
    for answer in (booth.get(f"/{path}/{token}?lang=es"), booth.submit(f"/{path}/{token}?lang=es")):
        assert answer.status == 404
        assert "Este enlace no está completo" in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(at=st.integers(0, 500), char=st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_token_with_any_byte_altered_is_refused(at: int, char: str) -> None:
    tokens = Tokens([b"k" * 32])
    token = tokens.sign("unsubscribe", WHO, "transit/red-line", "email")
    assert tokens.read("unsubscribe", token) == (WHO, "transit/red-line", "email")
    at %= len(token)
    altered = token[:at] + char + token[at + 1 :]
    assert tokens.read("unsubscribe", altered) is None or altered == token
