"""The desk: write a broadcast or post an example, approve it, stop it, and watch it land."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from chalicelib.errors import NotFound
from local.world import examples
from local.world.app_calls import AppCalls, Said, title_of
from local.world.around import Seeding, World
from local.world.wire import new_hex

_PARTS = ("held", "queued", "attempting", "unknown", "accepted", "delivered", "failed", "expired", "unconfirmed")
_SHOWN = 8
_KEYS = {"approve": "approver", "stop": "communicator"}
"""Whose key does what to a broadcast."""


def desk(world: World, calls: AppCalls) -> Blueprint:
    """`/` and `/desk/…`"""
    door = Blueprint("desk", __name__)

    @door.get("/")
    def home() -> str:
        return _home(world, calls, MultiDict())

    @door.post("/desk/broadcasts")
    def write() -> Response | str:
        path = "/v1/broadcasts/preview" if request.form.get("do") == "preview" else "/v1/broadcasts"
        said = calls.post(path, read_broadcast(request.form, str(world.city.zone)), once=request.form.get("once", ""))
        if said.good and path == "/v1/broadcasts":
            return redirect(url_for("desk.broadcast", name=said.body["id"]))
        return _home(world, calls, request.form, said)

    @door.get("/desk/broadcasts/<name>")
    def broadcast(name: str) -> str:
        return render_template("broadcast.html", **_broadcast(calls, name))

    @door.get("/desk/broadcasts/<name>/part")
    def broadcast_part(name: str) -> str:
        return render_template("parts/broadcast.html", **_broadcast(calls, name))

    @door.post("/desk/broadcasts/<name>/<act>")
    def decide(name: str, act: str) -> Response | str:
        key = _KEYS.get(act)
        if key is None:
            raise NotFound("A broadcast is approved or stopped here.")
        said = calls.post(f"/v1/broadcasts/{name}/{act}", {}, key=key)
        return redirect(url_for("desk.broadcast", name=name)) if said.good else render_template("broadcast.html", **_broadcast(calls, name), refused=said)

    return door


def examples_desk(world: World, calls: AppCalls) -> Blueprint:
    """`/desk/examples/…`, `/desk/residents` and the list of broadcasts."""
    door = Blueprint("examples", __name__)

    @door.get("/desk/recent")
    def recent() -> str:
        return render_template("parts/recent.html", broadcasts=_recent(calls))

    @door.post("/desk/examples/<name>")
    def post_example(name: str) -> Response | str:
        said = _post_example(world, calls, name)
        if not said.good:
            return _home(world, calls, MultiDict(), said)
        accepted, ignored = said.body.get("accepted") or [], said.body.get("ignored") or []
        return redirect(url_for("desk.home", accepted=len(accepted), ignored=[f"{one['ref']}: {one['code']}" for one in ignored]))

    @door.post("/desk/residents")
    def make_residents() -> Response:
        count = request.form.get("count", "0")
        number = min(int(count), 20_000) if count.isdecimal() else 0
        world.seed(Seeding(number, 0, tuple(world.city.topics), world.city.languages, ("sms", "email")))
        return redirect(url_for("desk.home", made=number))

    return door


# --- writing a broadcast ---------------------------------------------------------------------------------------------


def read_broadcast(form: Mapping[str, str] | MultiDict[str, str], zone: str) -> dict[str, Any]:
    """The body of `POST /v1/broadcasts` that a filled form means. What is wrong in it, the app says."""
    lists = form if isinstance(form, MultiDict) else MultiDict(form)
    titles = {name.removeprefix("title-"): text.strip() for name, text in lists.items() if name.startswith("title-")}
    bodies = {language: lists.get(f"body-{language}", "").strip() for language in titles}
    asked: dict[str, Any] = {
        "topics": lists.getlist("topics"),
        "kind": lists.get("kind", ""),
        "severity": lists.get("severity", ""),
        "urgency": lists.get("urgency", "expected"),
        "content": {language: {"title": title, "body": bodies[language]} for language, title in titles.items() if title or bodies[language]},
        "channels": lists.getlist("channels"),
    }
    if lists.get("link", "").strip():
        asked["link"] = lists["link"].strip()
    if lists.get("when") == "later":
        asked["send_at"] = {"local": lists.get("local", ""), "zone": zone}
    return asked


def _home(world: World, calls: AppCalls, form: MultiDict[str, str], said: Said | None = None) -> str:
    return render_template(
        "desk.html",
        city=world.city,
        form=form,
        said=said,
        made=request.args.get("made", ""),
        accepted=request.args.get("accepted", ""),
        ignored=request.args.getlist("ignored"),
        once=new_hex(),
        broadcasts=_recent(calls),
        local=world.now().astimezone(world.city.zone).strftime("%Y-%m-%dT%H:%M"),
    )


def _post_example(world: World, calls: AppCalls, name: str) -> Said:
    kind = {"alert": "gtfs-rt", "notice": "notice"}.get(name, "")
    source = next((one for one in world.city.sources.values() if one.format == kind), None)
    if source is None:
        return Said(404, {"detail": f"This city has no source of the format {kind or name!r}."})
    now = world.now()
    if name == "alert":
        return calls.hook(source.id, examples.alert(source, now), examples.PROTOBUF, timestamp=int(now.timestamp()))
    topic = "events" if "events" in world.city.topics else next(iter(world.city.topics))
    return calls.hook(source.id, examples.notice(topic, now), examples.JSON, timestamp=int(now.timestamp()))


# --- reading broadcasts ----------------------------------------------------------------------------------------------


def _recent(calls: AppCalls) -> list[Mapping[str, Any]]:
    said = calls.get(f"/v1/broadcasts?limit={_SHOWN}")
    return [{**one, "title": calls.title(one["id"])} for one in said.body.get("data", [])] if said.good else []


def _broadcast(calls: AppCalls, name: str) -> dict[str, Any]:
    said = calls.get(f"/v1/broadcasts/{name}")
    if not said.good:
        return {"name": name, "found": None, "refused": said}
    return {"name": name, "found": {**said.body, "title": title_of(said.body)}, "columns": _PARTS, "rows": _rows(said.body)}


def _rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a channel that somebody is on: its counts, and how far it is in percent."""
    rows = []
    for channel, counts in (found.get("counts") or {}).items():
        skipped = counts.get("skipped") or {}
        numbers = {part: int(counts.get(part) or 0) for part in _PARTS}
        whole = sum(numbers.values()) + sum(skipped.values())
        over = whole - sum(numbers[part] for part in ("held", "queued", "attempting", "unknown"))
        if whole:
            rows.append({"channel": channel, "numbers": numbers, "skipped": skipped, "whole": whole, "percent": round(100 * over / whole)})
    return rows
