"""Whether somebody listens at an address, asked before a client library waits for a minute."""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from harness.errors import ScaleError

PATIENCE_S = 10.0


class Place(NamedTuple):
    """A machine and a door."""

    host: str
    port: int


def parsed(address: str, schemes: tuple[str, ...]) -> Place | None:
    """Host and port of `SCHEME://HOST:PORT`, one of these schemes (an empty one: none); None where it is not so.

    >>> parsed("tcp://node1:8786", ("tcp",))
    Place(host='node1', port=8786)
    >>> parsed("node1:6379", ("tcp",)) is None
    True
    """
    scheme, sign, rest = address.rpartition("://")
    found = re.fullmatch(r"(?P<host>[^\s/:]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})", rest)
    if found is None or (scheme if sign else "") not in schemes or int(found["port"]) > 65535:
        return None
    return Place(found["host"].strip("[]"), int(found["port"]))


def require_listener(place: Place, what: str, next_step: str) -> None:
    """Knock.

    Raises:
        ScaleError: nobody answers within ten seconds.
    """
    try:
        socket.create_connection(place, timeout=PATIENCE_S).close()
    except OSError as fault:
        raise ScaleError(
            f"{what} cannot be reached",
            got=f"{place.host}:{place.port}: {fault}",
            wanted=f"{what} at scale.address",
            next_step=next_step,
        ) from fault
