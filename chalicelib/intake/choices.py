"""The page behind the link to one's choices: `/preferences/{token}`. What is wrong is said beside its field, and nothing that was filled in is lost.

The form says what it showed, so that saving changes what somebody changed on it and nothing else: a page may lie open for days.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.address import Channel
from chalicelib.domain.choosing import read_filters_of, read_preferences_of
from chalicelib.domain.fields import Fault, Fields, Filled
from chalicelib.domain.filters import EVERYTHING, Filters
from chalicelib.domain.meanwhile import merged
from chalicelib.domain.offering import MOST_JOURNEYS, Part, is_paused, parts_of, written_filters, written_preferences
from chalicelib.domain.preferences import Preferences
from chalicelib.domain.topic import in_url
from chalicelib.errors import NotFound
from chalicelib.flows.my_data import my_data
from chalicelib.flows.services import Services
from chalicelib.flows.set_preferences import Choice, set_preferences
from chalicelib.flows.sharing import current_preferences
from chalicelib.intake.html import chosen, html, languages, locale_of, page_view, read_form, signed_parts
from chalicelib.intake.whose import CHANNELS
from chalicelib.store.subscriptions import Subscription

ZONES = (
    *("America/St_Johns", "America/Halifax", "America/Puerto_Rico", "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"),
    *("America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "Pacific/Guam"),
)
"""What one can choose beside the city's zone and one's own."""

_MORE = ("messages", "add", "move", "data", "erase")
"""Pages of one's own, behind the same link: see `own.py` and `addresses.py`."""
_WAS = "was:"
"""Before the name of a field: what it held when the page was shown."""
_MOST_FIELDS = 5000
_MOST_BYTES = 128 * 1024
_NOTHING_WRONG: Mapping[str, Fault] = MappingProxyType({})


@dataclass(frozen=True)
class Seen:
    """Who opened the link: what they follow on each channel of theirs, and what they chose so far. The link's own channel comes first."""

    token: str
    subscriber: str
    channels: Sequence[Channel]
    follows: Sequence[Subscription]
    preferences: Preferences

    def filters(self, topic: str) -> Filters:
        """The part of a topic that they chose."""
        return next((one.filters for one in self.follows if one.topic == topic and one.filters != EVERYTHING), EVERYTHING)

    def has_both(self) -> bool:
        """Whether what is sent to one channel could go to the other."""
        return len(self.channels) == len(CHANNELS)


@dataclass(frozen=True)
class TopicFields:
    """A topic as the form shows it."""

    topic: str
    filled: Filled
    channels: Sequence[str]
    parts: frozenset[Part]
    filtered: bool
    wrong: bool

    def at(self, name: str) -> str:
        """The whole name of one of its fields."""
        return self.filled.at(name)

    def first(self, name: str) -> str:
        """What a field holds."""
        return self.filled.first(name)

    def all(self, name: str) -> list[str]:
        """Everything that a field holds."""
        return self.filled.all(name)

    def asks(self, part: str) -> bool:
        """Whether this part of it can be chosen."""
        return part in self.parts

    @property
    def journeys(self) -> list[int]:
        """The rows of ways: those that are filled in, and one more."""
        names = ("route", "direction", "origin", "destination")
        rows = [row for row in range(MOST_JOURNEYS) if any(self.first(f"{name}-{row}") for name in names)]
        return list(range(min((len(rows) and rows[-1] + 2) or 1, MOST_JOURNEYS)))


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/preferences/{token}`."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/preferences/{token}", methods=["GET"])
    @view
    def preferences_page(token: str) -> Response:
        return _page(door.current_request, services(), _seen(token, services()))

    @door.route("/preferences/{token}", methods=["POST"], content_types=["*/*"])
    @view
    def preferences(token: str) -> Response:
        return _save(door.current_request, services(), token)

    return door


def _save(request: Request, house: Services, token: str) -> Response:
    seen, form = _seen(token, house), read_form(request, most_fields=_MOST_FIELDS, most_bytes=_MOST_BYTES)
    wrong: dict[str, Fault] = {}
    meant = _meant(form, _written(seen, _locale(request, house, seen), house))
    choice = replace(_choice(meant, seen, wrong, request, house), locale=_language(form, house))
    if wrong:
        return _page(request, house, seen, fields=meant, wrong=wrong)
    set_preferences(seen.subscriber, choice, services=house)
    return _page(request, house, _seen(token, house), saved=True)


def _seen(token: str, house: Services) -> Seen:
    subscriber, name = signed_parts("preferences", token, 2, house)
    follows = house.store.subscriptions.of(subscriber)
    if not follows and my_data(subscriber, services=house) is None:
        raise NotFound("This link has ended.", code="gone")
    own = CHANNELS[name]
    others = [channel for channel in CHANNELS.values() if channel is not own and any(one.channel is channel for one in follows)]
    return Seen(token, subscriber, [own, *others], follows, current_preferences(subscriber, follows, services=house))


def _meant(form: Fields, now: Fields) -> Fields:
    """A form's fields, where nobody touched them as they are now. One that does not say what it showed is meant as it is."""
    shown = {name.removeprefix(_WAS): values for name, values in form.items() if name.startswith(_WAS)}
    submitted = {name: values for name, values in form.items() if not name.startswith(_WAS)}
    return merged(shown=shown, submitted=submitted, now=now) if shown else submitted


def _language(form: Fields, house: Services) -> str | None:
    """The language that somebody changed to. One page may show the language of texts beside that of emails; who does not touch it keeps both."""
    shown, asked = list(form.get(_WAS + "language", ())), list(form.get("language", ()))
    return asked[0] if asked != shown and asked and asked[0] in house.city.languages else None


def _choice(form: Fields, seen: Seen, wrong: dict[str, Fault], request: Request, house: Services) -> Choice:
    """What a form asks for. What one cannot ask for here stays as it was."""
    city, read_in = house.city, locale_of(request, house)
    filters = {topic: read_filters_of(Filled(form, _prefix(topic), wrong), city=city, old=seen.filters(topic)) for topic in city.topics}
    read = read_preferences_of(Filled(form, "", wrong), city=city, zones=_zones(seen, house), old=seen.preferences, now=house.now())
    return Choice(
        topics={channel: list(form.get(f"topic-{channel}", ())) for channel in seen.channels},
        locale=None,
        read_in=read_in,
        filters={topic: found for topic, found in filters.items() if found != seen.filters(topic)},
        others={topic: seen.filters(topic) for topic in city.topics},
        preferences=read if seen.has_both() else replace(read, email_first=seen.preferences.email_first),
    )


# --- the page --------------------------------------------------------------------------------------------------------


def _page(
    request: Request, house: Services, seen: Seen, *, fields: Fields | None = None, wrong: Mapping[str, Fault] = _NOTHING_WRONG, saved: bool = False
) -> Response:
    locale, now, shown = _locale(request, house, seen), house.now(), seen.preferences
    stands = _written(seen, locale, house)
    given = fields if fields is not None else stands
    return html(
        "preferences",
        request,
        house,
        status=422 if wrong else 200,
        locale=locale,
        channels=[str(channel) for channel in seen.channels],
        topics=[_topic(topic, given, wrong, seen, house) for topic in house.city.topics],
        mine=Filled(given),
        was={_WAS + name: values for name, values in stands.items()},
        wrong={at: str(fault) for at, fault in wrong.items()},
        saved=saved,
        paused_until=shown.paused_until if is_paused(shown, now) else None,
        zone=_zone_of(shown, house),
        zones=_zones(seen, house),
        offers=["email-first"] if seen.has_both() else [],
        more={name: f"{urlsplit(house.public_url).path}/preferences/{seen.token}/{name}" for name in _more(seen)},
    )


def _topic(topic: str, given: Fields, wrong: Mapping[str, Fault], seen: Seen, house: Services) -> TopicFields:
    filters, prefix = seen.filters(topic), _prefix(topic)
    followed = [str(channel) for channel in seen.channels if topic in given.get(f"topic-{channel}", ())]
    is_wrong = any(at.startswith(prefix) for at in wrong)
    return TopicFields(topic, Filled(given, prefix), followed, parts_of(topic, house.city, filters), filters != EVERYTHING, is_wrong)


def _written(seen: Seen, locale: str, house: Services) -> Fields:
    """The form as it stands for whoever opens the link."""
    fields = {f"topic-{channel}": [one.topic for one in seen.follows if one.channel is channel] for channel in seen.channels}
    for topic in house.city.topics:
        fields |= {_prefix(topic) + name: values for name, values in written_filters(seen.filters(topic)).items()}
    own = [one.locale for channel in seen.channels for one in seen.follows if one.channel is channel]
    language = next(tag for tag in (*own, locale, *house.city.languages) if tag in house.city.languages)
    preferences = seen.preferences if seen.has_both() else replace(seen.preferences, email_first=False)
    return fields | written_preferences(preferences, city=house.city, now=house.now()) | {"language": [language]}


def _more(seen: Seen) -> list[str]:
    """Their other pages. Whoever has one channel may add the other."""
    return [name for name in _MORE if name != "add" or (seen.follows and not seen.has_both())]


def _prefix(topic: str) -> str:
    return in_url(topic) + "."


def _zones(seen: Seen, house: Services) -> list[str]:
    own = [seen.preferences.zone] if seen.preferences.zone else []
    return list(dict.fromkeys([house.city.zone.key, *own, *ZONES]))


def _zone_of(preferences: Preferences, house: Services) -> ZoneInfo:
    return ZoneInfo(preferences.zone) if preferences.zone else house.city.zone


def _locale(request: Request, house: Services, seen: Seen) -> str:
    """Chosen on the page, else the language in which they are written to, else as the browser asks."""
    own = next((one.locale for one in seen.follows if one.locale in languages(house)), None)
    return chosen(request, house) or own or locale_of(request, house)
