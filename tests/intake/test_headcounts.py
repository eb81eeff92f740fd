"""Headcounts: exact while few follow, near enough when many do."""

import random
from pathlib import Path

import pytest

from chalicelib.domain.address import Channel
from chalicelib.domain.preview import Headcount
from chalicelib.store.headcounts import Headcounts
from chalicelib.store.subscriptions import Subscription, audience_row
from tests.tables import SqliteCity, sqlite_city

ALL = tuple(Channel)


def seed(city: SqliteCity, count: int, *topics: str, channels: tuple[Channel, ...] = (Channel.SMS,), locale: str = "en", salt: int = 0) -> None:
    dice = random.Random(count + salt)
    rows = []
    for _ in range(count):
        subscriber = f"{dice.getrandbits(128):032x}"
        rows += [audience_row(Subscription(subscriber, topic, channel, "1.a", locale)) for topic in topics for channel in channels]
    for start in range(0, len(rows), 25):
        city.table.put_many(rows[start : start + 25])


def test_nobody_is_nobody(tmp_path: Path) -> None:
    found = Headcounts(sqlite_city(tmp_path).table).count(["a"], ALL)
    assert found == Headcount(0, dict.fromkeys(Channel, 0), {}, exact=True)


def test_people_are_counted_once_over_topics_and_channels(tmp_path: Path) -> None:
    city = sqlite_city(tmp_path)
    seed(city, 40, "a", "b", channels=(Channel.SMS, Channel.EMAIL), locale="es")
    seed(city, 25, "b", locale="ar")
    seed(city, 3, "a", channels=(Channel.KIOSK,))
    seed(city, 9, "c")
    found = Headcounts(city.table).count(["a", "b"], ALL)
    assert found == Headcount(65, {Channel.SMS: 65, Channel.EMAIL: 40, Channel.KIOSK: 3}, {"ar": 25, "es": 40}, exact=True)


@pytest.mark.parametrize(("most", "exact"), [(80, True), (79, False)], ids=["at the limit", "beyond it"])
def test_a_count_is_exact_up_to_the_limit(tmp_path: Path, most: int, exact: bool) -> None:
    city = sqlite_city(tmp_path)
    seed(city, 40, "a", "b")
    assert Headcounts(city.table).count(["a", "b"], ALL, most=most).exact is exact


def test_beyond_the_limit_the_number_is_near(tmp_path: Path) -> None:
    city = sqlite_city(tmp_path)
    seed(city, 2000, "a", channels=(Channel.SMS, Channel.EMAIL))
    seed(city, 1000, "a", "b", salt=1)
    found = Headcounts(city.table).count(["a", "b"], (Channel.SMS,), most=1500)
    assert not found.exact
    assert 2700 < found.channels[Channel.SMS] < 3300
    assert set(found.channels) == {Channel.SMS}
    assert found.people == found.channels[Channel.SMS] == found.texts["en"]


@pytest.mark.parametrize("after", ["", f"{'7':0<32}", f"{'7a':0<32}"], ids=["from its start", "from its first id", "from the middle"])
def test_what_a_shard_holds_beyond_the_limit_is_near(tmp_path: Path, after: str) -> None:
    city = sqlite_city(tmp_path)
    dice = random.Random(7)
    ids = [f"7{dice.getrandbits(124):031x}" for _ in range(3000)]
    rows = [audience_row(Subscription(one, topic, Channel.SMS, "1.a", "en")) for one in ids for topic in ("a", "b")]
    for start in range(0, len(rows), 25):
        city.table.put_many(rows[start : start + 25])
    true = sum(one > after for one in ids)
    exact, near = (Headcounts(city.table).unread(["a", "b"], (Channel.SMS,), shard=7, after=after, most=most) for most in (20_000, 800))
    assert (exact.channels[Channel.SMS], exact.exact) == (true, True)
    assert not near.exact
    assert 0.85 * true < near.channels[Channel.SMS] < 1.15 * true
