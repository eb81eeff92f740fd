"""Mail scanners follow every link of every letter, many times: that changes no row."""

from pathlib import Path

from chalicelib.domain.locale import SPOKEN
from tests.conversation.booth import Booth
from tests.pages.test_choices import contents
from tests.pages.test_pages import WHO, a_city_with_a_reader

VISITS = 50


def links(booth: Booth) -> dict[str, str]:
    """Every signed link that we send."""
    sign = booth.services.tokens.sign
    return {
        "confirm": f"/confirm/{sign('confirm', 'up1')}",
        "unsubscribe": f"/unsubscribe/{sign('unsubscribe', WHO, 'transit', 'email')}",
        "unsubscribe, not followed": f"/unsubscribe/{sign('unsubscribe', WHO, 'events', 'email')}",
        "preferences": f"/preferences/{sign('preferences', WHO, 'email')}",
        **{f"{name} of mine": f"/preferences/{sign('preferences', WHO, 'email')}/{name}" for name in ("messages", "data", "move", "add", "erase")},
        "preferences of a phone": f"/preferences/{sign('preferences', WHO, 'sms')}",
        "preferences of nobody": f"/preferences/{sign('preferences', '4' + WHO[1:], 'email')}",
        "notice": "/n/nt_1",
        "archive": "/archive",
        "feed": "/feeds/all.atom",
    }


def test_fifty_visits_to_every_link_change_no_row(tmp_path: Path) -> None:
    booth = a_city_with_a_reader(tmp_path)
    before = contents(booth)
    for name, path in links(booth).items():
        for visit in range(VISITS):
            answer = booth.get(f"{path}?lang={SPOKEN[visit % len(SPOKEN)]}&utm=x", user_agent="scanner")
            assert answer.status == (404 if "nobody" in name else 200), name
        assert contents(booth) == before, name
    assert booth.queued("replies") == []
