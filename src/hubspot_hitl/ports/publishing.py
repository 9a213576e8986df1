"""Botpress's Admin API as far as publishing an integration needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

Body = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class PublishedIntegration:
    """One version of an integration as Botpress has it.

    `url` may hold a secret path. `signing_secret` is there only in the answer to its creation.
    `definition` is what else Botpress tells of it.
    """

    id: str
    name: str
    version: str
    url: str = field(default="", repr=False)
    visibility: str = "private"
    dev: bool = False
    signing_secret: str | None = field(default=None, repr=False)
    definition: Body = field(default_factory=dict[str, JsonValue], repr=False)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An integration access key. `value` is there only in the answer to its creation."""

    id: str
    note: str
    created_at: str
    value: str | None = field(default=None, repr=False)


class BotpressAdmin(Protocol):
    """The Admin API of one workspace, spoken with a personal access token. Raises VendorError."""

    async def workspace_handle(self) -> str | None:
        """The prefix of the workspace's integration names; None when it has none yet."""
        ...

    async def integration(self, name: str, version: str) -> PublishedIntegration | None:
        """One version of an integration; None when there is none."""
        ...

    async def integration_by_id(self, integration_id: str) -> PublishedIntegration | None:
        """The same by its id; the way to a development integration."""
        ...

    async def interface_id(self, name: str, version: str) -> str:
        """The hub's id of an interface's version. Raises VendorNotFound."""
        ...

    async def create(self, body: Body) -> PublishedIntegration:
        """Make a version of an integration. Never sent twice."""
        ...

    async def update(self, integration_id: str, body: Body) -> PublishedIntegration:
        """Change a version; what is not named stays, what is null goes."""
        ...

    async def validate(self, body: Body, integration_id: str | None = None) -> None:
        """Have Botpress check a creation, or an update, without doing it."""
        ...

    async def create_access_key(self, integration_id: str, note: str) -> AccessKey:
        """Make an access key; its value is never shown again."""
        ...

    async def access_keys(self, integration_id: str) -> Sequence[AccessKey]:
        """The integration's keys, without their values."""
        ...

    async def delete_access_key(self, key_id: str) -> None:
        """Revoke a key; fine when it is gone already."""
        ...

    async def rotate_signing_secret(self, integration_id: str) -> str:
        """Make a new signing secret; the old one works for another 24 hours."""
        ...
