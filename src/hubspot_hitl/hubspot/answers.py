"""What an answer of HubSpot means: JSON, or one error of our tree. Pure.

The only place where HubSpot's statuses and error bodies are read. HubSpot's own sentence is kept,
because only it names the field or rule at fault, but shortened and without anything that looks like
a secret.

Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from hubspot_hitl.errors import (
    AuthorizationLost,
    MissingScope,
    UnexpectedAnswer,
    VendorConflict,
    VendorError,
    VendorFault,
    VendorNotFound,
    VendorRefused,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.hubspot.fields import Fields, ShapeError, parse_json
from hubspot_hitl.hubspot.limiter import Budget
from hubspot_hitl.redaction import redact_text

_MAX_SENTENCE: Final = 300
_MAX_RETRY_AFTER_S: Final = 86_400.0
_RETRY_LOCKED_S: Final = 2.0
_RETRY_TEN_SECONDLY_S: Final = 10.0
_RETRY_SECONDLY_S: Final = 1.0
# Neither a time nor a policy: a proxy's or a limit of HubSpot's that it does not explain.
_RETRY_UNEXPLAINED_S: Final = 1.0
_SECRET: Final = re.compile(
    r"(?i)(hapikey|client_secret|refresh_token|access_token|code|token)(=|\"?:\s*\"?)[^\s&\",}]+"
    r"|bearer\s+[\w.~+/=-]+|pat-[\w-]{8,}"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def json_of(answer: Answer, operation: str) -> object:
    """The JSON of a 2xx answer; None when it has no body.

    One that is no JSON was cut off, or is of something between HubSpot and us: that is no answer,
    and raises :class:`VendorUnreachable`.
    """
    if not answer.body.strip():
        return None
    try:
        return parse_json(answer.body)
    except ShapeError:
        raise VendorUnreachable(
            f"HubSpot answered {operation} with {answer.status}, but the body is not JSON",
            vendor="hubspot",
            operation=operation,
        ) from None


def unexpected(answer: Answer, operation: str, problem: str) -> UnexpectedAnswer:
    """The error for a 2xx answer that is not what HubSpot documents."""
    return UnexpectedAnswer(
        f"HubSpot answered {operation} with {answer.status}, but {problem}",
        vendor="hubspot",
        operation=operation,
        status=answer.status,
        correlation_id=_correlation_id(answer, _error_body(answer)),
    )


def error_of(answer: Answer, operation: str, now_ms: int) -> VendorError:
    """The error that an answer other than 2xx stands for."""
    body = _error_body(answer)
    status, code = answer.status, vendor_code(body)
    correlation_id = _correlation_id(answer, body)
    retry_after_s = retry_after(answer.headers, now_ms)
    sentence = _sentence(body)

    def made(kind: type[VendorError], advice: str, retry_s: float | None = None) -> VendorError:
        parts = [f"HubSpot answered {operation} with {status}", code, sentence, advice]
        return kind(
            ": ".join(part for part in parts if part),
            vendor="hubspot",
            operation=operation,
            status=status,
            vendor_code=code,
            correlation_id=correlation_id,
            retry_after_s=retry_s,
        )

    match status:
        case 401:
            return made(AuthorizationLost, "connect the portal again")
        case 403:
            return made(MissingScope, "add the scope to the app and connect the portal again")
        case 404 | 410:
            return made(VendorNotFound, "check the id")
        case 409:
            return made(VendorConflict, "")
        case 429:
            wait = _throttle(body) if retry_after_s is None else retry_after_s
            return made(VendorThrottled, "", wait)
        case 423 | 477:
            wait = _RETRY_LOCKED_S if retry_after_s is None else retry_after_s
            return made(VendorFault, "the record or account is locked for now", wait)
        case 408:
            return made(VendorFault, "", retry_after_s)
        case _ if status >= 500:
            return made(VendorFault, "", retry_after_s)
        case _ if status >= 400:
            return made(VendorRefused, "")
        case _:
            return made(UnexpectedAnswer, "a redirect or an informational answer is not expected")


def vendor_code(body: Fields) -> str | None:
    """The most exact code of an error body: sub-category, category, or OAuth's `error`."""
    for name in ("subCategory", "category", "errorType", "error", "status"):
        code = body.text(name)
        if code and code != "error" and len(code) <= 120:
            return code
    return None


def retry_after(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date; None when absent or nonsense."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text, re.ASCII):
        return min(float(text), _MAX_RETRY_AFTER_S)
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait_s = moment.timestamp() - now_ms / 1000
    return min(max(wait_s, 0.0), _MAX_RETRY_AFTER_S)


def budget(headers: Mapping[str, str]) -> Budget | None:
    """What the answer says of the rate limit; search answers say nothing."""
    limit = _whole(headers.get("x-hubspot-ratelimit-max"))
    remaining = _whole(headers.get("x-hubspot-ratelimit-remaining"))
    if limit is None or remaining is None:
        return None
    interval_ms = _whole(headers.get("x-hubspot-ratelimit-interval-milliseconds"))
    return Budget(limit, remaining, None if interval_ms is None else interval_ms / 1000)


def _throttle(body: Fields) -> float:
    """How long a 429 without `Retry-After` lasts, by its policy."""
    match body.text("policyName"):
        case "SECONDLY":
            return _RETRY_SECONDLY_S
        case "DAILY":
            # The counter starts anew at midnight of the account, whose time zone is not told.
            return 3600.0
        case "TEN_SECONDLY_ROLLING":
            return _RETRY_TEN_SECONDLY_S
        case _:
            return _RETRY_UNEXPLAINED_S


def _error_body(answer: Answer) -> Fields:
    try:
        return Fields.of(parse_json(answer.body))
    except ShapeError:
        return Fields({})


def _correlation_id(answer: Answer, body: Fields) -> str | None:
    told = body.text("correlationId") or answer.headers.get("x-hubspot-correlation-id")
    return told[:80] if told else None


def _sentence(body: Fields) -> str:
    """HubSpot's message and those of its details, on one line, shortened and scrubbed."""
    told = [body.text("message") or body.text("error_description")]
    told += [detail.text("message") for detail in body.children("errors")[:3]]
    line = " ".join(dict.fromkeys(" ".join(text.split()) for text in told if text))
    line = redact_text(_SECRET.sub("***", line))  # an error may repeat what was sent
    return line if len(line) <= _MAX_SENTENCE else line[: _MAX_SENTENCE - 3] + "..."


def _whole(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII):
        return None
    return int(text)
