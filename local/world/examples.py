"""Example posts, as city systems would make them: one transit alert, one notice. Each click posts a new one, with a page of its own: the
same words with the same link, again within the hour, would wait for a person.
"""

import json
from datetime import datetime, timedelta

from google.transit import gtfs_realtime_pb2

from chalicelib.domain.city import Source
from chalicelib.domain.times import spoken
from local.world.wire import new_hex

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_ALERT = {
    "en": (
        "Red Line: shuttle buses replace trains",
        "Buses replace trains between Harbor and Bell Square until 9 PM because of signal work. Allow 20 more minutes.",
    ),
    "es": (
        "Línea Roja: autobuses en lugar de trenes",
        "Hay autobuses en lugar de trenes entre Harbor y Bell Square hasta las 9 PM por obras de señales. Calcule 20 minutos más.",
    ),
    "ar": (
        "الخط الأحمر: حافلات بديلة للقطارات",
        "تحل الحافلات محل القطارات بين هاربور وساحة بيل حتى الساعة 9 مساءً بسبب أعمال الإشارات. أضف 20 دقيقة إلى رحلتك.",
    ),
    "zh-Hans": ("红线：接驳巴士代替列车", "因信号施工，今晚9点前Harbor至Bell Square之间由巴士接驳。请预留20分钟。"),
}
_NOTICE = {
    "en": {"title": "Free job fair on Saturday", "body": "Meet 40 employers at City Hall, 10 AM to 2 PM. Bring your resume."},
    "es": {
        "title": "Feria de empleo gratis el sábado",
        "body": "Conozca a 40 empleadores en el Ayuntamiento, de 10 AM a 2 PM. Sin inscripción. Traiga su currículum.",
    },
    "ar": {
        "title": "معرض وظائف مجاني يوم السبت",
        "body": "التقِ بأربعين جهة توظيف في مبنى البلدية من 10 صباحًا إلى 2 ظهرًا. أحضر سيرتك الذاتية.",
    },
    "zh-Hans": {"title": "周六免费招聘会", "body": "上午10点至下午2点，市政厅，40家雇主到场。请携带简历。"},
}


def alert(source: Source, now: datetime) -> bytes:
    """A GTFS-realtime feed with one new alert on the source's first route."""
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version = "2.0"
    feed.header.timestamp = int(now.timestamp())
    name = new_hex()[:8]
    entity = feed.entity.add(id=f"example-{name}")
    period = entity.alert.active_period.add()
    period.start, period.end = int(now.timestamp()), int((now + timedelta(hours=8)).timestamp())
    for route in list(source.routes)[:1]:
        entity.alert.informed_entity.add().route_id = route
    for language, (title, body) in _ALERT.items():
        entity.alert.header_text.translation.add(text=title, language=language)
        entity.alert.description_text.translation.add(text=body, language=language)
        entity.alert.url.translation.add(text=f"https://city.example/red-line/{name}", language=language)
    entity.alert.cause, entity.alert.effect = entity.alert.MAINTENANCE, entity.alert.MODIFIED_SERVICE
    return bytes(feed.SerializeToString())


def notice(topic: str, now: datetime) -> bytes:
    """A notice about a job fair."""
    name = new_hex()[:8]
    data = {"ref": f"example-{name}", "revision": 1, "status": "actual", "topics": [topic], "kind": "event", "severity": "minor", "content": _NOTICE}
    data |= {"expires_at": spoken(now + timedelta(days=2)), "link": f"https://city.example/job-fair/{name}"}
    return json.dumps({"type": "notice.published", "timestamp": spoken(now), "data": data}, ensure_ascii=False).encode()
