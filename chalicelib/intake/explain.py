"""`/v1/deliveries/explain`: why one address did or did not get one broadcast. The address is in the body, so that no URL and no log holds it."""

from collections.abc import Callable, Mapping

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.address import Address
from chalicelib.domain.explaining import Because, window_told
from chalicelib.domain.filters import filter_values
from chalicelib.domain.parsing import parse_email, parse_phone
from chalicelib.domain.standing_then import Followed
from chalicelib.domain.strict_json import Json
from chalicelib.domain.times import spoken
from chalicelib.errors import NotFound
from chalicelib.flows.explain import Explained, explain
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, read_json, segment
from chalicelib.intake.auth import require
from chalicelib.intake.schema import check


def routes(services: Callable[[], Services]) -> Blueprint:
    """The door for explanations."""
    door = Blueprint(__name__)

    @door.route("/v1/deliveries/explain", methods=["POST"], content_types=["*/*"])
    @answered
    def explain_delivery() -> Response:
        require(door.current_request, "subscribers:read", services=services())
        return _explain(door.current_request, services())

    return door


def _explain(request: Request, services: Services) -> Response:
    body = read_json(request)
    check("ExplainDelivery", body)
    address = address_of(body)
    return answer(200, _shape(explain(address, _name(str(body["broadcast"])), services=services)))


def address_of(body: Mapping[str, Json]) -> Address:
    """The address in a body that was checked: a phone, or an email. Raises Invalid."""
    given = body["address"] if isinstance(body["address"], dict) else {}
    if "phone" in given:
        return parse_phone(str(given["phone"]), pointer="#/address/phone")
    return parse_email(str(given["email"]), pointer="#/address/email")


def _name(text: str) -> str:
    """The broadcast's id, if it could be one. Raises NotFound."""
    try:
        return segment(text)
    except NotFound:
        raise NotFound("There is no such broadcast.") from None


def _shape(one: Explained) -> dict[str, object]:
    reason = one.mark.reason if one.mark else one.because[0].code
    return {
        "recipient": one.recipient,
        "channel": str(one.channel),
        "state": str(one.mark.state) if one.mark else None,
        "reason": reason or None,
        "since": spoken(one.since) if one.since else None,
        "because": [_because(because) for because in one.because],
        "preferences": _chosen(one.chosen) if one.chosen else None,
        "follows": sorted(one.standing.follows),
    }


def _because(one: Because) -> dict[str, object]:
    return {"code": one.code, "detail": one.detail, **{name.rstrip("_"): value for name, value in one.values.items()}}


def _chosen(one: Followed) -> dict[str, object]:
    chosen, (start, end) = one.preferences, window_told(one.preferences.quiet)
    return {
        "language": one.locale,
        "zone": chosen.zone,
        "quiet_from": start,
        "quiet_until": end,
        "paused_until": spoken(chosen.paused_until) if chosen.paused_until else None,
        "digest": str(chosen.digest),
        "digest_hour": chosen.digest_hour,
        "digest_day": chosen.digest_day,
        "calm": chosen.calm,
        "email_first": chosen.email_first,
        "filters": filter_values(one.filters),
    }
