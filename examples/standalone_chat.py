"""A bot of your own with a way to people in HubSpot, without Botpress: a chat over HTTP.

Set it up with `hubspot-hitl apply --standalone`, run this, then::

    curl -d 'hello'  http://127.0.0.1:8080/chat/ada   # the bot echoes
    curl -d '/human' http://127.0.0.1:8080/chat/ada   # a thread opens in the inbox
    curl http://127.0.0.1:8080/chat/ada               # what was said, agents' answers included

It reads the same environment as the server; HITL_PUBLIC_URL ends with /hitl, where the integration
is mounted, and HITL_BOTPRESS_PATH_SECRET is set.
"""

from __future__ import annotations

from typing import cast
from uuid import uuid4

import aiohttp
from aiohttp import web

from hubspot_hitl.app import create_app
from hubspot_hitl.botpress.memory import MemoryEvent, MemoryRuntime
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.settings import Settings, from_environment

ME = {
    "x-bot-id": "standalone",
    "x-integration-id": "standalone",
    "x-integration-alias": "standalone",
    "x-webhook-id": "standalone",
    "x-bp-configuration": "e30=",  # {}: the server has it from `apply --standalone`
}


class Chat:
    """Users by name: what was said before the handoff, and the handoff's conversation."""

    def __init__(self, settings: Settings, runtime: MemoryRuntime) -> None:
        secret = settings.botpress_path_secret
        self._path = "/hitl/botpress" + (f"/{secret.get_secret_value()}" if secret else "")
        self._runtime = runtime
        self._said: dict[str, list[str]] = {}
        self._handoffs: dict[str, str] = {}

    async def say(self, request: web.Request) -> web.Response:
        """The user writes: to a person when one was asked for, else to the bot."""
        name, text = request.match_info["name"], (await request.text()).strip()
        if self._is_over(self._handoffs.get(name)):
            del self._handoffs[name]
        lines = self._said.setdefault(name, [])
        if name in self._handoffs:
            await self._to_person(request, self._handoffs[name], text)
        elif text == "/human":
            made = await self._call(request, "createUser", {"name": name})
            user = {"type": "user", "userId": made["userId"]}
            history = [{"type": "text", "payload": {"text": one}, "source": user} for one in lines]
            started = await self._call(
                request, "startHitl", {"userId": made["userId"], "messageHistory": history}
            )
            self._handoffs[name] = str(started["conversationId"])
        else:
            lines += [text, f"You said {text!r}. Write /human to talk to a person."]
        return await self.show(request)

    async def show(self, request: web.Request) -> web.Response:
        """What was said before the handoff, and what agents answered."""
        name = request.match_info["name"]
        here = self._handoffs.get(name)
        answers = [
            str(one.payload.get("text", one.type))
            for one in self._runtime.messages.values()
            if one.conversation_id == here
        ]
        events = [one.type for one in self._runtime.events if _about(one) == here]
        return web.json_response([*self._said.get(name, []), *events, *answers])

    def _is_over(self, conversation_id: str | None) -> bool:
        return any(
            one.type == "hitlStopped" and _about(one) == conversation_id
            for one in self._runtime.events
        )

    async def _to_person(self, request: web.Request, conversation_id: str, text: str) -> None:
        payload = {"text": text}
        body = {
            "type": "text",
            "payload": payload,
            "conversation": {"id": conversation_id, "channel": "hitl"},
            "message": {"id": str(uuid4()), "payload": payload},
        }
        await self._operation(request, "message_created", body)

    async def _call(self, request: web.Request, action: str, given: object) -> dict[str, object]:
        body = {"type": action, "input": given}
        answer = await self._operation(request, "action_triggered", body)
        return cast("dict[str, object]", answer["output"])

    async def _operation(self, request: web.Request, name: str, body: object) -> dict[str, object]:
        # Never the host that the caller names: the path is a secret.
        transport = request.transport
        port = transport.get_extra_info("sockname")[1] if transport is not None else 0
        url = f"http://127.0.0.1:{port}{self._path}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, headers={**ME, "x-bp-operation": name}) as response,
        ):
            answer = cast("dict[str, object]", await response.json())
        if response.status != 200:
            raise web.HTTPBadGateway(text=str(answer.get("message", answer)))
        return answer


def _about(event: MemoryEvent) -> object:
    """The id of the event's conversation."""
    return event.conversation_id or event.payload.get("conversationId", "")


def build(settings: Settings) -> web.Application:
    """The chat, with the integration under /hitl."""
    runtime, bot = MemoryRuntime(), web.Application()
    chat = Chat(settings, runtime)
    bot.add_routes([web.post("/chat/{name}", chat.say), web.get("/chat/{name}", chat.show)])
    bot.add_subapp("/hitl", create_app(settings, runtime=runtime))
    return bot


if __name__ == "__main__":
    chosen = from_environment()
    configure_logging_from(chosen)
    web.run_app(build(chosen), host="127.0.0.1", port=chosen.port)
