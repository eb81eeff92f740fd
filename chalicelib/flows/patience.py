"""Patience with a busy table: a worker that lives can wait, where one that gives up leaves what it did in doubt."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from chalicelib.errors import StateLater
from chalicelib.flows.services import Services

Found = TypeVar("Found")

FIRST, LONGEST = 0.2, 4.0
"""Seconds of the first pause and of the longest; each is about twice the one before."""


def patiently(work: Callable[[], Found], *, until: datetime, services: Services) -> Found:
    """What `work` gives, tried again while the table says later. Raises StateLater once no further try fits before `until`."""
    pause = FIRST
    while True:
        began = services.now()
        try:
            return work()
        except StateLater:
            wait = pause * (0.5 + services.random() / 2)
            if services.now() + timedelta(seconds=wait) + (services.now() - began) > until:
                raise
            services.sleep(wait)
            pause = min(LONGEST, pause * 2)
