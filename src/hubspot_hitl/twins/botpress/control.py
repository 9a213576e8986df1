"""The twin's remote control under `/_twin`: installations, chats, transcripts, faults, log."""

from __future__ import annotations

from aiohttp import web

from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.operations import OperationAnswer, Operations
from hubspot_hitl.twins.botpress.plugin import HitlPlugin
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.botpress.world import World
from hubspot_hitl.twins.remote import Verb, mount_common, mount_verbs
from hubspot_hitl.twins.wire import Json, parse_object


def _told(found: OperationAnswer | None) -> Json:
    if found is None:
        return {"done": False}
    return {"done": True, "status": found.status, "problem": found.problem, "body": found.json()}


class Control:
    """The handlers of `/_twin`."""

    def __init__(self, world: World, operations: Operations, plugin: HitlPlugin) -> None:
        self._world = world
        self._operations = operations
        self._plugin = plugin

    def mount(self, app: web.Application) -> None:
        """Add the routes."""
        mount_common(app, self._world.faults, self._world.journal, self._world.options)
        verbs: tuple[tuple[str, str, Verb], ...] = (
            ("GET", "/_twin/installations", self._installations),
            ("POST", "/_twin/installations", self._install),
            ("PATCH", "/_twin/installations/{webhook}", self._change),
            ("DELETE", "/_twin/installations/{webhook}", self._remove),
            ("POST", "/_twin/installations/{webhook}/actions/{action}", self._action),
            ("POST", "/_twin/installations/{webhook}/{operation}", self._operate),
            ("GET", "/_twin/chats", self._chats),
            ("POST", "/_twin/chats", self._open),
            ("GET", "/_twin/chats/{chat}", self._chat),
            ("POST", "/_twin/chats/{chat}/start", self._start),
            ("POST", "/_twin/chats/{chat}/say", self._say),
            ("POST", "/_twin/chats/{chat}/stop", self._stop),
            ("POST", "/_twin/tokens/reinstate", self._reinstate),
        )
        mount_verbs(app, verbs)

    def _shown(self, one: Installation) -> Json:
        """An installation without its configuration, which holds secrets."""
        return {
            "webhookId": one.webhook_id,
            "webhookUrl": f"{self._world.url}/{one.webhook_id}",
            "botId": one.bot_id,
            "integrationId": one.integration_id,
            "alias": one.alias,
            "url": one.url,
            "status": one.status,
            "statusReason": one.status_reason,
        }

    async def _installations(self, request: web.Request) -> object:
        return [self._shown(one) for one in self._world.installations.values()]

    async def _install(self, request: web.Request) -> object:
        """Install at `url`, or without one what the Admin API published last."""
        body, published = await _body(request), None
        if "url" not in body and (published := self._world.published()) is None:
            raise ApiError.invalid("Nothing was published here: give a url")
        made = self._world.install(
            published.url if published else body["url"],
            body.get("configuration", {}),
            webhook_id=body.get("webhookId"),
            bot_id=body.get("botId"),
            alias=body.get("alias"),
            configuration_type=body.get("configurationType"),
            signing_secrets=(
                published.signing_secrets if published else tuple(body.get("signingSecrets", ()))
            ),
            integration_id=published.id if published else None,
        )
        return self._shown(made)

    async def _change(self, request: web.Request) -> object:
        one, body = self._installation(request), await _body(request)
        one.url = body.get("url", one.url)
        one.configuration = body.get("configuration", one.configuration)
        if "signingSecrets" in body:
            one.signing_secrets = tuple(body["signingSecrets"])
        return self._shown(one)

    async def _remove(self, request: web.Request) -> object:
        del self._world.installations[self._installation(request).webhook_id]
        return {"ok": True}

    async def _operate(self, request: web.Request) -> object:
        acts = {
            "register": self._operations.register,
            "unregister": self._operations.unregister,
            "ping": self._operations.ping,
        }
        name = request.match_info["operation"]
        if name not in acts:
            raise ApiError.invalid(f"operation is one of {sorted(acts)}")
        return _told(await acts[name](self._installation(request)))

    async def _action(self, request: web.Request) -> object:
        """Run any action with the body as its input, as a bot's flow would."""
        kind = request.match_info["action"]
        found = self._installation(request)
        return _told(await self._operations.action(found, kind, await _body(request)))

    async def _chats(self, request: web.Request) -> object:
        return [chat.as_json() for chat in self._plugin.chats.values()]

    async def _open(self, request: web.Request) -> object:
        body = await _body(request)
        return self._plugin.open_chat(
            body.get("name"), body.get("email"), webhook_id=body.get("webhookId")
        ).as_json()

    async def _chat(self, request: web.Request) -> object:
        return self._chat_of(request).as_json()

    async def _start(self, request: web.Request) -> object:
        chat, body = self._chat_of(request), await _body(request)
        room_id = await self._plugin.start_hitl(
            chat,
            body.get("title"),
            body.get("description"),
            body.get("history"),
            session=body.get("session"),
            email=body.get("email"),
        )
        return {"conversationId": room_id}

    async def _say(self, request: web.Request) -> object:
        chat, body = self._chat_of(request), await _body(request)
        payload = body["payload"] if "payload" in body else {"text": body["text"]}
        return {"id": self._plugin.send(chat, body.get("type", "text"), payload)}

    async def _stop(self, request: web.Request) -> object:
        return _told(await self._plugin.stop_hitl(self._chat_of(request)))

    async def _reinstate(self, request: web.Request) -> object:
        self._world.revoked = False
        return {"ok": True}

    def _installation(self, request: web.Request) -> Installation:
        found = self._world.installations.get(request.match_info["webhook"])
        if found is None:
            raise ApiError.not_found("Installation", request.match_info["webhook"])
        return found

    def _chat_of(self, request: web.Request) -> Chat:
        found = self._plugin.chats.get(request.match_info["chat"])
        if found is None:
            raise ApiError.not_found("Chat", request.match_info["chat"])
        return found


async def _body(request: web.Request) -> Json:
    found = parse_object(await request.read() or b"{}")
    if found is None:
        raise ApiError.invalid("The body must be a JSON object")
    return found
