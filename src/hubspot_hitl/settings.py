"""Process settings: the only reader of the environment.

`from_environment()` is called once, by the command line or whoever mounts the application; everyone
else is handed the frozen `Settings`. Constructing `Settings(...)` directly reads nothing. Secrets
stay wrapped until the moment of use and never show in `repr`, in errors or in `describe`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from hubspot_hitl.environment import Explicit, load, variable_of
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.setting_types import (
    LOWERED,
    DatabaseUrl,
    NameList,
    NetworkList,
    OptionalUrl,
    PathSecret,
    SecretList,
    SocketUrl,
    TextList,
    Url,
)


class Settings(Explicit):
    """How this process runs. Frozen; units are in the names."""

    model_config = SettingsConfigDict(env_prefix="HITL_")

    host: str = Field(default="0.0.0.0", description="Address to listen on.")  # noqa: S104 - a server in a container must be reachable
    port: int = Field(
        default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one."
    )
    public_url: OptionalUrl = Field(
        default=None,
        description=(
            "The address under which the world reaches this server, without a final slash. HubSpot"
            " signs the public URL, so direct webhooks are checked against it."
        ),
    )
    trusted_proxies: NetworkList = Field(
        default=(),
        description=(
            "Networks (CIDR, comma separated) of the reverse proxies whose X-Forwarded-For is"
            " believed."
        ),
    )
    data_dir: Path = Field(
        default=Path("./data"), description="Directory for the SQLite file and the key file."
    )
    database_url: DatabaseUrl = Field(
        default_factory=lambda data: f"sqlite:///{data.get('data_dir', 'data')}/hubspot-hitl.db",
        repr=False,
        description=(
            "Where the ledger and all state live: sqlite:///file or postgresql://user@host/name."
            " Unset: a SQLite file in the data directory."
        ),
    )
    secret_keys: SecretStr | None = Field(
        default=None,
        description=(
            "Key ring for encryption at rest: id:base64-of-32-bytes, comma separated, the first"
            " one encrypts. Unset, on SQLite: a key file is made in the data directory."
        ),
    )
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
    botpress_webhook_url: Url = Field(
        default="https://webhook.botpress.cloud",
        description="Where Botpress receives webhooks for integrations.",
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
    traces: bool = Field(
        default=False,
        description=(
            "Whether to send OpenTelemetry traces, one for each handoff, where the standard OTEL_*"
            " variables say; needs the extra otel."
        ),
    )
    console_token: SecretStr | None = Field(
        default=None, description="Token for the operators' console; unset, the console is closed."
    )
    console_readonly_token: SecretStr | None = Field(
        default=None, description="A second console token, for people who look but may not act."
    )
    console_proxy_header: str | None = Field(
        default=None,
        description=(
            "Header in which a trusted proxy names the person (X-Forwarded-User). Set, the console"
            " asks for no token; HITL_CONSOLE_TOKEN still signs its forms and must be set."
        ),
    )
    console_proxy_operators: NameList = Field(
        default=(),
        description=(
            "People who may act, as the proxy names them, comma separated; '*' is everybody."
            " Others may look."
        ),
    )
    log_format: Annotated[Literal["auto", "json", "console"], LOWERED] = Field(
        default="auto", description="'auto' is 'console' on a terminal and 'json' elsewhere."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], LOWERED] = Field(
        default="info", description="Least level that is written."
    )
    access_log: bool = Field(default=False, description="Write one line for each HTTP request.")
    start_margin_ms: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="How long a handoff's deliveries wait after startHitl has been answered.",
    )
    reopen_answer_s: float = Field(
        default=60,
        gt=0,
        le=3_600,
        description="How long a bot has to start HITL for a user whose agent reopened the thread.",
    )
    start_timeout_s: float = Field(
        default=45, gt=0, le=59, description="Longest time startHitl may take; Botpress waits 60 s."
    )
    vendor_timeout_s: float = Field(
        default=15, gt=0, le=120, description="Longest time one call to a vendor may take."
    )
    order_check: Annotated[Literal["always", "late"], LOWERED] = Field(
        default="always",
        description=(
            "Whether an agent's message waits for a look at the thread's history, which shows"
            " elder ones that no webhook has brought yet: 'always' (one read more per message or"
            " burst), or only when it is itself 'late'."
        ),
    )
    worker_concurrency: int = Field(
        default=256, ge=1, le=4096, description="How many lanes are worked on at the same time."
    )
    lease_s: float = Field(
        default=15, ge=1, le=600, description="How long a worker owns a lane without renewing."
    )
    retention_days: int = Field(
        default=30, ge=1, le=3650, description="How long finished deliveries are kept as evidence."
    )
    content_days: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description=(
            "After how many days what was said and people's names are blanked; the rows stay and"
            " count. Unset: the retention."
        ),
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest request body that is read."
    )
    shutdown_grace_s: float = Field(
        default=20, ge=0, le=600, description="Time to finish running work after SIGTERM."
    )
    message_chars_limit: int = Field(
        default=10_000,
        ge=100,
        description="Longer texts to HubSpot are split; HubSpot publishes no limit.",
    )
    fetch_allow_private: bool = Field(
        default=False,
        description=(
            "Fetch files also from private and loopback addresses. For demos and tests on one"
            " machine: otherwise a user could make this server read its neighbours."
        ),
    )
    fetch_max_bytes: int = Field(
        default=20_000_000, ge=1_000, description="Largest file that is passed on, in bytes."
    )
    fetch_timeout_s: float = Field(
        default=30, gt=0, le=120, description="Longest time the download of one file may take."
    )
    refresh_cron: str = Field(
        default="17 3 * * *",
        description=(
            "When the CRM fields of all portals are read anew and held against the routing rules,"
            " as a cron expression; 'off' never."
        ),
    )
    reconcile_cron: str = Field(
        default="*/5 * * * *",
        description=(
            "When open handoffs are compared with their threads and missed events repaired, as a"
            " cron expression; 'off' never."
        ),
    )
    schedule_zone: str = Field(
        default="UTC", description="Time zone of the cron expressions, as Europe/Berlin."
    )
    jobs: NameList = Field(
        default=(),
        description=(
            "Further jobs to run on their schedules, comma separated: names in the entry point"
            " group hubspot_hitl.jobs of installed packages."
        ),
    )
    summariser: str | None = Field(
        default=None,
        description=(
            "Who summarises a chat for the note at its end: a name in the entry point group"
            " hubspot_hitl.summarisers. Unset: its own first and last words are quoted."
        ),
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

    @property
    def is_sqlite(self) -> bool:
        """Whether state lives in a SQLite file, so that one process owns it."""
        return self.database_url.startswith("sqlite")

    @property
    def key_file(self) -> Path:
        """Where the keys lie that seal secrets, when `secret_keys` is unset and on SQLite."""
        return self.data_dir / "secret.key"


class StandaloneSettings(Explicit):
    """The six values of an installation, for scripts and for running without Botpress Cloud."""

    model_config = SettingsConfigDict(env_prefix="HUBSPOT_")

    refresh_token: SecretStr | None = Field(
        default=None, description="The refresh token that get_refresh_token printed."
    )
    client_id: str | None = Field(default=None, description="The HubSpot app's client id.")
    client_secret: SecretStr | None = Field(
        default=None, description="The HubSpot app's client secret."
    )
    developer_api_key: SecretStr | None = Field(
        default=None, description="The developer account's API key."
    )
    app_id: str | None = Field(default=None, description="The HubSpot app's id.")
    inbox_id: str | None = Field(
        default=None, description="The inbox or help desk: its id or the URL of its settings page."
    )

    def missing(self, *names: str) -> tuple[str, ...]:
        """The variables among these fields that are not set: `missing("client_id", "app_id")`."""
        return tuple(f"HUBSPOT_{name.upper()}" for name in names if getattr(self, name) is None)


ENV_FILE = Path(".env")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "HITL_PORT": ("PORT",),
    "HITL_BOTPRESS_API_URL": ("BP_API_URL",),
    "HITL_BOTPRESS_TOKEN": ("BP_TOKEN",),
    "HITL_BOTPRESS_WORKSPACE_ID": ("BP_WORKSPACE_ID",),
}
_NOT_SETTINGS = {"HITL_CI"}  # read by the tests, not by the server


def _env(env: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if env is None else env


def from_environment(
    env: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE
) -> Settings:
    """Read the process settings from `env` (default: the process's) over `env_file`.

    Raises :class:`~hubspot_hitl.errors.BadSettings` naming every variable that cannot work.
    """
    settings = load(Settings, _env(env), env_file, ALIASES)
    if settings.hubspot_webhook_route == "direct" and settings.public_url is None:
        raise BadSettings(
            "HITL_HUBSPOT_WEBHOOK_ROUTE is 'direct' but HITL_PUBLIC_URL is not set; "
            "set it to the address under which HubSpot reaches this server"
        )
    return settings


def standalone_from_environment(
    env: Mapping[str, str] | None = None, *, env_file: Path | None = ENV_FILE
) -> StandaloneSettings:
    """Read the six `HUBSPOT_*` values; each may be missing."""
    return load(StandaloneSettings, _env(env), env_file, ALIASES)


def supervision(env: Mapping[str, str] | None = None) -> tuple[str | None, float | None]:
    """Where systemd wants to be told how the process stands, and how often (seconds) at least."""
    names = _env(env)
    ours = names.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watchdog = names.get("WATCHDOG_USEC", "") if ours else ""
    return names.get("NOTIFY_SOCKET") or None, int(watchdog) / 1e6 if watchdog.isdigit() else None


def unknown_variables(env: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Variables that begin with `HITL_` but mean nothing here: most likely typing errors."""
    known = {variable_of(Settings, name) for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known} | _NOT_SETTINGS
    return tuple(
        sorted(name for name in _env(env) if name.startswith("HITL_") and name not in known)
    )
