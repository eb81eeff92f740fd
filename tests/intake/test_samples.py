"""Real feeds through the signed door, at the moment they were of."""

from datetime import UTC, datetime
from pathlib import Path

from chalicelib.domain.notice import Severity
from tests.intake.desk import PROTOBUF, Desk
from tests.samples import sample

CITY = """
name = "{name}"
programme = "{name} Alerts"
zone = "{zone}"
languages = ["en", "es"]
help_contact = "311"

[[topics]]
id = "bus"
names = {{ en = "Buses" }}

[sources.feed]
format = "gtfs-rt"
language = "{language}"
{default}
[sources.feed.routes]
"""


def a_desk(folder: Path, *, zone: str, language: str, now: datetime, routes: tuple[str, ...], default: str = "") -> Desk:
    topics = "".join(f'\n[[topics]]\nid = "bus/{route.lower()}"\nnames = {{ en = "Route {route}" }}\n' for route in routes)
    head, tail = CITY.format(name="Test", zone=zone, language=language, default=default).split("\n[sources.feed]")
    city = f"{head}{topics}\n[sources.feed]{tail}" + "".join(f'"{route}" = "bus/{route.lower()}"\n' for route in routes)
    desk = Desk(folder, city=city)
    desk.clock.moment = now
    return desk


def test_a_day_of_brest(tmp_path: Path) -> None:
    desk = a_desk(
        tmp_path, zone="Europe/Paris", language="fr", now=datetime.fromisoformat("2021-12-21T12:00:00+01:00").astimezone(UTC), routes=("02", "04", "14")
    )
    feed = sample("gtfsrt-brest-bibus-alerts-2021.pb").read_bytes()
    reply = desk.hook("feed", feed, content_type=PROTOBUF).json
    codes = {one["ref"][:8]: one["code"] for one in reply["ignored"]}
    assert [ref[:8] for ref in reply["accepted"]] == ["5e2813ca", "81d0476b", "81e5c790", "7f3e1a7e"]
    assert {ref for ref, code in codes.items() if code == "ended"} == {"b19e821d", "a1115a3a"}
    assert {code for ref, code in codes.items() if ref not in {"b19e821d", "a1115a3a"}} == {"no_topic"}
    desk.publish()
    reached = {content.texts["fr"].title[:20]: (one.audience.topics, content.link is not None) for one, content in desk.broadcasts()}
    assert reached == {
        "L14 direction Strasb": (("bus/14",), True),
        "L2 direction Lambéze": (("bus/02",), True),
        "L4 direction Porte d": (("bus/04",), True),
        "Lignes 2, 4 et 14 : ": (("bus/02", "bus/04", "bus/14"), False),
    }
    again = desk.hook("feed", feed, content_type=PROTOBUF).json
    assert again["accepted"] == []
    assert {one["code"] for one in again["ignored"] if one["ref"] in reply["accepted"]} == {"unchanged"}
    desk.publish()
    assert len(desk.broadcasts()) == 4


def test_the_quirks_of_five_publishers(tmp_path: Path) -> None:
    routes = ("302", "303", "CR-Haverhill", "SIM6", "SIM11", "508")
    desk = a_desk(tmp_path, zone="Europe/Madrid", language="en", now=datetime(2025, 4, 3, 12, tzinfo=UTC), routes=routes, default='default_topic = "bus"')
    reply = desk.hook("feed", sample("gtfsrt-real-world-quirks-a.json").read_bytes()).json
    assert reply["accepted"] == ["24950", "lmm:planned_work:21840", "1", "RUT:SituationNumber:732042"]
    assert reply["ignored"] == [{"ref": "634445", "code": "ended"}]
    desk.publish()
    said = {next(iter(content.texts.values())).title.split()[0]: (one, content) for one, content in desk.broadcasts()}
    barcelona, amb = said["Desviament"]
    assert barcelona.audience.topics == ("bus/302", "bus/303")
    assert (list(amb.texts), amb.language) == (["ca", "es"], "ca")
    assert amb.texts["es"].link == "http://www.ambmobilitat.cat/Principales/Noticia.aspx?incidencia=24950&idioma=2"
    assert "&nbsp;" not in amb.texts["es"].body
    _, york = said["Southbound"]
    assert list(york.texts) == ["en"]
    assert "<" not in york.texts["en"].body
    toronto, ttc = said["Line"]
    assert (toronto.audience.topics, ttc.texts["en"].title) == (("bus/508", "bus/303"), "Line 1 Yonge-University")
    oslo, ruter = said["Buss"]
    assert (oslo.audience.topics, oslo.audience.include_below, ruter.link) == (("bus",), True, None)
    assert list(ruter.texts) == ["en"]


def test_enhanced_alerts_of_boston(tmp_path: Path) -> None:
    now = datetime(2017, 12, 29, 14, 49, tzinfo=UTC)
    desk = a_desk(tmp_path, zone="America/New_York", language="en", now=now, routes=("Green-B", "Green-C", "CR-Worcester"), default='default_topic = "bus"')
    reply = desk.hook("feed", sample("mbta-alerts-enhanced-2017.json").read_bytes()).json
    assert (len(reply["accepted"]), reply["ignored"]) == (6, [])
    desk.publish()
    said = {content.texts["en"].title.split()[0]: (one, content) for one, content in desk.broadcasts()}
    lechmere, content = said["Lechmere"]
    assert lechmere.audience.topics == ("bus/green-b", "bus/green-c")
    assert content.severity is Severity.SEVERE
    assert not lechmere.urgent
    assert content.texts["en"].body.split("\n")[:2] == ["Affected routes:", "Green Line B branch"]
    assert said["Wonderland"][0].audience.topics == ("bus",)
    assert said["Wonderland"][1].severity is Severity.MINOR


def test_a_closed_alert_of_boston_is_over(tmp_path: Path) -> None:
    desk = a_desk(tmp_path, zone="America/New_York", language="en", now=datetime(2023, 6, 20, 18, tzinfo=UTC), routes=("Green-E",))
    assert desk.hook("feed", sample("mbta-alerts-enhanced-closed-2023.json").read_bytes()).json["ignored"] == [{"ref": "138754", "code": "ended"}]
