"""How values are written in the environment, and what they must be to work."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr


def _url(value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be an absolute http or https URL")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("it must have no query, fragment or user name")
    return value.rstrip("/")


def _socket_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it must be an absolute ws or wss URL without a query")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if not re.match(r"^(sqlite|postgres(ql)?)(\+[a-z0-9]+)?://", value):
        raise ValueError("it must begin with sqlite:/// or postgresql://")
    return value


def _path_secret(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", value.get_secret_value()):
        raise ValueError("it may hold letters, digits, '.', '_', '~' and '-' only")
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(item, strict=False)) for item in value)


def _listed(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_url)]
OptionalUrl = Annotated[str | None, AfterValidator(_url)]
SecretList = Annotated[tuple[SecretStr, ...], BeforeValidator(_listed)]
TextList = Annotated[tuple[str, ...], BeforeValidator(_listed)]
NameList = Annotated[tuple[str, ...], BeforeValidator(_listed)]
NetworkList = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_networks)]
SocketUrl = Annotated[str, AfterValidator(_socket_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
PathSecret = Annotated[SecretStr | None, AfterValidator(_path_secret)]
LOWERED = BeforeValidator(_lower)
