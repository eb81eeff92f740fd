"""The ledger replayed is what the rows say: whatever residents do by text, on pages and through imports, in any order."""

from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.domain.address import Address, Channel
from chalicelib.domain.filters import EVERYTHING, Facility, Filters
from chalicelib.domain.preferences import UNCHOSEN, Digest, Preferences
from chalicelib.domain.standing_then import standing_at
from chalicelib.errors import Conflict, NotFound
from chalicelib.feeds.subscribers_csv import read_subscribers
from chalicelib.flows.import_subscribers import import_subscribers
from chalicelib.flows.post_subscriber import Person, Visit, post_subscriber
from chalicelib.flows.set_preferences import Choice, set_preferences
from chalicelib.flows.text_in import text_in
from chalicelib.flows.unsubscribe import unsubscribe
from chalicelib.store.requests import RequestName
from tests.engine.town import Town
from tests.feeds.subscribers import HEADER, a_row, phone, text_of

PHONE, EMAIL = Address(Channel.SMS, phone(1)), "ana@example.org"
TOPICS = ("transit", "transit/red-line", "jobs", "events")

TEXTS = st.sampled_from(
    [
        *("TRANSIT", "RED LINE", "JOIN JOBS", "JOIN EVENTS", "EVENTOS", "EVENTS, JOBS", "02103", "1", "YES"),
        *("LEAVE TRANSIT", "LEAVE JOBS", "LEAVE EVENTS", "STOP", "ALTO", "START", "PAUSE", "PAUSE 3 DAYS", "RESUME", "LANG es", "LIST", "hello?"),
    ]
).map(lambda body: ("text", body))
ENDS = st.tuples(st.just("unsubscribe"), st.tuples(st.sampled_from([None, *TOPICS]), st.sampled_from([Channel.SMS, Channel.EMAIL])))
CHOSEN = st.sampled_from([UNCHOSEN, Preferences(calm=True), Preferences(zone="America/Chicago", quiet=(1260, 420)), Preferences(digest=Digest.DAILY)])
PARTS = st.dictionaries(st.sampled_from(TOPICS), st.sampled_from([EVERYTHING, Filters(facilities=frozenset({Facility.ELEVATOR}))]), max_size=2)
CHOICES = st.tuples(st.just("choose"), st.tuples(st.lists(st.sampled_from(TOPICS), unique=True), CHOSEN, PARTS))
IMPORTS = st.tuples(st.just("import"), st.tuples(st.sampled_from(TOPICS), st.booleans(), st.sampled_from(["", "harbor"])))
STAFF = st.tuples(st.just("staff"), st.lists(st.sampled_from(TOPICS), min_size=1, unique=True))
ACTS = st.lists(TEXTS | ENDS | CHOICES | IMPORTS | STAFF, min_size=1, max_size=12)


def act(town: Town, kind: str, what: object) -> None:
    """Somebody does something, a minute after the last thing."""
    town.clock.advance(timedelta(minutes=1))
    known = town.plain.addresses.find(PHONE)
    services, subscriber = town.services, known.subscriber if known else ""
    match kind, what:
        case "text", str(body):
            text_in(f"SM{town.new_id()}", sender=PHONE.value, body=body, opt_out_type="", services=services)
        case "import", (topic, by_email, areas):
            row = a_row(1, topics=str(topic), areas=str(areas), email=EMAIL if by_email else "", consent_at="2026-11-01")
            data = text_of([row], header=HEADER).encode()
            list(import_subscribers(read_subscribers(lambda: [data], city=services.city, now=town.clock()), apply=True, by="omar", services=services))
        case "staff", list(topics):
            person = Person(PHONE.value, "", topics, "en", "paper", town.clock())
            post_subscriber(person, Visit("desk", RequestName("desk", "x", town.new_id()), "h"), services=services)
            town.work()
            text_in(f"SM{town.new_id()}", sender=PHONE.value, body="YES", opt_out_type="", services=services)
        case "unsubscribe", (topic, channel) if subscriber:
            unsubscribe(subscriber, topic, channel, services=services)
        case "choose", (topics, preferences, filters) if subscriber:
            chosen = {name: part for name, part in filters.items() if name in topics}
            by_email = [one.topic for one in town.plain.subscriptions.of(subscriber, Channel.EMAIL)]
            channels = {Channel.SMS: topics, **({Channel.EMAIL: by_email} if by_email else {})}  # the page is of all that somebody has
            try:
                set_preferences(subscriber, Choice(channels, "en", "en", chosen, preferences=preferences), services=services)
            except (Conflict, NotFound):
                return


@settings(max_examples=40, deadline=None)
@given(ACTS)
@example([("text", "TRANSIT"), ("choose", (["transit"], Preferences(digest=Digest.DAILY), {})), ("text", "EVENTS, JOBS")])  # a slot that two share
@example([("text", "TRANSIT"), ("choose", (["transit"], Preferences(calm=True), {})), ("staff", ["jobs", "events"])])  # a proof beside what was chosen
def test_the_whole_ledger_replayed_is_what_the_rows_say_now(acts: list[tuple[str, object]]) -> None:
    town = Town()
    for kind, what in acts:
        act(town, kind, what)
    known = town.plain.addresses.find(PHONE)
    if not (known and known.subscriber):
        return
    ledger = town.plain.consents.of(known.subscriber)
    for channel in (Channel.SMS, Channel.EMAIL):
        rows = {one.topic: (one.filters, one.preferences) for one in town.plain.subscriptions.of(known.subscriber, channel)}
        told = {topic: (one.filters, one.preferences) for topic, one in standing_at(ledger, channel).follows.items()}
        assert told == rows, channel
