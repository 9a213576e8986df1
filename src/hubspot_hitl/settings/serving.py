"""How this process listens, and what it tells: addresses, limits, logs, the console."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from hubspot_hitl.settings.environment import Group
from hubspot_hitl.settings.types import (
    LOWERED,
    NameList,
    NetworkList,
    OptionalUrl,
)


class Serving(Group):
    """Listening."""

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
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest request body that is read."
    )
    shutdown_grace_s: float = Field(
        default=20, ge=0, le=600, description="Time to finish running work after SIGTERM."
    )


class Logging(Group):
    """Logs and traces."""

    log_format: Annotated[Literal["auto", "json", "console"], LOWERED] = Field(
        default="auto", description="'auto' is 'console' on a terminal and 'json' elsewhere."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], LOWERED] = Field(
        default="info", description="Least level that is written."
    )
    access_log: bool = Field(default=False, description="Write one line for each HTTP request.")
    traces: bool = Field(
        default=False,
        description=(
            "Whether to send OpenTelemetry traces, one for each handoff, where the standard OTEL_*"
            " variables say; needs the extra otel."
        ),
    )


class Console(Group):
    """The console."""

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
