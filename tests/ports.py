"""Ports for servers that are started again, or whose address is told before they listen."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle

from tests.ending import AT_THE_END

_HELD = 64


def own_port() -> int:
    """A port of 127.0.0.1 that this process keeps, so that nobody is given it by chance.

    It is bound and does not listen: Linux lets a server that asks for this very port listen on it
    (both with SO_REUSEADDR, which asyncio sets), and hands it out to no one else, neither for
    listening nor as the near end of a connection. After many more calls it comes round again.
    """
    return next(_ports())


@cache
def _ports() -> Iterator[int]:
    def held() -> Iterator[int]:
        for _ in range(_HELD):
            yield _hold()

    return cycle(held())


def _hold() -> int:
    holder = socket.socket()
    AT_THE_END.callback(holder.close)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return int(holder.getsockname()[1])
