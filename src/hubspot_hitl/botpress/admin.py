"""The Admin API as the port :class:`~hubspot_hitl.ports.publishing.BotpressAdmin`.

Used by the commands that publish, never while serving. Paths and bodies are those of the vendor's
own client; reference: https://botpress.com/docs/api-reference/admin-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, cast
from urllib.parse import quote

import aiohttp
from pydantic import ConfigDict, Field, JsonValue

from hubspot_hitl.botpress.api import BotpressApi, Call
from hubspot_hitl.botpress.objects import Wire
from hubspot_hitl.errors import BadSettings, VendorNotFound
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.publishing import AccessKey, Body, PublishedIntegration

_ADMIN: Final = "/v1/admin"
_INTEGRATIONS: Final = f"{_ADMIN}/integrations"
_IAKS: Final = f"{_INTEGRATIONS}/iaks"
_W = TypeVar("_W", bound=Wire)


class _Nothing(Wire):
    pass


class _Workspace(Wire):
    handle: str | None = None


class _Integration(Wire):
    """Known fields, and the definition as extra ones."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    id: str
    name: str
    version: str
    url: str = ""
    visibility: str = "private"
    dev: bool = False
    signing_secret: str | None = Field(default=None, repr=False)


class _IntegrationAnswer(Wire):
    integration: _Integration


class _Identified(Wire):
    id: str


class _InterfaceAnswer(Wire):
    interface: _Identified


class _Key(Wire):
    id: str
    note: str = ""
    created_at: str = ""
    value: str | None = Field(default=None, repr=False)

    def record(self) -> AccessKey:
        return AccessKey(self.id, self.note, self.created_at, self.value or None)


class _KeysAnswer(Wire):
    iaks: list[_Key]


class _RotationAnswer(Wire):
    new_signing_secret: str = Field(min_length=1, repr=False)


@dataclass(frozen=True, slots=True)
class InWorkspace:
    """The workspace that is administered. Raises BadSettings for an id no header can carry."""

    workspace_id: str

    def __post_init__(self) -> None:
        if not self.workspace_id or not self.workspace_id.isascii():
            raise BadSettings("the workspace id is not one: copy it from the dashboard's address")
        if not self.workspace_id.isprintable():
            raise BadSettings("the workspace id has characters that a header cannot carry")

    @property
    def headers(self) -> dict[str, str]:
        """The header by which the API knows it."""
        return {"x-workspace-id": self.workspace_id}


class AdminClient:
    """The Admin API of one workspace over a shared session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        token: str,
        workspace_id: str,
        clock: Clock,
        timeout_s: float = 60.0,
    ) -> None:
        self._workspace = InWorkspace(workspace_id)
        self._api = BotpressApi(
            session, base_url=base_url, token=token, clock=clock, timeout_s=timeout_s
        )

    async def workspace_handle(self) -> str | None:
        """The prefix of the workspace's integration names; None when it has none yet."""
        path = f"{_ADMIN}/workspaces/{_part(self._workspace.workspace_id)}"
        return (await self._get("getWorkspace", path, _Workspace)).handle or None

    async def integration(self, name: str, version: str) -> PublishedIntegration | None:
        """One version of an integration; None when there is none."""
        path = f"{_INTEGRATIONS}/{_part(name)}/{_part(version)}"
        return await self._found("getIntegrationByName", path)

    async def integration_by_id(self, integration_id: str) -> PublishedIntegration | None:
        """The same by its id; the way to a development integration."""
        return await self._found("getIntegration", f"{_INTEGRATIONS}/{_part(integration_id)}")

    async def interface_id(self, name: str, version: str) -> str:
        """The hub's id of an interface's version. Raises VendorNotFound."""
        path = f"{_ADMIN}/hub/interfaces/{_part(name)}/{_part(version)}"
        return (await self._get("getPublicInterface", path, _InterfaceAnswer)).interface.id

    async def create(self, body: Body) -> PublishedIntegration:
        """Make a version of an integration. Never sent twice."""
        call = Call("createIntegration", "POST", _INTEGRATIONS, repeatable=False, body=body)
        return _record(await self._call(call, _IntegrationAnswer))

    async def update(self, integration_id: str, body: Body) -> PublishedIntegration:
        """Change a version; what is not named stays, what is null goes."""
        path = f"{_INTEGRATIONS}/{_part(integration_id)}"
        call = Call("updateIntegration", "PUT", path, repeatable=True, body=body)
        return _record(await self._call(call, _IntegrationAnswer))

    async def validate(self, body: Body, integration_id: str | None = None) -> None:
        """Have Botpress check a creation, or an update, without doing it."""
        of = f"/{_part(integration_id)}" if integration_id else ""
        path = f"{_INTEGRATIONS}{of}/validate"
        call = Call("validateIntegration", "POST", path, repeatable=True, body=body)
        await self._call(call, _Nothing)

    async def create_access_key(self, integration_id: str, note: str) -> AccessKey:
        """Make an access key; its value is never shown again."""
        body: Mapping[str, str] = {"integrationId": integration_id, "note": note}
        call = Call("createIntegrationApiKey", "POST", _IAKS, repeatable=False, body=body)
        return (await self._call(call, _Key)).record()

    async def access_keys(self, integration_id: str) -> list[AccessKey]:
        """The integration's keys, without their values."""
        query = {"integrationId": integration_id}
        call = Call("listIntegrationApiKeys", "GET", _IAKS, repeatable=True, query=query)
        return [key.record() for key in (await self._call(call, _KeysAnswer)).iaks]

    async def delete_access_key(self, key_id: str) -> None:
        """Revoke a key; fine when it is gone already."""
        path = f"{_IAKS}/{_part(key_id)}"
        try:
            await self._call(
                Call("deleteIntegrationApiKey", "DELETE", path, repeatable=True), _Nothing
            )
        except VendorNotFound:
            return  # an earlier attempt, whose answer was lost, may have done it

    async def rotate_signing_secret(self, integration_id: str) -> str:
        """Make a new signing secret; the old one works for another 24 hours."""
        path = f"{_INTEGRATIONS}/{_part(integration_id)}/signing-secrets/rotate"
        call = Call("rotateSigningSecret", "POST", path, repeatable=False, body={})
        return (await self._call(call, _RotationAnswer)).new_signing_secret

    async def _found(self, operation: str, path: str) -> PublishedIntegration | None:
        try:
            return _record(await self._get(operation, path, _IntegrationAnswer))
        except VendorNotFound:
            return None

    async def _get(self, operation: str, path: str, model: type[_W]) -> _W:
        return await self._call(Call(operation, "GET", path, repeatable=True), model)

    async def _call(self, call: Call, model: type[_W]) -> _W:
        return await self._api.call(call, self._workspace, model)


def _record(answer: _IntegrationAnswer) -> PublishedIntegration:
    known = answer.integration
    return PublishedIntegration(
        known.id,
        known.name,
        known.version,
        known.url,
        known.visibility,
        known.dev,
        known.signing_secret or None,
        cast("dict[str, JsonValue]", known.model_extra),
    )


def _part(text: str) -> str:
    """One part of a path; a slash in a name stays inside it."""
    return quote(text, safe="")
