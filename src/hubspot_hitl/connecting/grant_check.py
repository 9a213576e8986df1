"""Whether a grant fits the installation it is for: its app, its portal, its scopes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hubspot_hitl.connecting.landing import ConnectRefused
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot_records import PortalInfo


def check_grant(
    installation: Installation, app_id: str, info: PortalInfo, required: Iterable[str]
) -> None:
    """Raise ConnectRefused for a grant of another app or portal, or one that cannot carry chats."""
    if app_id and info.app_id and app_id != info.app_id:
        raise ConnectRefused(
            "invalid_config",
            f"The App ID setting says {app_id!r}, but the client id is of the app"
            f" {info.app_id!r}. Copy both from the same Auth tab.",
        )
    portal_id = inbox_portal(installation)
    if portal_id is not None and portal_id != info.portal_id:
        raise ConnectRefused(
            "invalid_config",
            f"The Inbox ID setting names an inbox of portal {portal_id}, but portal"
            f" {info.portal_id} was connected. Choose the other portal, or another inbox.",
        )
    missing = [scope for scope in required if scope not in info.scopes]
    if info.scopes and missing:
        raise ConnectRefused(
            "authorization_denied",
            f"These scopes were not granted: {', '.join(missing)}. Add them on the app's Auth tab"
            " and begin again.",
        )


def inbox_portal(installation: Installation) -> str | None:
    """The portal that the configured inbox's address names; None when only an id was pasted."""
    try:
        inboxes = installation.configuration.inboxes
    except ValueError:
        return None
    return next((one.portal_id for one in inboxes if one.portal_id), None)
