"""The two vendors: where they are, and who we are to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from hubspot_hitl.settings.environment import Group
from hubspot_hitl.settings.types import (
    LOWERED,
    OptionalUrl,
    PathSecret,
    SecretList,
    SocketUrl,
    TextList,
    Url,
)


class Botpress(Group):
    """Botpress."""

    botpress_api_url: Url = Field(
        default="https://api.botpress.cloud", description="Botpress's API (also BP_API_URL)."
    )
    botpress_token: SecretStr | None = Field(
        default=None,
        description=(
            "A Botpress token for the Runtime and admin API (also BP_TOKEN): an integration access"
            " key (bp_iak_...) or a personal access token (bp_pat_...)."
        ),
    )
    botpress_signing_secrets: SecretList = Field(
        default=(),
        description=(
            "Signing secrets of the integration, comma separated (two during rotation). Once one"
            " is set, every operation must carry a right X-BP-Signature."
        ),
    )
    botpress_path_secret: PathSecret = Field(
        default=None,
        description=(
            "A secret part of the operations' path: POST /botpress/{secret}. Unset: POST / and"
            " POST /botpress accept operations."
        ),
    )
    botpress_unsigned: Annotated[Literal["loopback", "private", "anywhere"], LOWERED] = Field(
        default="private",
        description=(
            "With neither a signing nor a path secret, who may send operations, and so read and"
            " write whatever the installations may: programs on this machine ('loopback'), also"
            " those with private addresses, such as other containers ('private'), or everybody who"
            " reaches the port ('anywhere')."
        ),
    )
    botpress_webhook_url: Url = Field(
        default="https://webhook.botpress.cloud",
        description="Where Botpress receives webhooks for integrations.",
    )
    botpress_admin_token: SecretStr | None = Field(
        default=None,
        description=(
            "A personal access token (bp_pat_...) for the commands that publish. Unset:"
            " HITL_BOTPRESS_TOKEN. The server never reads it."
        ),
    )
    botpress_workspace_id: str | None = Field(
        default=None,
        description="The workspace to publish in (also BP_WORKSPACE_ID): wkspace_...",
    )
    botpress_tunnel_url: SocketUrl = Field(
        default="wss://tunnel.botpress.cloud",
        description="Botpress's development tunnel, for `hubspot-hitl dev`.",
    )


class HubSpot(Group):
    """HubSpot."""

    hubspot_api_url: Url = Field(default="https://api.hubapi.com", description="HubSpot's API.")
    hubspot_webhook_route: Literal["botpress", "direct"] = Field(
        default="botpress",
        description=(
            "Where the channel's webhook URL points: 'botpress' (the URL that Botpress gives in"
            " register) or 'direct' (this server's public URL)."
        ),
    )
    hubspot_accept_v1_signatures: bool = Field(
        default=False,
        description="Accept HubSpot's old v1 signature on subscription webhooks too.",
    )
    hubspot_requests_per_10s: int = Field(
        default=110, ge=1, le=1000, description="Requests to HubSpot per portal in ten seconds."
    )


class Connecting(Group):
    """Connecting portals."""

    hubspot_client_id: str | None = Field(
        default=None,
        description="Client id of this server's own HubSpot app, which installations may share.",
    )
    hubspot_client_secret: SecretStr | None = Field(
        default=None, description="Client secret of the shared app."
    )
    hubspot_app_id: str | None = Field(default=None, description="App id of the shared app.")
    hubspot_developer_api_key: SecretStr | None = Field(
        default=None, description="Developer API key of the shared app's developer account."
    )
    hubspot_authorize_url: Url = Field(
        default="https://app.hubspot.com/oauth/authorize",
        description="HubSpot's consent page.",
    )
    hubspot_oauth_version: Literal["2026-03", "v3", "v1"] = Field(
        default="2026-03",
        description=(
            "Which of HubSpot's OAuth endpoints to use. v1 puts tokens into addresses and ends on"
            " 2027-02-16."
        ),
    )
    oauth_redirect_url: OptionalUrl = Field(
        default=None,
        description=(
            "The redirect URL of the HubSpot app. Unset: /oauth/hubspot/callback under the public"
            " URL, or without one /oauth under the installation's webhook URL at Botpress."
        ),
    )
    oauth_return_hosts: TextList = Field(
        default=(),
        description=(
            "Hosts, comma separated, to which a browser may be sent back after connecting; the"
            " public URL's own origin is always allowed."
        ),
    )
    oauth_features: TextList = Field(
        default=("handoff", "contacts", "files", "transcript"),
        description=(
            "What scopes are asked for, comma separated: handoff, contacts, files, transcript, crm,"
            " lists, sequences, newsletter."
        ),
    )
    oauth_required_scopes: TextList = Field(
        default=(),
        description=(
            "Scopes that the HubSpot app marks as required beside those of the handoff, comma"
            " separated: HubSpot wants each of them asked for as such. Example: oauth."
        ),
    )
    token_refresh_minutes: float = Field(
        default=20,
        ge=1,
        le=29,
        description="How often each portal's token is refreshed; access tokens last 30 minutes.",
    )
    registrations_token: SecretStr | None = Field(
        default=None,
        description="Token that POST /registrations asks for; unset, there is no such route.",
    )
    registrations_per_minute: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Registrations that one address may ask for in a minute.",
    )
