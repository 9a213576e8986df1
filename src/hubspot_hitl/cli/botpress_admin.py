"""The Admin API for commands: whose token, which workspace."""

from __future__ import annotations

import re

import aiohttp

from hubspot_hitl.botpress.admin import AdminClient
from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.settings import Settings

_WEAK_KEY = re.compile(r"bp_(iak|bak)_")


def admin_token(settings: Settings) -> str:
    """The personal access token. Raises BadSettings when there is none, or another kind of key."""
    token = settings.botpress_admin_token or settings.botpress_token
    text = token.get_secret_value() if token else ""
    if not text or _WEAK_KEY.match(text):
        found = "HITL_BOTPRESS_TOKEN is an access key, which may not publish; " if text else ""
        raise BadSettings(
            f"{found}set HITL_BOTPRESS_ADMIN_TOKEN to a personal access token (bp_pat_...) from"
            " your profile in the Botpress dashboard"
        )
    return text


def is_access_key(settings: Settings) -> bool:
    """Whether the server is already given an integration access key."""
    token = settings.botpress_token
    return token is not None and token.get_secret_value().startswith("bp_iak_")


def admin_client(
    session: aiohttp.ClientSession, settings: Settings, workspace: str | None
) -> AdminClient:
    """The Admin API of `workspace`, else of the settings' one. Raises BadSettings for neither."""
    workspace_id = workspace or settings.botpress_workspace_id
    if not workspace_id:
        raise BadSettings(
            "HITL_BOTPRESS_WORKSPACE_ID is not set: set it, or use --workspace; the dashboard's"
            " address shows it (wkspace_...)"
        )
    return AdminClient(
        session,
        base_url=settings.botpress_api_url,
        token=admin_token(settings),
        workspace_id=workspace_id,
        clock=SystemClock(),
    )
