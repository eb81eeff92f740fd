"""Whose link it is: what the pages behind a link to one's choices begin with, and the language that they are in."""

from dataclasses import dataclass

from chalice.app import Request

from chalicelib.domain.address import Channel
from chalicelib.errors import NotFound
from chalicelib.flows.my_data import MyData, my_data
from chalicelib.flows.services import Services
from chalicelib.intake.html import chosen, languages, locale_of, signed_parts

CHANNELS = {str(Channel.SMS): Channel.SMS, str(Channel.EMAIL): Channel.EMAIL}
"""Those that a link can come by."""


@dataclass(frozen=True)
class Holder:
    """Whoever holds a link: who they are to us, the channel that it came by, and what we hold about them."""

    subscriber: str
    channel: Channel
    data: MyData

    def locale(self, request: Request, house: Services) -> str:
        """Chosen on the page, else the language in which they are written to, else as the browser asks."""
        own = next((one.locale for one in self.data.follows if one.locale in languages(house)), None)
        return chosen(request, house) or own or locale_of(request, house)


def holder_of(token: str, house: Services) -> Holder:
    """Whose link it is. Raises NotFound where nothing is left of them."""
    subscriber, name = signed_parts("preferences", token, 2, house)
    found = my_data(subscriber, services=house)
    if found is None:
        raise NotFound("This link has ended.", code="gone")
    return Holder(subscriber, CHANNELS[name], found)
