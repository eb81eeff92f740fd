"""Clients of AWS's JSON services that carry what they are given as it is, by the shortest way.

The short way (`shortcuts.py`) leans on how botocore is made inside, and Lambda brings its own botocore. So a new client first makes a call that
never leaves this machine: what it would have sent, and what it hears, must be what AWS expects. Where it is not, botocore's own client is
used, which does the same more slowly. Why, and what it saves: docs/decisions/0021-straight-clients.md
"""

import logging
from typing import Any

import botocore.session
from botocore.config import Config

try:
    from chalicelib.state.shortcuts import short_session, straightened
except (ImportError, AttributeError, TypeError) as _missing:  # parts of botocore that are not where we know them
    logging.getLogger("belfry").warning("botocore has other parts than we know", exc_info=_missing)
    short_session, straightened = botocore.session.get_session, lambda _client: False  # type: ignore[assignment]

_log = logging.getLogger("belfry")


def straight_client(service: str, config: Config, **where: Any) -> Any:
    """A client; `where` is an endpoint and credentials, where they are not the machine's. Bytes in an answer stay the base64 that AWS wrote,
    or are bytes, where botocore's own client had to be taken."""
    wanted = config.merge(Config(parameter_validation=False, user_agent="belfry"))
    client = short_session().create_client(service, config=wanted, **where)
    if _is_straight(client):
        return client
    _log.warning("botocore is made otherwise than we know it", extra={"fields": {"service": service, "version": botocore.__version__}})
    return botocore.session.get_session().create_client(service, config=wanted, **where)


def _is_straight(client: Any) -> bool:
    try:
        return straightened(client)
    except Exception:  # noqa: BLE001 - whatever botocore's insides have become, its public side still works
        _log.debug("a client that cannot be straightened", exc_info=True)
        return False
