"""What is one's own, behind the link to one's choices: `/preferences/{token}/messages`, `/data` and `/erase`. A GET changes nothing."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.consent import Consent
from chalicelib.domain.conversation import known
from chalicelib.domain.filters import filter_values
from chalicelib.domain.preferences import preference_values
from chalicelib.domain.times import spoken
from chalicelib.domain.told import Told
from chalicelib.flows.erase import erase
from chalicelib.flows.my_data import Mine, MyData
from chalicelib.flows.my_messages import my_messages
from chalicelib.flows.services import Services
from chalicelib.intake.html import HEADERS, first, html, page_view, read_form
from chalicelib.intake.pages import texting
from chalicelib.intake.whose import holder_of
from chalicelib.store.subscriptions import Subscription

_FILE = {"Content-Type": "application/json; charset=utf-8", "Content-Disposition": 'attachment; filename="my-data.json"'}


def routes(services: Callable[[], Services]) -> Blueprint:
    """What stands beside the choices."""
    door = Blueprint(__name__)
    view = page_view(door, services)

    @door.route("/preferences/{token}/messages", methods=["GET"])
    @view
    def messages(token: str) -> Response:
        return _messages(door.current_request, services(), token)

    @door.route("/preferences/{token}/data", methods=["GET"])
    @view
    def data(token: str) -> Response:
        return _data(door.current_request, services(), token)

    @door.route("/preferences/{token}/erase", methods=["GET"])
    @view
    def erase_page(token: str) -> Response:
        return _erase_page(door.current_request, services(), token)

    @door.route("/preferences/{token}/erase", methods=["POST"], content_types=["*/*"])
    @view
    def erase_me(token: str) -> Response:
        return _erase(door.current_request, services(), token)

    return door


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(request: Request, house: Services, token: str) -> Response:
    holder = holder_of(token, house)
    told = [_told(one, house) for one in my_messages(holder.subscriber, services=house)]
    return html("messages", request, house, locale=holder.locale(request, house), messages=told, token=token, zone=house.city.zone)


def _told(one: Told, house: Services) -> dict[str, object]:
    """As the page shows it. A digest has no page of its own."""
    shown = vars(house.renderer().shown(one.content, one.locale))
    own = {"channel": str(one.channel), "at": one.at, "fate": str(one.fate), "until": one.until}
    return {**shown, **own, "notice": "" if one.content.items else one.content.notice}


# --- data -------------------------------------------------------------------------------------------------------------


def _data(request: Request, house: Services, token: str) -> Response:
    holder = holder_of(token, house)
    mine = holder.data
    asked: Mapping[str, str] = request.query_params or {}
    if asked.get("download") == "json":
        told = my_messages(holder.subscriber, services=house)
        return Response(body=json.dumps(_file(mine, told, house), ensure_ascii=False, indent=1), status_code=200, headers={**HEADERS, **_FILE})
    waiting = [topic for one in mine.addresses for asked in one.sign_ups if not asked.confirmed for topic in asked.topics]
    return html(
        "data",
        request,
        house,
        locale=holder.locale(request, house),
        addresses=[one.address for one in mine.addresses],
        follows=mine.follows,
        ledger=[{**vars(one), "shown": mine.wordings.get(one.wording, "")} for one in mine.ledger],
        waiting=known(waiting, house.city),
        token=token,
        zone=house.city.zone,
    )


def _file(mine: MyData, told: list[Told], house: Services) -> dict[str, object]:
    """Everything, as JSON."""
    return {
        "made_at": spoken(house.now()),
        "addresses": [_address(one) for one in mine.addresses],
        "preferences": preference_values(mine.preferences),
        "subscriptions": [_subscription(one) for one in mine.follows],
        "consent": [_consent(one, mine.wordings.get(one.wording)) for one in mine.ledger],
        "messages": [_message(one, house) for one in told],
    }


def _address(one: Mine) -> dict[str, object]:
    memory = one.memory
    return {
        "channel": str(one.address.channel),
        "address": one.address.value,
        "verified": one.known.verified,
        "opted_out": _moment(one.known.opted_out),
        "does_not_work": one.known.bad,
        "language": memory.locale,
        "places": list(memory.places),
        "left_by_stop": list(memory.ended),
        "sign_ups": [
            {"topics": list(asked.topics), "language": asked.locale, "at": spoken(asked.at), "how": str(asked.how), "confirmed": asked.confirmed}
            for asked in one.sign_ups
        ],
    }


def _subscription(one: Subscription) -> dict[str, object]:
    return {
        "topic": one.topic,
        "channel": str(one.channel),
        "language": one.locale,
        "filters": filter_values(one.filters),
        "preferences": preference_values(one.preferences),
    }


def _consent(one: Consent, shown: str | None) -> dict[str, object]:
    return {
        "at": spoken(one.at),
        "channel": str(one.channel),
        "topic": one.topic,
        "step": str(one.step),
        "how": str(one.how),
        "source": one.source,
        "language": one.locale,
        "word": one.word,
        "shown": shown,
        "detail": json.loads(one.detail) if one.detail.startswith("{") else one.detail,
    }


def _message(one: Told, house: Services) -> dict[str, object]:
    title = house.renderer().shown(one.content, one.locale).plain_title
    said = {"broadcast": one.broadcast, "notice": one.content.notice, "title": title, "language": one.locale}
    return {**said, "channel": str(one.channel), "at": spoken(one.at), "fate": str(one.fate), "until": _moment(one.until)}


def _moment(moment: datetime | None) -> str | None:
    return spoken(moment) if moment else None


# --- erase ------------------------------------------------------------------------------------------------------------


def _erase_page(request: Request, house: Services, token: str) -> Response:
    holder = holder_of(token, house)
    return html("erase", request, house, locale=holder.locale(request, house), token=token, wrong=False)


def _erase(request: Request, house: Services, token: str) -> Response:
    """Only where the box was ticked."""
    holder = holder_of(token, house)
    locale = holder.locale(request, house)
    if first(read_form(request), "sure") != "yes":
        return html("erase", request, house, status=422, locale=locale, token=token, wrong=True)
    erase(holder.subscriber, services=house)
    return html("erased", request, house, locale=locale, texting=texting(house))
