"""The receiving side of the queues in a file: what Lambda's own queues do elsewhere."""

from datetime import timedelta

from chalicelib.state.queue import Outgoing
from chalicelib.state.sqlite_queue import MOST_RECEIVES
from tests.tables import NOON, SqliteCity

LEASE = 360


def _send(city: SqliteCity, name: str, *bodies: str, delay: int = 0) -> None:
    city.queues.named(name).send([Outgoing(body, delay) for body in bodies])


def _receive(city: SqliteCity, *names: str, most: int = 10) -> list[str]:
    return [message.body for message in city.queues.receive(names, most, LEASE)]


def test_messages_come_out_longest_visible_first_over_all_queues_asked_for(sqlite: SqliteCity) -> None:
    _send(sqlite, "sms-urgent", "third", delay=5)
    _send(sqlite, "sms-routine", "second", delay=1)
    _send(sqlite, "sms-urgent", "first")
    _send(sqlite, "email-urgent", "not asked for")
    sqlite.clock.advance(timedelta(seconds=5))
    assert _receive(sqlite, "sms-urgent", "sms-routine", most=2) == ["first", "second"]
    assert _receive(sqlite, "sms-urgent", "sms-routine") == ["third"]


def test_a_message_says_which_queue_it_came_from_and_how_often(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}")
    (message,) = sqlite.queues.receive(["intake", "launch"], 10, LEASE)
    assert (message.queue, message.body, message.receive_count) == ("launch", "{}", 1)
    sqlite.clock.advance(timedelta(seconds=LEASE))
    (again,) = sqlite.queues.receive(["launch"], 10, LEASE)
    assert (again.id, again.receive_count) == (message.id, 2)


def test_a_message_in_hand_is_hidden_until_its_visibility_runs_out(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}")
    assert _receive(sqlite, "launch") == ["{}"]
    sqlite.clock.advance(timedelta(seconds=LEASE - 1))
    assert _receive(sqlite, "launch") == []
    sqlite.clock.advance(timedelta(seconds=1))
    assert _receive(sqlite, "launch") == ["{}"]


def test_a_delay_ends_at_the_exact_second_also_when_the_clock_jumps(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}", delay=120)
    sqlite.clock.advance(timedelta(seconds=119, milliseconds=999))
    assert _receive(sqlite, "launch") == []
    sqlite.clock.advance(timedelta(hours=2))
    assert _receive(sqlite, "launch") == ["{}"]


def test_deleted_messages_do_not_come_back(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "a", "b", "c")
    a, b, _ = sqlite.queues.receive(["launch"], 10, LEASE)
    sqlite.queues.delete(a.id, b.id)
    sqlite.queues.delete(a.id)
    sqlite.clock.advance(timedelta(seconds=LEASE))
    assert _receive(sqlite, "launch") == ["c"]


def test_a_released_message_shows_again_after_its_delay(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}")
    (message,) = sqlite.queues.receive(["launch"], 10, LEASE)
    sqlite.queues.release(message.id, 30)
    assert _receive(sqlite, "launch") == []
    sqlite.clock.advance(timedelta(seconds=30))
    (again,) = sqlite.queues.receive(["launch"], 10, LEASE)
    sqlite.queues.release(again.id)
    assert _receive(sqlite, "launch") == ["{}"]


def test_what_a_dead_process_had_in_hand_shows_again_when_it_is_reclaimed(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "in hand")
    _send(sqlite, "launch", "not due yet", delay=60)
    assert _receive(sqlite, "launch") == ["in hand"]
    sqlite.queues.reclaim()
    assert _receive(sqlite, "launch") == ["in hand"]


def _exhaust(city: SqliteCity, name: str) -> None:
    for _ in range(MOST_RECEIVES):
        assert _receive(city, name) == ["poison"]
        city.clock.advance(timedelta(seconds=LEASE))


def test_a_message_received_five_times_in_vain_is_dead(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "poison")
    _exhaust(sqlite, "launch")
    _send(sqlite, "launch", "sound")
    assert _receive(sqlite, "launch") == ["sound"]
    assert sqlite.queues.depth("launch-dead") == 1
    assert sqlite.queues.depth("launch") == 1


def test_dead_letters_can_be_read_and_do_not_die_again(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "poison")
    _exhaust(sqlite, "launch")
    assert _receive(sqlite, "launch") == []
    for _ in range(MOST_RECEIVES + 2):
        assert _receive(sqlite, "launch-dead") == ["poison"]
        sqlite.clock.advance(timedelta(seconds=LEASE))
    assert sqlite.queues.depth("launch-dead") == 1


def test_redriven_dead_letters_start_anew(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "poison")
    _exhaust(sqlite, "launch")
    assert _receive(sqlite, "launch") == []
    assert sqlite.queues.redrive("launch") == 1
    assert sqlite.queues.redrive("launch") == 0
    _exhaust(sqlite, "launch")


def test_depth_counts_what_is_visible_delayed_and_in_hand(sqlite: SqliteCity) -> None:
    assert sqlite.queues.depth("launch") == 0
    _send(sqlite, "launch", "a", "b")
    _send(sqlite, "launch", "c", delay=60)
    _receive(sqlite, "launch", most=1)
    assert sqlite.queues.depth("launch") == 3


def test_names_are_of_the_queues_that_were_made(sqlite: SqliteCity) -> None:
    before = sqlite.queues.names()
    sqlite.queues.make("screen-1")
    _send(sqlite, "launch", "poison")
    _exhaust(sqlite, "launch")
    _receive(sqlite, "launch")
    assert sqlite.queues.names() == sorted([*before, "screen-1"])
    sqlite.queues.drop("screen-1")
    assert sqlite.queues.names() == before


def test_the_next_moment_is_that_of_the_first_message_to_show(sqlite: SqliteCity) -> None:
    assert sqlite.queues.next_visible_at() is None
    _send(sqlite, "launch", "{}", delay=90)
    _send(sqlite, "intake", "{}", delay=60)
    assert sqlite.queues.next_visible_at() == NOON + timedelta(seconds=60)
    _send(sqlite, "sms-urgent", "{}")
    assert sqlite.queues.next_visible_at() == NOON
    assert _receive(sqlite, "sms-urgent") == ["{}"]
    assert sqlite.queues.next_visible_at() == NOON + timedelta(seconds=60)


def test_the_next_moment_after_one_leaves_out_what_shows_by_then(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}")
    _send(sqlite, "launch", "{}", delay=60)
    _send(sqlite, "intake", "{}", delay=90)
    found = [sqlite.queues.next_visible_at(after=NOON + timedelta(seconds=seconds)) for seconds in (0, 59, 60, 90)]
    assert found == [NOON + timedelta(seconds=60), NOON + timedelta(seconds=60), NOON + timedelta(seconds=90), None]


def test_a_queue_shows_what_is_visible_now(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "{}")
    _send(sqlite, "intake", "{}", delay=60)
    assert [sqlite.queues.shows(names) for names in (["launch"], ["intake"], ["intake", "launch"])] == [True, False, True]
    assert _receive(sqlite, "launch") == ["{}"]
    assert not sqlite.queues.shows(["launch", "intake"])


def test_dead_letters_wake_nobody(sqlite: SqliteCity) -> None:
    _send(sqlite, "launch", "poison")
    _exhaust(sqlite, "launch")
    assert _receive(sqlite, "launch") == []
    assert sqlite.queues.next_visible_at() is None
    assert sqlite.queues.next_visible_at(after=NOON - timedelta(days=1)) is None


def test_a_message_goes_to_one_of_many_receivers(sqlite: SqliteCity, tmp_path: object) -> None:
    _send(sqlite, "launch", *(f"{n}" for n in range(10)))
    found = [sqlite.queues.receive(["launch"], 3, LEASE) for _ in range(5)]
    assert [len(messages) for messages in found] == [3, 3, 3, 1, 0]
    assert len({message.id for messages in found for message in messages}) == 10
