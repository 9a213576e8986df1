"""A stand-in for Botpress's Admin API: integrations, access keys, signing secrets.

It refuses what the real one refuses; what is not documented is an option. Paths, headers and
bodies: botpress/botpress, packages/cli, and @botpress/client.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from hubspot_hitl.twins.botpress import admin_checks as checks
from hubspot_hitl.twins.botpress.admin_checks import part
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.world import Published
from hubspot_hitl.twins.host import Host
from hubspot_hitl.twins.wire import Json, answer, parse_object

_MERGED: Final = (
    "configurations",
    "states",
    "events",
    "actions",
    "entities",
    "interfaces",
    "attributes",
    "extraOperations",
    "identifier",
)
_MOST_BODY_BYTES: Final = 8 * 1024 * 1024
_GRACE_SECRETS: Final = 5


@dataclass(slots=True)
class AdminOptions:
    """What the workspace is like. A None handle is a workspace that has not chosen one."""

    token: str = "bp_pat_twin"  # noqa: S105 - opens nothing but the twin
    workspace_id: str = "wkspace_0000000000000000000000001"
    handle: str | None = "acme"
    interfaces: dict[tuple[str, str], str] = field(
        default_factory=lambda: {("hitl", "2.1.0"): "ifver_00000000000000000000000210"}
    )
    most_integrations: int = 20
    most_versions: int = 50
    refuse_breaking_changes: bool = True
    """Whether an update may break bots that use the version (undocumented for private ones)."""


@dataclass(slots=True)
class Entry:
    """One version of an integration. `secrets` are all that still work, the newest first."""

    id: str
    body: Json
    secrets: list[str]
    keys: dict[str, Json] = field(default_factory=dict[str, Json])

    @property
    def shown(self) -> Json:
        """The object as the API shows it: the signing secret is not among it."""
        return {"id": self.id, "dev": False, "visibility": "private", **self.body}


Handler = Callable[[web.Request, Json], Awaitable[web.Response]]


class BotpressAdminTwin:
    """The Admin API of one workspace on a local port.

    `integrations` are its versions by id; `calls` lists method and path of every call.
    """

    def __init__(self, options: AdminOptions | None = None) -> None:
        self.options = options or AdminOptions()
        self.integrations: dict[str, Entry] = {}
        self.calls: list[str] = []
        self.access_keys: set[str] = set()
        self.url = ""
        self._host = Host()
        self._count = 0
        self.fail_next: list[ApiError | None] = []
        """What the next calls are answered with; None lets one through."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the address."""
        app = web.Application(client_max_size=_MOST_BODY_BYTES)
        app.add_routes(self.routes())
        self.url = await self._host.start(app, host, port)
        return self.url

    async def stop(self) -> None:
        """Stop listening."""
        await self._host.stop()

    def newest(self) -> Published | None:
        """The version that was published last, for who installs it."""
        for entry in reversed(self.integrations.values()):
            if not entry.body.get("dev"):
                return Published(entry.id, str(entry.body.get("url", "")), tuple(entry.secrets))
        return None

    def routes(self) -> list[web.RouteDef]:
        """The routes, to mount in another application too."""
        of = "/v1/admin/integrations"
        return [
            web.get("/v1/admin/workspaces/{id}", self._route(self._workspace)),
            web.get("/v1/admin/hub/interfaces/{name}/{version}", self._route(self._interface)),
            web.post(f"{of}/iaks", self._route(self._create_key)),
            web.get(f"{of}/iaks", self._route(self._list_keys)),
            web.delete(f"{of}/iaks/{{id}}", self._route(self._delete_key)),
            web.post(f"{of}/validate", self._route(self._validate_creation)),
            web.post(f"{of}/{{id}}/validate", self._route(self._validate_update)),
            web.post(f"{of}/{{id}}/signing-secrets/rotate", self._route(self._rotate)),
            web.post(of, self._route(self._create)),
            web.put(f"{of}/{{id}}", self._route(self._update)),
            web.get(f"{of}/{{id}}", self._route(self._get)),
            web.get(f"{of}/{{name}}/{{version}}", self._route(self._get_by_name)),
        ]

    def _route(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            self.calls.append(f"{request.method} {request.rel_url.raw_path}")
            try:
                if self.fail_next and (error := self.fail_next.pop(0)) is not None:
                    raise error
                self._check_caller(request)
                return await handler(request, await _body(request))
            except ApiError as error:
                return error.response()

        return handle

    def _check_caller(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if token in self.access_keys:
            raise ApiError(403, "Forbidden", "This key may not administer integrations")
        if scheme != "Bearer" or token != self.options.token:
            raise ApiError(401, "Unauthorized", "The token is not valid")
        workspace = request.headers.get("x-workspace-id")
        if workspace is None:
            raise ApiError.invalid("The header x-workspace-id is required")
        if workspace != self.options.workspace_id:
            raise ApiError(403, "Forbidden", "You are not a member of this workspace")

    async def _workspace(self, request: web.Request, _body: Json) -> web.Response:
        if request.match_info["id"] != self.options.workspace_id:
            raise ApiError.not_found("Workspace", request.match_info["id"])
        shown = {"id": self.options.workspace_id, "name": "Twin"}
        if self.options.handle is not None:
            shown["handle"] = self.options.handle
        return answer(shown)

    async def _interface(self, request: web.Request, _body: Json) -> web.Response:
        name, version = request.match_info["name"], request.match_info["version"]
        found = self.options.interfaces.get((name, version))
        if found is None:
            raise ApiError.not_found("Interface", f"{name}@{version}")
        return answer({"interface": {"id": found, "name": name, "version": version}})

    async def _create(self, _request: web.Request, body: Json) -> web.Response:
        self._check_creation(body)
        self._count += 1
        entry = Entry(f"intver_{self._count:026d}", body, [_secret()])
        self.integrations[entry.id] = entry
        return answer({"integration": {**entry.shown, "signingSecret": entry.secrets[0]}}, 201)

    async def _validate_creation(self, _request: web.Request, body: Json) -> web.Response:
        self._check_creation(body)
        return answer({})

    async def _update(self, request: web.Request, body: Json) -> web.Response:
        entry = self._entry(request)
        entry.body = self._updated(entry, body)
        return answer({"integration": {**entry.shown, "signingSecret": ""}})

    async def _validate_update(self, request: web.Request, body: Json) -> web.Response:
        self._updated(self._entry(request), body)
        return answer({})

    async def _get(self, request: web.Request, _body: Json) -> web.Response:
        return answer({"integration": {**self._entry(request).shown, "signingSecret": ""}})

    async def _get_by_name(self, request: web.Request, _body: Json) -> web.Response:
        name, version = request.match_info["name"], request.match_info["version"]
        entry = self._published(name, version)
        if entry is None:
            raise ApiError.not_found("Integration", f"{name}@{version}")
        return answer({"integration": {**entry.shown, "signingSecret": ""}})

    async def _rotate(self, request: web.Request, _body: Json) -> web.Response:
        entry = self._entry(request)
        entry.secrets = [_secret(), *entry.secrets][:_GRACE_SECRETS]
        return answer({"newSigningSecret": entry.secrets[0]})

    async def _create_key(self, _request: web.Request, body: Json) -> web.Response:
        entry = self.integrations.get(str(body.get("integrationId")))
        if entry is None:
            raise ApiError.reference("Integration", body.get("integrationId"))
        value = f"bp_iak_{secrets.token_urlsafe(24)}"
        key: Json = {
            "id": f"iak_{secrets.token_hex(8)}",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "note": str(body.get("note", "")),
        }
        entry.keys[key["id"]] = key
        self.access_keys.add(value)
        return answer({**key, "value": value}, 201)

    async def _list_keys(self, request: web.Request, _body: Json) -> web.Response:
        entry = self.integrations.get(request.query.get("integrationId", ""))
        if entry is None:
            raise ApiError.not_found("Integration", request.query.get("integrationId"))
        return answer({"iaks": list(entry.keys.values())})

    async def _delete_key(self, request: web.Request, _body: Json) -> web.Response:
        for entry in self.integrations.values():
            if entry.keys.pop(request.match_info["id"], None) is not None:
                return answer({})
        raise ApiError.not_found("Access key", request.match_info["id"])

    def _entry(self, request: web.Request) -> Entry:
        entry = self.integrations.get(request.match_info["id"])
        if entry is None:
            raise ApiError.not_found("Integration", request.match_info["id"])
        return entry

    def _published(self, name: object, version: object) -> Entry | None:
        return next(
            (
                entry
                for entry in self.integrations.values()
                if not entry.body.get("dev")
                and (entry.body["name"], entry.body["version"]) == (name, version)
            ),
            None,
        )

    def _check_creation(self, body: Json) -> None:
        name, version = body.get("name"), body.get("version")
        checks.check_fields(body, checks.CREATE_FIELDS)
        checks.check_name(name, self.options.handle)
        checks.check_definition(body, set(self.options.interfaces.values()))
        if body.get("dev"):
            return
        if self._published(name, version) is not None:
            raise ApiError(409, "AlreadyExists", f"{name}@{version} exists already")
        published = [
            entry.body for entry in self.integrations.values() if not entry.body.get("dev")
        ]
        if sum(other["name"] == name for other in published) >= self.options.most_versions:
            raise ApiError(403, "QuotaExceeded", "The integration has too many versions")
        if len({other["name"] for other in published} | {name}) > self.options.most_integrations:
            raise ApiError(403, "QuotaExceeded", "The workspace has too many integrations")

    def _updated(self, entry: Entry, change: Json) -> Json:
        """The body after an update. Raises what the API would answer; changes nothing."""
        checks.check_fields(change, checks.UPDATE_FIELDS)
        if entry.body.get("visibility") == "public":
            raise ApiError(403, "Forbidden", "Public versions cannot be changed")
        after = merged(entry.body, change)
        checks.check_definition(after, set(self.options.interfaces.values()))
        if self.options.refuse_breaking_changes and not entry.body.get("dev"):
            checks.check_compatible(entry.body, after)
        return after


def merged(before: Json, change: Json) -> Json:
    """What an update makes of a body: unnamed things stay, null ones go."""
    after = {**before, **change}
    for name in (*_MERGED, "channels"):
        if name in change:
            after[name] = _merged(part(before, name), part(change, name))
    if "user" in change:
        after["user"] = _merged_tags(part(before, "user"), part(change, "user"))
    for name in part(before, "channels").keys() & part(after, "channels").keys():
        old, new = part(before, "channels", name), part(after, "channels", name)
        after["channels"][name] = {
            **new,
            "messages": _merged(part(old, "messages"), part(new, "messages")),
            "conversation": _merged_tags(part(old, "conversation"), part(new, "conversation")),
            "message": _merged_tags(part(old, "message"), part(new, "message")),
        }
    return after


def _merged(before: Json, change: Json) -> Json:
    return {name: value for name, value in {**before, **change}.items() if value is not None}


def _merged_tags(before: Json, change: Json) -> Json:
    tags = _merged(part(before, "tags"), part(change, "tags"))
    return {**before, **change, "tags": tags}


async def _body(request: web.Request) -> Json:
    if not request.body_exists:
        return {}
    found = parse_object(await request.read())
    if found is None:
        raise ApiError.invalid("The body must be a JSON object")
    return found


def _secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
