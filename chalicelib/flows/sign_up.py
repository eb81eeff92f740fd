"""Sign up: a page asks for topics by email or by text. Nothing is subscribed before the letter's link is used, or YES is texted.

fields right? → a question first? → kept and sent, unless a cap is full; of that nobody is told
"""

from chalicelib.flows.services import Services
from chalicelib.flows.signing import A_PAGE, Human, Origin, checked, sharing, take
from chalicelib.flows.watching import is_guarded


def sign_up(*, topics: list[str], locale: str, services: Services, email: str = "", phone: str = "", origin: Origin = A_PAGE) -> bool:
    """Keep the sign-up and send its letter, or its text where a phone is given; where both are, each is asked, and both share a page if neither had one.
    False: nothing was done, and a question has to be answered first. Does and answers the same for an address that we know, one that we do not and one
    that said stop; past a cap it does nothing, and says nothing either. Raises Invalid naming each wrong field."""
    addresses, chosen = checked(email, phone, topics, services)
    if not origin.vouched and (origin.human is Human.DOUBTFUL or any(is_guarded(one.channel, services=services) for one in addresses)):
        return False
    origin = sharing(origin, addresses, services=services)
    for address in addresses:
        take(address, chosen, locale, origin, services=services)
    return True
