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
            "The https address at which Botpress and HubSpot reach this server, without a final"
            " slash. HubSpot signs the address it calls, so it must be exactly this one."
        ),
    )
    trusted_proxies: NetworkList = Field(
        default=(),
        description=(
            "Networks (CIDR, comma separated) of the reverse proxies whose X-Forwarded-For header"
            " is trusted. Set it behind a proxy."
        ),
    )
    max_body_bytes: int = Field(
        default=16 * 1024 * 1024, ge=1024, description="Largest request body that is accepted."
    )
    shutdown_grace_s: float = Field(
        default=20,
        ge=0,
        le=600,
        description=(
            "How long running work may take to finish after SIGTERM. Keep it below the time after"
            " which your supervisor kills the process."
        ),
    )


class Logging(Group):
    """Logs and traces."""

    log_format: Annotated[Literal["auto", "json", "console"], LOWERED] = Field(
        default="auto", description="'auto' means 'console' on a terminal and 'json' elsewhere."
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], LOWERED] = Field(
        default="info", description="Lowest level that is written."
    )
    access_log: bool = Field(default=False, description="Write one line for each HTTP request.")
    traces: bool = Field(
        default=False,
        description=(
            "Send OpenTelemetry traces, one for each handoff, as configured by the standard OTEL_*"
            " variables; needs the extra otel."
        ),
    )


class Console(Group):
    """The console."""

    console_token: SecretStr | None = Field(
        default=None, description="Token for the operators' console. Unset: there is no console."
    )
    console_readonly_token: SecretStr | None = Field(
        default=None, description="A second console token, for people who may look but not act."
    )
    console_proxy_header: str | None = Field(
        default=None,
        description=(
            "Header in which a trusted proxy names the person, such as X-Forwarded-User. The"
            " console then asks for no token, but HITL_CONSOLE_TOKEN, which signs its forms, must"
            " be set."
        ),
    )
    console_proxy_operators: NameList = Field(
        default=(),
        description=(
            "People who may act, as the proxy names them, comma separated; '*' is everybody."
            " Others may look."
        ),
    )
