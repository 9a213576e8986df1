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
        default="https://api.botpress.cloud",
        description="Botpress's API. Change it for another Botpress installation.",
    )
    botpress_token: SecretStr | None = Field(
        default=None,
        description=(
            "The token for Botpress's API: an integration access key (bp_iak_...) or a personal"
            " access token (bp_pat_...). Not needed after `hubspot-hitl publish` on this database."
        ),
    )
    botpress_signing_secrets: SecretList = Field(
        default=(),
        description=(
            "Signing secrets of the integration, comma separated; give two during rotation. Once"
            " one is set, every operation needs a valid X-BP-Signature. Not needed after"
            " `hubspot-hitl publish` on this database."
        ),
    )
    botpress_path_secret: PathSecret = Field(
        default=None,
        description=(
            "A secret in the path of operations: POST /botpress/{secret}. Unset: POST / and"
            " POST /botpress take operations."
        ),
    )
    botpress_unsigned: Annotated[Literal["loopback", "private", "anywhere"], LOWERED] = Field(
        default="private",
        description=(
            "Who may send operations while there is neither a signing nor a path secret: programs"
            " on this machine ('loopback'), also private addresses such as other containers"
            " ('private'), or everybody who reaches the port ('anywhere'). Whoever may can read"
            " and write everything that the installations may."
        ),
    )
    botpress_webhook_url: Url = Field(
        default="https://webhook.botpress.cloud",
        description="Where Botpress receives webhooks for integrations.",
    )
    botpress_admin_token: SecretStr | None = Field(
        default=None,
        description=(
            "A personal access token (bp_pat_...) for `publish` and `dev`; the server never reads"
            " it. Unset: HITL_BOTPRESS_TOKEN."
        ),
    )
    botpress_workspace_id: str | None = Field(
        default=None,
        description="The workspace to publish in: wkspace_...",
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
            "Where HubSpot sends the channel's webhooks: to 'botpress', which passes them on, or"
            " 'direct' to HITL_PUBLIC_URL, one hop less."
        ),
    )
    hubspot_accept_v1_signatures: bool = Field(
        default=False,
        description="Also accept HubSpot's v1 signature on subscription webhooks. Only for"
        " apps that still sign so: v1 has no time, so a recorded webhook can be replayed.",
    )
    hubspot_requests_per_10s: int = Field(
        default=110,
        ge=1,
        le=1000,
        description=(
            "Most requests to HubSpot in ten seconds, for each app and portal. Set it to what your"
            " app may use, or lower if other programs use the same app."
        ),
    )


class Connecting(Group):
    """Connecting portals."""

    hubspot_client_id: str | None = Field(
        default=None,
        description="Client id of a HubSpot app that installations without their own share.",
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
            "Version of HubSpot's OAuth endpoints. Change it only if HubSpot asks for it: v1 puts"
            " tokens into URLs and ends on 2027-02-16."
        ),
    )
    oauth_redirect_url: OptionalUrl = Field(
        default=None,
        description=(
            "The redirect URL of the HubSpot app. Unset: HITL_PUBLIC_URL + /oauth/hubspot/callback,"
            " or without a public URL /oauth under the installation's webhook URL at Botpress."
        ),
    )
    oauth_return_hosts: TextList = Field(
        default=(),
        description=(
            "Hosts, comma separated, to which `redirectUrl` may send the browser after connecting;"
            " the public URL's own is always allowed."
        ),
    )
    oauth_features: TextList = Field(
        default=("handoff", "contacts", "files", "transcript"),
        description=(
            "Features whose scopes are asked for, comma separated: handoff, contacts, files,"
            " transcript, crm, timeline, lists, sequences, newsletter."
        ),
    )
    oauth_required_scopes: TextList = Field(
        default=(),
        description=(
            "Further scopes that your HubSpot app marks as required, comma separated, such as"
            " oauth: HubSpot refuses a consent that does not ask for all of them."
        ),
    )
    token_refresh_minutes: float = Field(
        default=20,
        ge=1,
        le=29,
        description="How often each portal's access token is refreshed; it lasts 30 minutes.",
    )
    registrations_token: SecretStr | None = Field(
        default=None,
        description="Token for POST /registrations. Unset: there is no such route.",
    )
    registrations_per_minute: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="How many registrations one IP address may ask for in a minute.",
    )
