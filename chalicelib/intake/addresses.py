"""Another address, asked for from the page behind the link to one's choices: `/preferences/{token}/move` and `/add`. A GET changes nothing, and a POST
nothing before the new address has said yes."""

from collections.abc import Callable

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.address import Channel
from chalicelib.domain.conversation import known
from chalicelib.errors import Invalid
from chalicelib.flows.add_address import add_address
from chalicelib.flows.move import move
from chalicelib.flows.services import Services
from chalicelib.intake.answers import View
from chalicelib.intake.html import first, html, page_view, read_form
from chalicelib.intake.signing_up import network_of
from chalicelib.intake.whose import CHANNELS, Holder, holder_of

_FLOWS = {"move": move, "add": add_address}


def routes(services: Callable[[], Services]) -> Blueprint:
    """One's number or email address changes, or the other comes to it."""
    door = Blueprint(__name__)
    view = page_view(door, services)
    for name in _FLOWS:
        _routes(name, door, view, services)
    return door


def _routes(name: str, door: Blueprint, view: Callable[[View], View], services: Callable[[], Services]) -> None:
    def show(token: str) -> Response:
        return _page(name, door.current_request, services(), token)

    def ask(token: str) -> Response:
        return _ask(name, door.current_request, services(), token)

    show.__name__, ask.__name__ = f"{name}_page", f"{name}_me"
    door.route(f"/preferences/{{token}}/{name}", methods=["GET"])(view(show))
    door.route(f"/preferences/{{token}}/{name}", methods=["POST"], content_types=["*/*"])(view(ask))


def _page(name: str, request: Request, house: Services, token: str, *, to: str = "", wrong: bool = False) -> Response:
    holder = holder_of(token, house)
    channel = _asked(name, holder)
    follows = [one.topic for one in holder.data.follows if name == "add" or one.channel is channel]
    status, locale = 422 if wrong else 200, holder.locale(request, house)
    topics = known(dict.fromkeys(follows), house.city)
    return html(name, request, house, status=status, locale=locale, channel=str(channel), topics=topics, token=token, to=to, wrong=wrong)


def _ask(name: str, request: Request, house: Services, token: str) -> Response:
    """The same answer for every number and address that could be one."""
    holder = holder_of(token, house)
    channel, to = _asked(name, holder), first(read_form(request), "to")
    try:
        _FLOWS[name](holder.subscriber, channel, to, network=network_of(request), services=house)
    except Invalid:
        return _page(name, request, house, token, to=to, wrong=True)
    return html("address_asked", request, house, locale=holder.locale(request, house), channel=str(channel), token=token, moves=name == "move")


def _asked(name: str, holder: Holder) -> Channel:
    """The channel whose address is asked for: the link's own where one moves, else the other."""
    return holder.channel if name == "move" else next(one for one in CHANNELS.values() if one is not holder.channel)
