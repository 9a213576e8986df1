"""The one place where Botpress's refusals and the network's failures become our errors.

An error's body is `{id, code, type, message}`; types and statuses:
https://botpress.com/docs/api-reference
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime

import aiohttp

from hubspot_hitl.botpress.jsontext import loads
from hubspot_hitl.errors import (
    AuthorizationLost,
    MissingScope,
    VendorConflict,
    VendorError,
    VendorFault,
    VendorNotFound,
    VendorRefused,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.json_values import is_object
from hubspot_hitl.redaction import redact_text

_TRANSIENT = frozenset({408, 423, 425, 477})
_RESET_HEADERS = ("RateLimit-Reset", "X-RateLimit-Reset", "Retry-After")
_LONGEST_WAIT_S = 3600.0
_EPOCH_LIKE = 1_000_000_000


@contextmanager
def network_failures(operation: str) -> Generator[None]:
    """Turn what aiohttp raises into VendorUnreachable.

    `sent` is False only when no connection came about; a broken or timed-out one may have carried
    the request.
    """
    try:
        yield
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise VendorUnreachable(
            f"Botpress could not be reached for {operation} ({type(error).__name__}):"
            " check HITL_BOTPRESS_API_URL and the network.",
            vendor="botpress",
            operation=operation,
            sent=False,
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise VendorUnreachable(
            f"Botpress gave no answer to {operation} ({type(error).__name__}).",
            vendor="botpress",
            operation=operation,
        ) from error


def failure_of(
    operation: str, status: int, headers: Mapping[str, str], body: bytes, now_ms: int
) -> VendorError:
    """The error in an answer that is not 2xx. The body may be anything."""
    fields = _fields(body)
    vendor_code = fields.get("type")
    said = redact_text(fields.get("message", ""))[:300]  # an error may repeat what was sent
    error_type, cure = _kind(status, vendor_code)
    message = f"Botpress answered {status} to {operation}" + (f": {said}" if said else "")
    return error_type(
        f"{message.rstrip('.')}. {cure}".rstrip(),
        vendor="botpress",
        operation=operation,
        status=status,
        vendor_code=vendor_code,
        correlation_id=fields.get("id"),
        retry_after_s=retry_after_s(status, headers, now_ms),
    )


def retry_after_s(status: int, headers: Mapping[str, str], now_ms: int) -> float | None:
    """How long Botpress asks to wait: seconds, an HTTP date or an epoch time; at most an hour.

    The reset headers come with every answer and only mean something on a 429.
    """
    names = _RESET_HEADERS if status == 429 else _RESET_HEADERS[-1:]
    if status != 429 and status < 500:
        return None
    for name in names:
        value = headers.get(name)
        seconds = _seconds(value, now_ms) if value else None
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_WAIT_S)
    return None


def _seconds(value: str, now_ms: int) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return _until(value, now_ms)
    if not math.isfinite(number):
        return None
    return number - now_ms / 1000 if number > _EPOCH_LIKE else number


def _until(value: str, now_ms: int) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() - now_ms / 1000


def _kind(status: int, vendor_code: str | None) -> tuple[type[VendorError], str]:
    match status:
        case 401:
            return AuthorizationLost, "Check HITL_BOTPRESS_TOKEN: make a new access key."
        case 403 if vendor_code != "QuotaExceeded":
            return MissingScope, "The token may not do this for this bot and integration."
        case 404 | 410:
            return VendorNotFound, ""
        case 400 if vendor_code == "ReferenceNotFound":  # named in the body, not in the path
            return VendorNotFound, ""
        case 409 if vendor_code == "ResourceLockedConflict":
            return VendorFault, ""
        case 409:
            return VendorConflict, ""
        case 429:
            return VendorThrottled, ""
        case _ if status >= 500 or status in _TRANSIENT:
            return VendorFault, ""
        case _:
            return VendorRefused, ""


def _fields(body: bytes) -> dict[str, str]:
    try:
        value = loads(body)
    except ValueError:
        return {}
    if not is_object(value):
        return {}
    return {name: item for name, item in value.items() if isinstance(item, str)}
