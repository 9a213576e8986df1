"""Says of an error at HubSpot which setting mends it. Pure."""

from __future__ import annotations

from hubspot_hitl.errors import AuthorizationLost, MissingScope, VendorError

_APP_CODES = frozenset(
    {"invalid_client", "unauthorized_client", "BAD_CLIENT_ID", "BAD_CLIENT_SECRET"}
)
_CONNECT = (
    "Connect the portal again with scripts/get_refresh_token.py and paste its answer into Refresh"
    " token (refreshToken)"
)


def why_refused(error: VendorError) -> str:
    """What went wrong, and which setting of the integration to look at.

    >>> lost = AuthorizationLost("HubSpot answered oauth.refresh with 400", vendor="hubspot",
    ...     operation="oauth.refresh", vendor_code="BAD_REFRESH_TOKEN")
    >>> "Refresh token (refreshToken)" in why_refused(lost)
    True
    """
    return f"{_cure(error)} ({error.message})"


def _cure(error: VendorError) -> str:
    match error:
        case AuthorizationLost() if error.vendor_code in _APP_CODES:
            return (
                "HubSpot does not accept the app. Check Client ID (clientId) and Client secret"
                " (clientSecret) against the app's Auth tab."
            )
        case AuthorizationLost() if error.operation.startswith("channels."):
            return (
                "HubSpot does not accept the developer key. Check Developer API key"
                " (developerApiKey) and App ID (appId)."
            )
        case AuthorizationLost():
            return f"HubSpot does not accept the refresh token any more. {_CONNECT}."
        case MissingScope() if error.operation.startswith("channels."):
            return (
                "The developer key may not manage this app's channels. Check Developer API key"
                " (developerApiKey) and App ID (appId), and the app's scopes."
            )
        case MissingScope():
            return f"The app lacks a scope. Add it on the app's Auth tab. {_CONNECT}."
        case _ if error.retryable:
            return "HubSpot has a problem. Wait, then save the configuration again."
        case _:
            return "HubSpot refuses the set-up. Check the integration's configuration."
