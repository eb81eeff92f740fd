"""The page behind the link to one's choices: parts of topics, times, channels; what is wrong is said and nothing is lost."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.consent import Consent, read_detail
from chalicelib.domain.filters import EVERYTHING, Filters, Hours, Journey
from chalicelib.domain.notice import Severity
from chalicelib.domain.preferences import UNCHOSEN, Digest, Preferences
from chalicelib.store.subscriptions import Subscription, audience_row, person_row
from tests.conversation.booth import Booth
from tests.conversation.crossing import meddle
from tests.pages.test_links import WHO, choosing, ending, follows, opted_out, reader
from tests.pages.test_pages import bones

Fields = list[tuple[str, str]]


def as_it_stands(booth: Booth, channel: str = "email", **changed: str | None) -> Fields:
    """The form as a browser would send it back untouched, but for what is named (`_` for `-`, `__` for `.`); None takes a field away."""
    return sent_back(booth.get(choosing(booth, channel)).text, **changed)


def sent_back(page: str, **changed: str | None) -> Fields:
    """The form of a page, likewise."""
    fields: Fields = []
    for one in bones(page).of("input"):
        if one.get("type") in {"checkbox", "radio"} and "checked" not in one:
            continue
        fields.append((str(one["name"]), str(one.get("value") or "")))
    fields += re.findall(r'<select[^>]* name="([^"]+)"[^>]*>.*?<option value="([^"]*)"[^>]* selected', page, re.S)
    named = {name.replace("__", ".").replace("_", "-"): value for name, value in changed.items()}
    return [one for one in fields if one[0] not in named] + [(name, value) for name, value in named.items() if value is not None]


def with_phone(booth: Booth, *topics: str) -> None:
    """The same person's phone follows these."""
    known = booth.services.store.addresses.claim(Address(Channel.SMS, "+12025550101"), subscriber=WHO, verified=True)
    for topic in topics:
        one = Subscription(WHO, topic, Channel.SMS, known.hash, "en")
        booth.state.table.put_many([audience_row(one), person_row(one)])


def subscription(booth: Booth, topic: str, channel: Channel = Channel.EMAIL) -> Subscription:
    """A subscription, as the person's rows and the audience's say alike."""
    [mine] = [one for one in booth.services.store.subscriptions.of(WHO, channel) if one.topic == topic]
    assert mine in list(booth.services.store.subscriptions.followers(topic, shards=[int(WHO[0], 16)]))
    return mine


def ledger(booth: Booth) -> list[Consent]:
    return booth.services.store.consents.of(WHO)


def contents(booth: Booth) -> list[tuple[object, ...]]:
    """The whole table."""
    with booth.state.file.reading() as connection:
        return sorted(map(tuple, connection.execute("SELECT * FROM state_rows").fetchall()), key=str)


# --- parts of topics --------------------------------------------------------------------------------------------------


def test_a_part_of_a_topic_is_kept_and_the_ledger_says_which(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    fields = as_it_stands(booth, transit__severity="severe", transit__route_0="Red", transit__travel_from="07:00", transit__travel_until="09:00")
    answer = booth.submit(choosing(booth), fields)
    assert 'role="status"' in answer.text
    wanted = Filters(severity=Severity.SEVERE, journeys=(Journey(route="Red"),), travel=Hours(frozenset(range(7)), 420, 540))
    assert subscription(booth, "transit").filters == wanted
    assert subscription(booth, "jobs").filters == EVERYTHING
    [entry] = ledger(booth)
    assert (entry.step, entry.topic, entry.how, read_detail(entry.detail)) == ("preferences", "transit", "web", (wanted, UNCHOSEN))
    page = answer.text
    assert 'name="transit.route-0" type="text" value="Red"' in page
    assert 'name="transit.route-1"' in page
    assert "You get a part of it" in page


def test_whoever_joins_a_part_has_it_in_the_ledger_of_the_joining(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = as_it_stands(booth, jobs__pay="45000", quiet="none")
    booth.submit(choosing(booth), [*fields, ("topic-email", "jobs")])
    assert subscription(booth, "jobs").filters == Filters(pay=45000)
    [joined] = [one for one in ledger(booth) if one.step == "joined"]
    assert read_detail(joined.detail) == (Filters(pay=45000), Preferences(quiet=(0, 0)))


def test_the_form_sent_back_as_it_came_writes_nothing(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    booth.submit(choosing(booth), as_it_stands(booth, transit__severity="severe", jobs__category="parks", digest="daily", pause="2026-12-24", calm="yes"))
    before = contents(booth)
    assert booth.submit(choosing(booth), as_it_stands(booth)).status == 200
    assert contents(booth) == before


def test_a_part_chosen_by_text_is_shown_and_stays(tmp_path: Path) -> None:
    booth = reader(tmp_path, "emergency")
    store, kept = booth.services.store, Filters(areas=frozenset({"harbor"}))
    booth.state.table.transact(store.subscriptions.choice_writes(replace(subscription(booth, "emergency"), filters=kept)))
    assert 'name="emergency.area" value="harbor" checked' in booth.get(choosing(booth)).text
    booth.submit(choosing(booth), as_it_stands(booth, calm="yes"))
    assert subscription(booth, "emergency").filters == kept


# --- when -------------------------------------------------------------------------------------------------------------


def test_preferences_are_for_all_that_one_follows_and_follows_next(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    with_phone(booth, "transit")
    fields = as_it_stands(booth, quiet="own", quiet_from="22:00", quiet_until="07:00", zone="America/Denver", digest="weekly", digest_hour="18", digest_day="5")
    booth.submit(choosing(booth), fields)
    wanted = Preferences(quiet=(1320, 420), zone="America/Denver", digest=Digest.WEEKLY, digest_hour=18, digest_day=5)
    found = booth.services.store.subscriptions.of(WHO)
    assert [(one.topic, one.channel, one.preferences) for one in found] == [
        ("jobs", "email", wanted),
        ("transit", "email", wanted),
        ("transit", "sms", wanted),
    ]
    assert booth.services.store.preferences.of(WHO) == wanted
    [entry] = ledger(booth)
    assert (entry.step, entry.topic, read_detail(entry.detail)) == ("preferences", "*", (EVERYTHING, wanted))
    booth.submit(choosing(booth), [*as_it_stands(booth), ("topic-email", "events")])
    assert subscription(booth, "events").preferences == wanted


def test_whoever_wants_no_digest_any_more_leaves_its_roster(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    booth.submit(choosing(booth), as_it_stands(booth, digest="daily"))
    assert any(str(row[0]).startswith("D#") for row in contents(booth))
    booth.submit(choosing(booth), as_it_stands(booth, digest="now", language="es"))
    assert not any(str(row[0]).startswith("D#") for row in contents(booth))
    assert follows(booth) == {"transit": "es"}


def test_a_pause_is_said_on_the_page_and_ends_when_its_day_is_taken_away(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    page = booth.submit(choosing(booth), as_it_stands(booth, pause="2026-12-24")).text
    assert "Paused until Thursday, December 24, 2026" in page
    assert subscription(booth, "transit").preferences.paused_until == datetime(2026, 12, 24, 5, tzinfo=UTC)
    page = booth.submit(choosing(booth), as_it_stands(booth, pause="")).text
    assert "Paused until" not in page
    assert subscription(booth, "transit").preferences == UNCHOSEN


def test_texts_for_the_urgent_only_are_offered_to_whoever_has_both(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    assert "email-first" not in booth.get(choosing(booth)).text
    booth.submit(choosing(booth), as_it_stands(booth, email_first="yes"))
    assert subscription(booth, "transit").preferences == UNCHOSEN
    with_phone(booth, "transit")
    booth.submit(choosing(booth), as_it_stands(booth, email_first="yes"))
    assert subscription(booth, "transit", Channel.SMS).preferences == Preferences(email_first=True)


# --- channels ---------------------------------------------------------------------------------------------------------


def test_each_topic_can_come_by_each_channel_that_one_has(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    with_phone(booth, "transit")
    fields = [one for one in as_it_stands(booth) if one != ("topic-email", "transit")]
    booth.submit(choosing(booth), [*fields, ("topic-sms", "events")])
    assert follows(booth) == {"jobs": "en"}
    assert follows(booth, Channel.SMS) == {"events": "en", "transit": "en"}
    assert {(one.step, one.topic, one.channel) for one in ledger(booth)} == {("left", "transit", "email"), ("joined", "events", "sms")}
    [joined] = [one for one in ledger(booth) if one.step == "joined"]
    sentence = booth.services.store.consents.wording(joined.wording) or ""
    assert "sends texts to my number" in sentence
    assert "STOP to end" in sentence


def test_a_channel_with_no_topic_left_is_opted_out_and_the_other_is_not(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    with_phone(booth, "transit")
    booth.submit(choosing(booth), [one for one in as_it_stands(booth) if one[0] != "topic-sms"])
    assert (opted_out(booth, Channel.SMS), opted_out(booth)) == (True, False)
    assert follows(booth, Channel.SMS) == {}


def test_a_channel_that_one_does_not_have_cannot_be_joined(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    booth.submit(choosing(booth), [*as_it_stands(booth), ("topic-sms", "transit")])
    assert follows(booth, Channel.SMS) == {}


# --- a page that lay open ---------------------------------------------------------------------------------------------


def changed(booth: Booth, topic: str, **values: object) -> None:
    """A subscription changes elsewhere."""
    one = replace(subscription(booth, topic), **values)
    booth.state.table.transact(booth.services.store.subscriptions.change_writes(one, before=subscription(booth, topic)))


def joined_elsewhere(booth: Booth, topic: str) -> None:
    one = replace(booth.services.store.subscriptions.of(WHO, Channel.EMAIL)[0], topic=topic)
    booth.state.table.put_many([audience_row(one), person_row(one)])


def test_what_was_joined_meanwhile_stays(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = as_it_stands(booth, calm="yes")
    joined_elsewhere(booth, "jobs")
    answer = booth.submit(choosing(booth), fields)
    assert re.findall(r'name="topic-email" value="([^"]+)" checked', answer.text) == ["transit", "jobs"]
    assert follows(booth) == {"transit": "en", "jobs": "en"}
    assert [one.step for one in ledger(booth)] == ["preferences"]


def test_what_was_left_meanwhile_is_not_joined_again(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    fields = as_it_stands(booth, quiet="none")
    booth.submit(ending(booth, "jobs"), [("List-Unsubscribe", "One-Click")])
    assert booth.submit(choosing(booth), [*fields, ("topic-email", "events")]).status == 200
    assert follows(booth) == {"transit": "en", "events": "en"}


def test_who_stopped_meanwhile_stays_stopped(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    with_phone(booth, "transit")
    fields = as_it_stands(booth, channel="sms", calm="yes")
    for channel in ("sms", "email"):
        booth.submit(ending(booth, "transit", channel), [("end", "all")])
    assert booth.submit(choosing(booth, "sms"), fields).status == 200
    assert (follows(booth), follows(booth, Channel.SMS)) == ({}, {})
    assert opted_out(booth) and opted_out(booth, Channel.SMS)


def test_a_channel_that_came_meanwhile_stays(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = as_it_stands(booth, digest="daily")
    with_phone(booth, "events")
    booth.submit(choosing(booth), fields)
    assert (follows(booth), follows(booth, Channel.SMS)) == ({"transit": "en"}, {"events": "en"})
    assert subscription(booth, "events", Channel.SMS).preferences.digest is Digest.DAILY


def test_whoever_unticks_all_gets_nothing_whatever_came_meanwhile(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = [one for one in as_it_stands(booth) if one[0] != "topic-email"]
    joined_elsewhere(booth, "jobs")
    booth.submit(choosing(booth), fields)
    assert (follows(booth), opted_out(booth)) == ({}, True)


def test_preferences_parts_and_language_that_changed_meanwhile_stay(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    fields = as_it_stands(booth, jobs__pay="45000", digest="weekly")
    later = Preferences(quiet=(1320, 420), paused_until=datetime(2026, 12, 24, 5, tzinfo=UTC))
    kept = Filters(areas=frozenset({"harbor"}))
    for topic in ("transit", "jobs"):
        changed(booth, topic, preferences=later, locale="es", filters=kept if topic == "transit" else EVERYTHING)
    booth.state.table.transact([booth.services.store.preferences.write(WHO, later)])
    booth.submit(choosing(booth), fields)
    assert follows(booth) == {"transit": "es", "jobs": "es"}
    assert booth.services.store.preferences.of(WHO) == replace(later, digest=Digest.WEEKLY)
    assert (subscription(booth, "transit").filters, subscription(booth, "jobs").filters) == (kept, Filters(pay=45000))


def test_what_was_changed_on_the_page_wins_over_what_changed_meanwhile(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = as_it_stands(booth, pause="2026-12-20", language="ar")
    changed(booth, "transit", preferences=Preferences(paused_until=datetime(2026, 12, 24, 5, tzinfo=UTC)), locale="es")
    booth.submit(choosing(booth), fields)
    assert subscription(booth, "transit").preferences.paused_until == datetime(2026, 12, 20, 5, tzinfo=UTC)
    assert follows(booth) == {"transit": "ar"}


def test_a_pause_that_ended_while_the_page_lay_open_is_no_fault(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    booth.submit(choosing(booth), as_it_stands(booth, pause="2026-12-02"))
    fields = as_it_stands(booth, calm="yes")
    booth.clock.advance(timedelta(days=3))
    assert booth.submit(choosing(booth), fields).status == 200
    assert subscription(booth, "transit").preferences.calm


def test_a_page_with_a_fault_shows_what_changed_meanwhile_and_what_was_filled_in(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    fields = as_it_stands(booth, jobs__pay="much")
    joined_elsewhere(booth, "jobs")
    answer = booth.submit(choosing(booth), fields)
    assert answer.status == 422
    assert re.findall(r'name="topic-email" value="([^"]+)" checked', answer.text) == ["transit", "jobs"]
    assert set(re.findall(r'name="was:topic-email" value="([^"]+)"', answer.text)) == {"transit", "jobs"}
    assert 'name="jobs.pay" type="text" value="much"' in answer.text


def test_what_was_changed_beside_a_fault_is_saved_once_the_fault_is_mended(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    fields = [one for one in as_it_stands(booth, jobs__pay="much", calm="yes") if one != ("topic-email", "transit")]
    answer = booth.submit(choosing(booth), fields)
    booth.submit(choosing(booth), sent_back(answer.text, jobs__pay="45000"))
    assert follows(booth) == {"jobs": "en"}
    mine = subscription(booth, "jobs")
    assert (mine.filters, mine.preferences) == (Filters(pay=45000), Preferences(calm=True))


def test_what_only_both_channels_offer_is_kept_for_whoever_saw_one(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    changed(booth, "transit", preferences=Preferences(email_first=True))
    fields = as_it_stands(booth, calm="yes")
    with_phone(booth, "transit")
    booth.submit(choosing(booth), fields)
    assert subscription(booth, "transit").preferences == Preferences(calm=True, email_first=True)


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_each_wrong_field_is_named_on_top_and_beside_it_and_nothing_is_lost(tmp_path: Path) -> None:
    booth = reader(tmp_path, "transit")
    before = contents(booth)
    fields = as_it_stands(booth, transit__hours_from="25:00", transit__hours_until="09:00", transit__origin_0="12", jobs__pay="much", pause="1999-01-01")
    answer = booth.submit(f"{choosing(booth)}?lang=es", fields)
    assert answer.status == 422
    wrong = {"transit.hours-from", "jobs.pay", "pause"}
    assert set(re.findall(r'<li><a href="#([^"]+)">', answer.text)) == wrong
    assert {str(one["id"]) for one in bones(answer.text).of("input") if one.get("aria-invalid")} == wrong
    assert all(f'id="{name}-wrong"' in answer.text and f'aria-describedby="{name}-' in answer.text for name in wrong)
    assert answer.text.count("<details open>") == 2
    for name, value in (("transit.hours-from", "25:00"), ("transit.hours-until", "09:00"), ("transit.origin-0", "12"), ("jobs.pay", "much")):
        assert re.search(rf'name="{re.escape(name)}" type="\w+" value="{value}"', answer.text), name
    assert contents(booth) == before


def test_what_somebody_filled_in_is_never_markup(tmp_path: Path) -> None:
    booth = reader(tmp_path, "jobs")
    answer = booth.submit(choosing(booth), as_it_stands(booth, jobs__category='"><script>alert(1)</script>', jobs__pay="<b>"))
    assert answer.status == 422
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


# --- what crosses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [{"calm": "yes"}, {"transit__severity": "severe"}, {"language": "es"}], ids=["preferences", "a part", "language"])
def test_what_ended_meanwhile_is_not_brought_back(tmp_path: Path, changed: dict[str, str]) -> None:
    booth = reader(tmp_path, "transit", "jobs")
    fields, quiet = as_it_stands(booth, **changed), booth.services

    def leave() -> None:
        meddling, booth.services = booth.services, quiet
        booth.submit(ending(booth, "transit"), [("end", "all")])
        booth.services = meddling

    undo = meddle(booth, {1: leave})
    answer = booth.submit(choosing(booth), fields)
    undo()
    assert answer.status == 409
    assert "changed somewhere else at the same time" in answer.text
    assert follows(booth) == {}
    assert opted_out(booth)


def test_choices_of_many_topics_fit_into_transactions(tmp_path: Path) -> None:
    rows = "\n".join(f'[[topics]]\nid = "t{number}"\nkind = "transit"\nnames = {{ en = "Topic {number}" }}' for number in range(40))
    city = f'name = "W"\nprogramme = "W"\nzone = "UTC"\nlanguages = ["en"]\nhelp_contact = "311"\n{rows}'
    booth = Booth(tmp_path, city=city)
    known = booth.services.store.addresses.claim(Address(Channel.EMAIL, "ana@example.org"), subscriber=WHO, verified=True)
    for number in range(30):
        one = Subscription(WHO, f"t{number}", Channel.EMAIL, known.hash, "en")
        booth.state.table.put_many([audience_row(one), person_row(one)])
    more = [("topic-email", f"t{number}") for number in range(30, 40)]
    assert booth.submit(choosing(booth), [*as_it_stands(booth, digest="daily", t3__severity="severe"), *more]).status == 200
    found = booth.services.store.subscriptions.of(WHO)
    assert len(found) == 40
    assert {one.preferences.digest for one in found} == {Digest.DAILY}


def test_a_link_of_somebody_who_is_gone_says_so(tmp_path: Path) -> None:
    booth = Booth(tmp_path)
    page = booth.get(choosing(booth))
    assert (page.status, "This link has ended" in page.text) == (404, True)
    assert booth.submit(choosing(booth), [("topic-email", "jobs")]).status == 404
    assert booth.rows() == 0
