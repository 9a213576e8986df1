"""What Botpress hears when an operation fails: from our errors to a status and a body. Pure.

The body's shape and the 400/500 split are those of the vendor's SDK (``serve.ts``): 400 for what
the caller or the bot owner can mend, 500 for what may pass by itself, `code` 400 in both.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hubspot_hitl.botpress.jsontext import dumps
from hubspot_hitl.botpress.wire import BadEnvelope
from hubspot_hitl.errors import (
    AuthorizationLost,
    BadSignature,
    Busy,
    CallerError,
    InvalidPayload,
    MissingScope,
    StoreUnavailable,
    VendorError,
    VendorRefused,
)

UNEXPECTED = (
    "The integration met an error it did not foresee. Try again; if it stays, the operator of the"
    " integration finds the cause in its log under this error's id."
)
STORE_AWAY = (
    "The integration's database is away, so nothing was accepted. Try again; the operator of the"
    " integration finds the cause in its log under this error's id."
)
_MESSAGE_LIMIT = 2000  # what Botpress keeps of it as an installation's status reason
_ADVICE: tuple[tuple[type[VendorError], str], ...] = (
    (AuthorizationLost, "Connect the HubSpot account again and save the configuration."),
    (MissingScope, "Add the scope to the HubSpot app and connect the account again."),
    (VendorRefused, "Compare the integration's configuration with the HubSpot account."),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. Header names are lower-case."""

    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    error_id: str | None = None


def error_answer(
    exc: BaseException, now_ms: int, *, operation: str | None = None, nonce: str | None = None
) -> Answer:
    """The answer for a failed operation.

    A refusal by HubSpot is 400 (the bot owner reads it and can act), except inside
    `webhook_received`, where only a 5xx makes HubSpot deliver again. `nonce` is 8 hex digits of
    the error's id, drawn when not given.
    """
    if isinstance(exc, BadEnvelope):
        return Answer(500, dumps({"error": exc.message}))
    status, type_, message = _classify(exc, operation)
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%d%H%M%S")
    error_id = f"err_{stamp}x{(nonce or secrets.token_hex(4)).upper()}"
    code = 401 if status == 401 else 400
    body = {"id": error_id, "code": code, "type": type_, "message": message[:_MESSAGE_LIMIT]}
    headers = {"content-type": "application/json"}
    if status == 503:
        headers["retry-after"] = "5"
    return Answer(status, dumps(body), headers, error_id)


def _classify(exc: BaseException, operation: str | None) -> tuple[int, str, str]:
    match exc:
        case BadSignature():
            return 401, "Unauthorized", exc.message
        case InvalidPayload():
            return 400, "InvalidPayload", exc.message
        case CallerError():
            return 400, "Runtime", exc.message
        case StoreUnavailable():
            return 503, "Runtime", STORE_AWAY  # its own message names hosts
        case Busy():
            return 503, "Runtime", exc.message
        case VendorError():
            advice = _advice(exc)
            owner_can_act = exc.vendor == "hubspot" and operation != "webhook_received"
            if advice and owner_can_act:
                return 400, "Runtime", f"{exc.message.rstrip()} {advice}"
            return 500, "Runtime", exc.message
        case _:
            return 500, "Runtime", UNEXPECTED


def _advice(exc: VendorError) -> str | None:
    return next((advice for type_, advice in _ADVICE if isinstance(exc, type_)), None)
