"""Botpress's refusals while publishing, with what the operator can do about each."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from hubspot_hitl.errors import (
    AuthorizationLost,
    CallerError,
    MissingScope,
    VendorError,
    VendorThrottled,
    VendorUnreachable,
)
from hubspot_hitl.redaction import redact_text

NEW_VERSION: Final = (
    "publish it as a new version: raise __version__ in src/hubspot_hitl/__init__.py and run"
    " scripts/build_definition.py"
)

_CURES: Final[Mapping[str, str]] = {
    "BreakingChanges": (
        "the version is there with another shape, and bots rely on it; " + NEW_VERSION
    ),
    "QuotaExceeded": (
        "a workspace holds 20 integrations and an integration 50 versions; delete those that no"
        " bot uses in the dashboard, or ask Botpress for more"
    ),
    "LimitExceeded": "a limit of the workspace's plan is reached; ask Botpress for more",
    "PaymentRequired": "the workspace's plan does not include this; look at its billing page",
    "AlreadyExists": "another publication was faster; publish again to bring it up to date",
    "ReferenceNotFound": "something the definition refers to is gone; publish again",
    "InvalidJsonSchema": "the definition does not fit; run scripts/build_definition.py",
    "InvalidPayload": "the definition does not fit; run scripts/build_definition.py",
    "PayloadTooLarge": "the definition is too large; shorten the readme or the icon",
}
_UNAUTHORIZED: Final = (
    "publishing needs a living personal access token (bp_pat_...): make one in the dashboard under"
    " your profile, and set HITL_BOTPRESS_ADMIN_TOKEN"
)
_FORBIDDEN: Final = (
    "the token's owner must be a developer or an administrator of this workspace; check the"
    " workspace id and the token"
)
_UNKNOWN_OUTCOME: Final = (
    "it may or may not have been done; publish again, and if the signing secret is then said to be"
    " missing, once more with --rotate-signing-secret"
)


@contextmanager
def explained(name: str, version: str) -> Generator[None]:
    """Turn a refusal into CallerError that says what to do; what a retry can mend stays itself."""
    try:
        yield
    except VendorUnreachable as error:
        if error.sent and error.operation.startswith(("create", "rotate")):
            raise CallerError(
                f"{error.message} {_UNKNOWN_OUTCOME[0].upper()}{_UNKNOWN_OUTCOME[1:]}"
            ) from error
        raise
    except VendorError as error:
        cure = _cure(error)
        if cure is None:
            raise
        what = f"{name} {version} was not published"
        raise CallerError(f"{what} ({_said(error)}): {cure}") from error


def _cure(error: VendorError) -> str | None:
    cure = _CURES.get(error.vendor_code or "")
    if cure is not None and not isinstance(error, VendorThrottled):
        return cure
    match error:
        case AuthorizationLost():
            return _UNAUTHORIZED
        case MissingScope():
            return _FORBIDDEN
        case _:
            return None


def _said(error: VendorError) -> str:
    """Status, type and the vendor's sentence, as the adapter wrote them."""
    kind = f"{error.vendor_code}, " if error.vendor_code else ""
    return redact_text(f"{kind}{error.message.rstrip('.')}")
