"""What an error of PostgreSQL or of its driver says about the transaction it came from."""

from __future__ import annotations

from typing import Final

from hubspot_hitl.ledger.postgres.sql import KEY_KNOWN
from hubspot_hitl.ledger.postgres.transaction import LaneMade

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_RUN_AGAIN: Final = frozenset({"40001", "40P01"})
_UNDEFINED_FUNCTION: Final = "42883"  # a pooler in between has reset the session
NOTHING_LEFT: Final = _RUN_AGAIN | {KEY_KNOWN, _UNDEFINED_FUNCTION}
_AWAY_CLASSES: Final = frozenset({"08", "28", "3D", "53", "57", "58", "XX"})
# a stand-by; no connections allowed; a lock that is not given
_AWAY: Final = frozenset({"25006", "55000", "55P03"})
NOT_MIGRATED: Final = frozenset({"42P01", "42703"})


def is_away(error: BaseException) -> bool:
    """Whether the server is the trouble, and not the statement."""
    import asyncpg

    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _AWAY_CLASSES or state in _AWAY or state in _RUN_AGAIN
    # InternalClientError: the server ended the connection while the driver was not looking.
    away = (LaneMade, OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, away)


def worth_again(error: Exception, ending: bool) -> bool:
    """Whether nothing can be left of the transaction and a new one may do better."""
    if isinstance(error, LaneMade) or getattr(error, "sqlstate", None) in _RUN_AGAIN:
        return True
    return is_broken(error) and not ending


def is_broken(error: Exception) -> bool:
    """Whether the connection went away beneath a statement."""
    import asyncpg

    broken = (
        asyncpg.ConnectionDoesNotExistError,
        asyncpg.InternalClientError,
        ConnectionResetError,
        BrokenPipeError,
    )
    return isinstance(error, broken)
