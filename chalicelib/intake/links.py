"""Pages behind the signed links of our letters and emails: `/confirm`, `/unsubscribe`; for `/preferences` see `choices.py`.

The token says who may do what, and nothing else does: no cookie, no login. A GET never changes anything, since mail
scanners follow links.
"""

from collections.abc import Callable

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.address import Channel
from chalicelib.domain.conversation import known
from chalicelib.errors import NotFound
from chalicelib.flows.confirm_sign_up import confirm_sign_up, promised
from chalicelib.flows.services import Services
from chalicelib.flows.unsubscribe import brings, unsubscribe
from chalicelib.intake.answers import media_type
from chalicelib.intake.html import FORM, chosen, first, html, languages, locale_of, page_view, read_form, signed_parts
from chalicelib.store.subscriptions import Subscription

_REACHABLE = {str(Channel.SMS): Channel.SMS, str(Channel.EMAIL): Channel.EMAIL}


def routes(services: Callable[[], Services]) -> Blueprint:
    """`/confirm/{token}` and `/unsubscribe/{token}`."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/confirm/{token}", methods=["GET"])
    @view
    def confirm_page(token: str) -> Response:
        return _confirm_page(door.current_request, services(), token)

    @door.route("/confirm/{token}", methods=["POST"], content_types=["*/*"])
    @view
    def confirm(token: str) -> Response:
        return _confirm(door.current_request, services(), token)

    @door.route("/unsubscribe/{token}", methods=["GET"])
    @view
    def unsubscribe_page(token: str) -> Response:
        return _unsubscribe_page(door.current_request, services(), token)

    @door.route("/unsubscribe/{token}", methods=["POST"], content_types=["*/*"])
    @view
    def end(token: str) -> Response:
        return _unsubscribe(door.current_request, services(), token)

    return door


# --- confirm ---------------------------------------------------------------------------------------------------------


def _confirm_page(request: Request, house: Services, token: str) -> Response:
    [name] = signed_parts("confirm", token, 1, house)
    found = house.store.sign_ups.get(name)
    if found is None or not (found.confirmed or found.is_valid(house.now())):
        raise NotFound("This link has ended.", code="link_ended")
    locale = chosen(request, house) or found.locale
    digits, sure = promised(found, services=house)
    return html("confirm", request, house, locale=locale, topics=known(found.topics, house.city), confirmed=found.confirmed, digits=digits, sure=sure)


def _confirm(request: Request, house: Services, token: str) -> Response:
    [name] = signed_parts("confirm", token, 1, house)
    found = house.store.sign_ups.get(name)
    locale = chosen(request, house) or (found.locale if found else locale_of(request, house))
    if found and found.confirmed:  # what they follow may have changed since
        return html("confirm", request, house, locale=locale, topics=known(found.topics, house.city), confirmed=True)
    done = confirm_sign_up(name, locale=locale, services=house)
    link = house.tokens.sign("preferences", done.subscriber, str(Channel.EMAIL))
    return html("confirmed", request, house, locale=locale, topics=known(done.topics, house.city), preferences=link)


# --- unsubscribe -----------------------------------------------------------------------------------------------------


def _unsubscribe_page(request: Request, house: Services, token: str) -> Response:
    subscriber, topic, channel = _unsubscribe_parts(token, house)
    follows = house.store.subscriptions.of(subscriber, channel)
    ending = [one.topic for one in follows if house.city.revoke_all or brings(one, topic, house.now())]
    return html("unsubscribe", request, house, locale=_locale(request, house, follows), ending=known(ending, house.city), others=len(follows) - len(ending))


def _unsubscribe(request: Request, house: Services, token: str) -> Response:
    """Also the one click of RFC 8058, whose body a mail program writes, in either encoding of forms."""
    subscriber, topic, channel = _unsubscribe_parts(token, house)
    form = read_form(request) if media_type(request) == FORM else {}
    everything = first(form, "end") == "all"
    locale = _locale(request, house, house.store.subscriptions.of(subscriber, channel))
    ended = unsubscribe(subscriber, None if everything else topic, channel, services=house)
    follows = known((one.topic for one in house.store.subscriptions.of(subscriber, channel)), house.city)
    link = house.tokens.sign("preferences", subscriber, str(channel)) if "end" in form else ""  # a mail program that clicks gets no key to more
    return html("unsubscribed", request, house, locale=locale, ended=known(ended, house.city), follows=follows, preferences=link)


def _unsubscribe_parts(token: str, house: Services) -> tuple[str, str, Channel]:
    subscriber, topic, channel = signed_parts("unsubscribe", token, 3, house)
    return subscriber, topic, _REACHABLE[channel]


def _locale(request: Request, house: Services, follows: list[Subscription]) -> str:
    """Chosen on the page, else the language in which they are written to, else as the browser asks."""
    own = next((one.locale for one in follows if one.locale in languages(house)), None)
    return chosen(request, house) or own or locale_of(request, house)
