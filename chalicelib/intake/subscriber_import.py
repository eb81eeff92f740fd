"""`/v1/subscribers/import`: subscribers from another system as CSV, told row by row; written with `?apply=true`. Larger files: `infra/subscribers.py`."""

from collections.abc import Callable

from chalice.app import Blueprint, Request, Response

from chalicelib.domain.importing import Report, Row, Wrong, report_of
from chalicelib.errors import Invalid
from chalicelib.feeds.subscribers_csv import read_subscribers
from chalicelib.flows.import_subscribers import import_subscribers
from chalicelib.flows.services import Services
from chalicelib.intake.answers import answer, answered, read_bytes
from chalicelib.intake.auth import require

CSV_TYPES = ("text/csv",)
MOST_ROWS = 500
"""In one request, so that all of them are written before a gateway loses patience."""
MOST_TOLD = 200


def routes(services: Callable[[], Services]) -> Blueprint:
    """The door for imports."""
    door = Blueprint(__name__)

    @door.route("/v1/subscribers/import", methods=["POST"], content_types=["*/*"])
    @answered
    def post_subscribers() -> Response:
        key = require(door.current_request, "subscribers:import", services=services())
        return _import(door.current_request, key.name, services())

    return door


def _import(request: Request, by: str, services: Services) -> Response:
    apply, body = _applies(request), read_bytes(request, types=CSV_TYPES)
    rows: list[Row | Wrong] = []
    for row in read_subscribers(lambda: [body], city=services.city, now=services.now()):
        rows.append(row)
        if len(rows) > MOST_ROWS:
            raise Invalid.field("#", "too_many_rows", f"A request takes up to {MOST_ROWS} rows. Cut the file, or use the command that takes any.")
    return answer(200, _shape(report_of(import_subscribers(rows, apply=apply, by=by, services=services), most=MOST_TOLD), applied=apply))


def _applies(request: Request) -> bool:
    values = request.query_params.getlist("apply") if request.query_params and "apply" in request.query_params else ["false"]
    if values not in (["true"], ["false"]):
        raise Invalid.field("?apply", "not_one_of", "Use true or false, once.")
    return values == ["true"]


def _shape(report: Report, *, applied: bool) -> dict[str, object]:
    return {
        "applied": applied,
        "rows": report.rows,
        "good": report.good,
        "subscriptions": report.subscriptions,
        "codes": dict(report.codes),
        "problems": [{"line": one.line, "column": one.column or None, "code": one.code, "detail": one.detail} for one in report.told],
    }
