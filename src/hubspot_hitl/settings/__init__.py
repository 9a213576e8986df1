"""Process settings: the only reader of the environment.

`from_environment()` is called once, by the command line or whoever mounts the application; everyone
else is handed the frozen `Settings`. Constructing `Settings(...)` directly reads nothing. Secrets
stay wrapped until the moment of use and never show in `repr`, in errors or in `describe`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.settings.environment import Explicit, Group, load, variable_of
from hubspot_hitl.settings.serving import Console, Logging, Serving
from hubspot_hitl.settings.vendors import Botpress, Connecting, HubSpot
from hubspot_hitl.settings.working import Files, Handoffs, Jobs, Storage

GROUPS: Sequence[type[Group]] = (
    Serving,
    Storage,
    Handoffs,
    Botpress,
    HubSpot,
    Connecting,
    Logging,
    Console,
    Files,
    Jobs,
)
"""The groups of `Settings`, in the order in which people read them."""


class Settings(
    # pydantic lists the fields of the last base first
    Jobs,
    Files,
    Console,
    Logging,
    Connecting,
    HubSpot,
    Botpress,
    Handoffs,
    Storage,
    Serving,
):
    """How this process runs: every group in one. Frozen; units are in the names."""


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
