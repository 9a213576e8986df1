"""What connecting a portal gave an installation, and how it completes the configuration. Pure.

The bot owner's own settings win wherever they say something, with one exception: a grant given on
HubSpot's consent page replaces the refresh token that was configured at that moment. Once the owner
configures another one, that one counts again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from hubspot_hitl.integration.configuration import Configuration

AuthMethod = Literal["own", "shared", "token"]
"""`own`: the installation's app; `shared`: this server's app; `token`: a private app's token."""


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """A HubSpot app: what signs it in, and what signs its webhooks. Secrets are not shown."""

    client_id: str
    client_secret: str = field(repr=False)
    app_id: str = ""
    developer_api_key: str = field(default="", repr=False)


class Connection(BaseModel):
    """A grant, as it was given. `over` is the fingerprint of the configuration it replaced.

    With `disconnected` the grant, and the refresh token configured at that time, are void.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    auth_method: AuthMethod
    refresh_token: SecretStr
    over: str
    connected_ms: int
    portal_id: str = ""
    portal_name: str = ""
    scopes: tuple[str, ...] = ()
    name: str = ""
    disconnected: bool = False


class TokenState(BaseModel):
    """How the last refresh went. `problem` is the code of the error that needs a person."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    refreshed_ms: int | None = None
    expires_ms: int | None = None
    problem: str | None = None
    problem_ms: int | None = None

    def lost(self, code: str, at_ms: int) -> TokenState:
        """The same after HubSpot refused the grant; a problem that goes on keeps its beginning."""
        changes = {"problem": code, "problem_ms": self.problem_ms or at_ms}
        return self.model_copy(update=changes)


def fingerprint(configuration: Configuration) -> str:
    """Tells one configured grant from another, without telling what it is."""
    grant = configuration.refresh_token.get_secret_value().strip()
    return hashlib.sha256(grant.encode()).hexdigest()[:32]


def in_force(configuration: Configuration, connection: Connection | None) -> bool:
    """Whether the connection still counts: the owner has configured no other grant since."""
    if connection is None:
        return False
    configured = configuration.refresh_token.get_secret_value().strip()
    return not configured or connection.over == fingerprint(configuration)


def completed(
    configuration: Configuration,
    connection: Connection | None,
    own: AppIdentity | None,
    shared: AppIdentity | None,
) -> Configuration:
    """The configuration with what the owner did not fill in: the app, and the grant."""
    counts = in_force(configuration, connection)
    by_shared = counts and connection is not None and connection.auth_method == "shared"
    app = shared if by_shared else own or (shared if not configuration.client_id else None)
    changes: dict[str, object] = {}
    if app is not None:
        changes = _app_values(configuration, app, replace=by_shared)
    if counts and connection is not None:
        void = connection.disconnected
        changes["refresh_token"] = SecretStr("") if void else connection.refresh_token
    return configuration.model_copy(update=changes) if changes else configuration


def _app_values(
    configuration: Configuration, app: AppIdentity, *, replace: bool
) -> dict[str, object]:
    key = configuration.developer_api_key
    current: dict[str, str] = {
        "client_id": configuration.client_id,
        "client_secret": configuration.client_secret.get_secret_value(),
        "app_id": configuration.app_id,
        "developer_api_key": key.get_secret_value() if key else "",
    }
    given: dict[str, str] = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "app_id": app.app_id,
        "developer_api_key": app.developer_api_key,
    }
    secret = {"client_secret", "developer_api_key"}
    return {
        name: SecretStr(value) if name in secret else value
        for name, value in given.items()
        if value and (replace or not current[name].strip())
    }
