"""Every failure of a set-up call says which setting mends it."""

from __future__ import annotations

import pytest

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
from hubspot_hitl.setup.refusals import why_refused

KEY = "Developer API key (developerApiKey)"
APP = "Client ID (clientId)"
TOKEN = "Refresh token (refreshToken)"
CONFIGURATION = "Check the integration's configuration"
WAIT = "Wait, then save"


def failed(kind: type[VendorError], operation: str, code: str | None = None) -> VendorError:
    if kind is VendorUnreachable:
        return VendorUnreachable("no answer", vendor="hubspot", operation=operation)
    return kind("no", vendor="hubspot", operation=operation, vendor_code=code)


@pytest.mark.parametrize(
    ("kind", "operation", "code", "cure"),
    [
        *(
            (AuthorizationLost, "oauth.refresh", code, APP)
            for code in ("invalid_client", "unauthorized_client", "BAD_CLIENT_ID")
        ),
        *(
            (AuthorizationLost, "oauth.refresh", code, TOKEN)
            for code in ("invalid_grant", "BAD_REFRESH_TOKEN", None)
        ),
        (AuthorizationLost, "inboxes.list", None, TOKEN),
        *((kind, "channels.list", None, KEY) for kind in (AuthorizationLost, MissingScope)),
        (MissingScope, "channel_accounts.create", None, "lacks a scope"),
        *(
            (kind, operation, None, CONFIGURATION)
            for kind in (VendorRefused, VendorConflict, VendorNotFound, UnexpectedAnswer)
            for operation in ("channels.create", "channel_accounts.create", "inboxes.list")
        ),
        *(
            (kind, operation, None, WAIT)
            for kind in (VendorFault, VendorThrottled, VendorUnreachable)
            for operation in ("oauth.refresh", "channels.create", "channel_accounts.create")
        ),
    ],
)
def test_every_refusal_names_its_cure(
    kind: type[VendorError], operation: str, code: str | None, cure: str
) -> None:
    assert cure in why_refused(failed(kind, operation, code))
