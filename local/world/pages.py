"""The world's pages for people: phones, inboxes, kiosks, faults, and the clock that is on every page."""

import math
import re
import time
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from chalicelib.domain.quiet import released_at
from chalicelib.errors import Invalid, NotFound
from local.durations import parse_duration
from local.world.around import World
from local.world.faults import CHANNELS, MODES, OK, Fault
from local.world.json_api import phone_of, read_fault
from local.world.ledger import Message
from local.world.phones import text_in

_MOST_LISTED = 40
_MOST_SEQ = 2**63
_WORDS_EVERYWHERE = ("LIST", "HELP", "STOP", "START")
_SANDBOX = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:"
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
_FAULT_WORDS = {
    "ok": "Works",
    "429": "Too busy: asks to come back later",
    "500": "Breaks: answers with an error",
    "hang": "Hangs: takes the call and says nothing",
    "drop-reply": "Takes the message, then the line drops",
    "opted-out": "Says the person opted out",
    "invalid": "Says the address is wrong",
    "no-receipts": "Never says what became of it",
}


def pages(world: World) -> Blueprint:
    """Phones and inboxes."""
    door = Blueprint("pages", __name__)

    @door.app_context_processor
    def everywhere() -> dict[str, Any]:
        now, zone = world.now(), world.city.zone
        morning = released_at(world.city.quiet, zone, now)
        said = {"city_name": world.city.name, "app_url": world.app_url, "now": now, "wall": now.astimezone(zone), "zone": str(zone)}
        return {**said, "morning": morning.astimezone(zone) if morning > now else None, "until_morning": math.ceil((morning - now).total_seconds())}

    @door.get("/phones")
    def phones() -> str:
        return render_template("phones.html", talks=world.ledger.talks("sms", _MOST_LISTED), most=_MOST_LISTED)

    @door.get("/phones/open")
    def open_phone() -> Response:
        return redirect(url_for("pages.phone", number=phone_of(request.args.get("number", ""))))

    @door.get("/phones/<number>")
    def phone(number: str) -> str:
        return render_template("phone.html", number=phone_of(number), texts=world.ledger.texts_of(phone_of(number)), words=_words(world))

    @door.get("/phones/<number>/part")
    def phone_part(number: str) -> str:
        return render_template("parts/texts.html", texts=world.ledger.texts_of(phone_of(number)))

    @door.post("/phones/<number>/say")
    def say(number: str) -> Response:
        text_in(world, phone_of(number), request.form.get("body", ""))
        return redirect(url_for("pages.phone", number=phone_of(number)))

    return door


def mail_pages(world: World) -> Blueprint:
    """Inboxes and emails."""
    door = Blueprint("mail", __name__)

    @door.get("/inboxes")
    def inboxes() -> str:
        return render_template("inboxes.html", talks=world.ledger.talks("email", _MOST_LISTED), most=_MOST_LISTED)

    @door.get("/inboxes/open")
    def open_inbox() -> Response:
        return redirect(url_for("mail.inbox", address=request.args.get("address", "").strip().lower()))

    @door.get("/inboxes/<address>/read")
    def inbox(address: str) -> str:
        emails = world.ledger.emails_to(address.strip().lower())[::-1]
        return render_template("inbox.html", address=address, emails=emails)

    @door.get("/emails/<int:seq>")
    def email(seq: int) -> str:
        return render_template("email.html", email=_email(world, seq))

    @door.get("/emails/<int:seq>/html")
    def email_html(seq: int) -> Response:
        """The HTML as it came, but that links open beside it; it can run nothing and load nothing from here."""
        answer = make_response(_HEAD.sub(r'\g<0><base target="_blank">', _email(world, seq).html, count=1))
        answer.headers["Content-Security-Policy"] = _SANDBOX
        return answer

    return door


def lever_pages(world: World) -> Blueprint:
    """Kiosks, faults and the clock."""
    door = Blueprint("more", __name__)

    @door.get("/kiosks")
    def kiosks() -> str:
        return render_template("kiosks.html", kiosks=world.ledger.kiosks())

    @door.get("/faults")
    def faults() -> str:
        standing = {channel: world.faults.standing(channel) for channel in CHANNELS}
        modes = {channel: _offered(fault) for channel, fault in standing.items()}
        beside = {channel: world.faults.all_standing(channel)[1:] for channel in CHANNELS}
        return render_template("faults.html", modes=modes, standing=standing, beside=beside, words=_FAULT_WORDS, seconds=time.time())

    @door.post("/faults/switch")
    def switch() -> Response:
        form, seconds = request.form, request.form.get("for")
        share = _number(form.get("share") or "100") / 100
        asked = {"channel": form.get("channel"), "mode": form.get("mode"), "share": share, "for": _number(seconds) if seconds else None}
        world.faults.switch(read_fault(asked, time.time()))
        return redirect(url_for("more.faults"))

    @door.get("/clock/other")
    def other() -> str:
        return render_template("clock.html")

    @door.post("/clock/move")
    def move() -> Response:
        length = parse_duration(request.form.get("advance", "").strip().upper())
        if length is None:
            raise Invalid.field("#/advance", "invalid_duration", "Write a length such as PT2H, PT30M or P1D.")
        world.move_clock(length)
        return redirect(_back())

    return door


def _offered(fault: Fault) -> tuple[str, ...]:
    """The modes a person chooses from. Screens only work or not; what a script chose for them is shown too."""
    return MODES if fault.channel != "kiosk" else tuple(dict.fromkeys((OK, "hang", fault.mode)))


def _number(text: str) -> float:
    """The number in a form's field; for any other text one that is out of every range."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _back() -> str:
    """The page the form was on: a path of ours, never another site."""
    path = request.form.get("back", "/")
    return path if re.fullmatch(r"/[A-Za-z0-9/_@.+%-]*", path) and not path.startswith("//") else "/"


def _email(world: World, seq: int) -> Message:
    found = world.ledger.find("channel = 'email' AND outcome = 'accepted' AND seq = ?", seq) if seq < _MOST_SEQ else []
    if not found:
        raise NotFound("There is no such email.")
    return found[0]


def _words(world: World) -> list[str]:
    entry = [one.word for one in world.city.entry_words]
    return [*entry, *_WORDS_EVERYWHERE]
