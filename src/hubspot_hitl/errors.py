"""The error tree: one root, branches by who must act.

::

    HitlError
    ├── CallerError               the caller must change something
    │   ├── InvalidPayload        a body or field does not fit its schema
    │   ├── ActionRefused         said to the bot owner word for word (Botpress: RuntimeError)
    │   ├── BadConfiguration      the installation's configuration cannot work
    │   ├── BadSignature          the request is not signed as it should be
    │   ├── UnknownInstallation   no installation fits the request
    │   ├── FileUnavailable       the file at an address cannot be fetched, now or later
    │   │   └── FileUnreachable   the file's host did not answer as it should: try again
    │   ├── HookRefused           a subscriber's address may not be called
    │   ├── HookFailed            a subscriber did not accept an event: try again
    │   └── IllegalMove           the handoff's state does not allow this
    ├── VendorError               HubSpot or Botpress must act, or we must wait
    │   ├── VendorUnreachable     no answer; the effect may or may not have happened
    │   │   └── CircuitOpen       not asked: the vendor has not been answering
    │   ├── VendorFault           5xx, 423, 477: try again
    │   ├── VendorChokes          5xx to this call alone, again and again: a person must look
    │   ├── VendorThrottled       429: try again after `retry_after_s`
    │   │   └── NoTurn            not asked: the rate limit leaves no room for now
    │   ├── VendorRefused         another 4xx: the same request will fail again
    │   │   ├── VendorNotFound    404, 410
    │   │   └── VendorConflict    409
    │   ├── AuthorizationLost     the grant is gone; a person must connect again
    │   ├── MissingScope          403: the token lives but may not do this
    │   └── UnexpectedAnswer      2xx whose body is not what the vendor documents
    └── ServiceError              the operator of this service must act
        ├── BadSettings           the process settings cannot work
        ├── StoreUnavailable      database away, locked or full: nothing was accepted
        ├── Stale                 somebody else wrote the record first: read it again
        └── Busy                  a limit of ours is reached: try again

Messages say what, which and what to do next; never a token, a message text or a body.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Vendor = Literal["hubspot", "botpress"]


class HitlError(Exception):
    """Root of everything this project raises on purpose.

    `retryable` says whether the same attempt can succeed later without anyone's help;
    `code` is the stable identifier that logs, docs and `--json` output use.
    """

    code = "error"
    retryable = False

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0]) if self.args else self.code


class CallerError(HitlError):
    """The caller must change something; the same request will fail again."""

    code = "caller_error"


class InvalidPayload(CallerError):
    """A body or field does not fit its schema."""

    code = "invalid_payload"


class ActionRefused(CallerError):
    """Refused on purpose; the bot owner reads the message word for word."""

    code = "action_refused"


class BadConfiguration(CallerError):
    """The installation's configuration cannot work; the message names the field."""

    code = "bad_configuration"


class BadSignature(CallerError):
    """The request is not signed as it should be. Answered 401, whatever was wrong with it."""

    code = "bad_signature"


class UnknownInstallation(CallerError):
    """No installation fits the request."""

    code = "unknown_installation"


class IllegalMove(CallerError):
    """The handoff's state does not allow this."""

    code = "illegal_move"


class FileProblem(StrEnum):
    """Why a file cannot be had, as far as whoever misses it cares. Each has a text for agents."""

    GONE = "gone"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    DAMAGED = "damaged"
    WEB_PAGE = "web-page"
    PROGRAM = "program"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    ADDRESS = "address"
    NOT_FETCHED = "not-fetched"


class FileUnavailable(CallerError):
    """The file at an address that somebody sent cannot be fetched; the message says why.

    The message is a plain phrase that fits behind "not delivered: ", without the address; people
    are told the text of `problem` in their language, with `most_mb` where size is the problem.
    """

    code = "file_unavailable"

    def __init__(self, message: str, problem: FileProblem, *, most_mb: int = 0) -> None:
        super().__init__(message)
        self.problem = problem
        self.most_mb = most_mb


class FileUnreachable(FileUnavailable):
    """The file's host did not answer as it should; it may later."""

    code = "file_unreachable"
    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__(message, FileProblem.UNREACHABLE)


class HookRefused(CallerError):
    """The address of a subscriber to events may not be called; the message says why."""

    code = "hook_refused"


class HookFailed(CallerError):
    """A subscriber did not accept an event; it may later, after `retry_after_s` if it said so.

    `status` is its answer's, None when none came.
    """

    code = "hook_failed"
    retryable = True

    def __init__(
        self, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class VendorError(HitlError):
    """A call to HubSpot or Botpress did not do what was asked."""

    code = "vendor_error"

    def __init__(
        self,
        message: str,
        *,
        vendor: Vendor,
        operation: str,
        status: int | None = None,
        vendor_code: str | None = None,
        correlation_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.vendor: Vendor = vendor
        self.operation = operation
        self.status = status
        self.vendor_code = vendor_code
        self.correlation_id = correlation_id
        self.retry_after_s = retry_after_s


class VendorUnreachable(VendorError):
    """No answer came: the effect may or may not have happened.

    `sent` is False when the request certainly never left (connection refused, name unknown).
    """

    code = "vendor_unreachable"
    retryable = True

    def __init__(self, message: str, *, vendor: Vendor, operation: str, sent: bool = True) -> None:
        super().__init__(message, vendor=vendor, operation=operation)
        self.sent = sent


class CircuitOpen(VendorUnreachable):
    """The call was not made: the vendor has not been answering this installation.

    `retry_after_s` is when another look is worth it, `open_s` for how long this has gone on.
    """

    code = "circuit_open"

    def __init__(
        self, *, vendor: Vendor, operation: str, retry_after_s: float, open_s: float
    ) -> None:
        name = "HubSpot" if vendor == "hubspot" else "Botpress"
        super().__init__(
            f"{name} has not been answering for {open_s:.0f} s; {operation} waits until it does",
            vendor=vendor,
            operation=operation,
            sent=False,
        )
        self.retry_after_s = retry_after_s
        self.open_s = open_s


class VendorFault(VendorError):
    """The vendor answered 5xx, 423 or 477: try again."""

    code = "vendor_fault"
    retryable = True


class VendorChokes(VendorError):
    """The vendor answers 5xx to this call again and again, and takes the same of others."""

    code = "vendor_chokes"

    def __init__(self, fault: VendorFault) -> None:
        super().__init__(
            f"{fault.message} So it has been for minutes, while other calls were taken.",
            vendor=fault.vendor,
            operation=fault.operation,
            status=fault.status,
            vendor_code=fault.vendor_code,
            correlation_id=fault.correlation_id,
        )


class VendorThrottled(VendorError):
    """The vendor answered 429: try again after `retry_after_s`."""

    code = "vendor_throttled"
    retryable = True


class NoTurn(VendorThrottled):
    """The call was not made: its turn in the vendor's rate limit would not have come in time."""

    code = "no_turn"


class VendorRefused(VendorError):
    """The vendor refused the request; the same request will fail again."""

    code = "vendor_refused"


class VendorNotFound(VendorRefused):
    """The vendor does not know the object (404, 410)."""

    code = "vendor_not_found"


class VendorConflict(VendorRefused):
    """The object exists already, or is in another state (409)."""

    code = "vendor_conflict"


class AuthorizationLost(VendorError):
    """The grant is gone (revoked, uninstalled, wrong secret): a person must connect again."""

    code = "authorization_lost"


class MissingScope(VendorError):
    """The token lives but may not do this (403): add the scope and connect again."""

    code = "missing_scope"


class UnexpectedAnswer(VendorError):
    """A 2xx answer whose body is not what the vendor documents."""

    code = "unexpected_answer"


class ServiceError(HitlError):
    """The operator of this service must act."""

    code = "service_error"


class BadSettings(ServiceError):
    """The process settings cannot work; the message names the variable."""

    code = "bad_settings"


class StoreUnavailable(ServiceError):
    """The database is away, locked or full; nothing was accepted."""

    code = "store_unavailable"
    retryable = True


class Stale(ServiceError):
    """Somebody else wrote the record first: read it again and repeat."""

    code = "stale"
    retryable = True


class Busy(ServiceError):
    """A limit of ours is reached: try again."""

    code = "busy"
    retryable = True


AWAY_S = 10.0


def is_away(error: HitlError, waited_s: float = 0.0) -> bool:
    """Whether a vendor has been away for so long that it is better to go on without it.

    So it is when it is there but its rate limit gives no turn: not soon, or not in the `waited_s`
    since it is needed. A call that is not made counts no attempt, so attempts do not tell.
    """
    if isinstance(error, NoTurn):
        return max(waited_s, error.retry_after_s or 0.0) >= AWAY_S
    return isinstance(error, CircuitOpen) and error.open_s >= AWAY_S
