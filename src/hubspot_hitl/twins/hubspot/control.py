"""The twin's remote control under `/_twin`: agent verbs, transcripts, faults, options, log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from aiohttp import web

from hubspot_hitl.twins.hubspot.agents import Agents
from hubspot_hitl.twins.hubspot.channels import begin_connection, finish_connection
from hubspot_hitl.twins.hubspot.errors import ApiError
from hubspot_hitl.twins.hubspot.transcript import transcript
from hubspot_hitl.twins.hubspot.world import World
from hubspot_hitl.twins.remote import Verb, mount_common, mount_verbs
from hubspot_hitl.twins.wire import Json, parse_object

Act = Callable[[Agents, str, Json], object]

VERBS: dict[str, Act] = {
    "assign": lambda who, thread, body: who.assign(thread, body["agent"]),
    "unassign": lambda who, thread, body: who.unassign(thread, body.get("agent")),
    "reply": lambda who, thread, body: who.reply(
        thread,
        body["agent"],
        body["text"],
        body.get("richText"),
        body.get("attachments", ()),
        body.get("quickReplies", ()),
        body.get("inReplyTo"),
    ),
    "comment": lambda who, thread, body: who.comment(
        thread, body["agent"], body["text"], body.get("richText")
    ),
    "close": lambda who, thread, body: who.close(thread, body.get("agent")),
    "reopen": lambda who, thread, body: who.reopen(thread, body.get("agent")),
    "archive": lambda who, thread, body: who.archive(thread, body.get("agent")),
    "restore": lambda who, thread, body: who.restore(thread, body.get("agent")),
    "delete": lambda who, thread, body: who.delete(thread, body.get("agent")),
    "privacy-delete": lambda who, thread, body: who.privacy_delete(thread, body.get("agent")),
    "spam": lambda who, thread, body: who.mark_spam(thread, body.get("agent")),
    "transfer": lambda who, thread, body: who.transfer(thread, body["inbox"], body.get("agent")),
}


class Control:
    """The handlers of `/_twin`."""

    def __init__(self, world: World, agents: Agents) -> None:
        self._world = world
        self._agents = agents

    def mount(self, app: web.Application) -> None:
        """Add the routes."""
        mount_common(app, self._world.faults, self._world.journal, self._world.options)
        verbs: tuple[tuple[str, str, Verb], ...] = (
            ("GET", "/_twin/info", self._info),
            ("GET", "/_twin/agents", self._list_agents),
            ("POST", "/_twin/agents", self._add_agent),
            ("GET", "/_twin/threads", self._threads),
            ("GET", "/_twin/threads/{thread}", self._thread),
            ("POST", "/_twin/threads/{thread}/attach", self._attach),
            ("POST", "/_twin/threads/{thread}/{verb}", self._act),
            ("POST", "/_twin/accounts", self._connect),
            ("PATCH", "/_twin/accounts/{account}", self._update_account),
            ("DELETE", "/_twin/accounts/{account}", self._purge_account),
            ("POST", "/_twin/connections", self._begin),
            ("GET", "/_twin/connected", self._connected),
            ("GET", "/_twin/deliveries", self._deliveries),
            ("POST", "/_twin/tokens/{verb}", self._tokens),
        )
        mount_verbs(app, verbs)

    async def _info(self, request: web.Request) -> object:
        options = self._world.options
        return {
            "url": self._world.url,
            "appId": options.app_id,
            "clientId": options.client_id,
            "clientSecret": options.client_secret,
            "developerApiKey": options.developer_api_key,
            "refreshToken": options.refresh_token,
            "portals": {
                portal.id: [inbox.wire() for inbox in portal.inboxes.values()]
                for portal in self._world.portals.values()
            },
        }

    async def _list_agents(self, request: web.Request) -> object:
        return [agent.actor() for agent in self._agents.list(request.query.get("portal"))]

    async def _add_agent(self, request: web.Request) -> object:
        body = await _body(request)
        made = self._agents.add(body["name"], body["email"], body.get("avatar"), body.get("portal"))
        return made.actor()

    async def _threads(self, request: web.Request) -> object:
        return [thread.wire(with_ticket=True) for thread in self._world.threads.values()]

    async def _thread(self, request: web.Request) -> object:
        thread = self._world.thread(request.match_info["thread"])
        return {**thread.wire(with_ticket=True), "transcript": transcript(thread)}

    async def _act(self, request: web.Request) -> object:
        verb = VERBS.get(request.match_info["verb"])
        if verb is None:
            raise ApiError.invalid(f"verb is one of {sorted(VERBS)}")
        done = verb(self._agents, request.match_info["thread"], await _body(request))
        return {"ok": True, "id": done}

    async def _attach(self, request: web.Request) -> object:
        """Take the raw bytes of the body as a file; name and usage come in the query."""
        return self._agents.attach(
            request.match_info["thread"],
            request.query.get("name", "file"),
            await request.read(),
            request.content_type,
            request.query.get("usage", "OTHER"),
        )

    async def _connect(self, request: web.Request) -> object:
        body = await _body(request)
        made = self._agents.connect_account(
            body["channelId"], body["inboxId"], body["name"], body.get("portal")
        )
        return made.wire()

    async def _update_account(self, request: web.Request) -> object:
        body = await _body(request)
        changed = self._agents.update_account(
            request.match_info["account"],
            name=body.get("name"),
            authorized=body.get("authorized"),
        )
        return changed.wire()

    async def _purge_account(self, request: web.Request) -> object:
        self._agents.purge_account(request.match_info["account"])
        return {"ok": True}

    async def _begin(self, request: web.Request) -> object:
        body = await _body(request)
        portal_id = body.get("portal") or self._world.options.portal_id
        channel = self._world.channel(body["channelId"])
        return begin_connection(self._world, portal_id, channel, body["inboxId"])

    async def _connected(self, request: web.Request) -> object:
        return finish_connection(self._world, request.query.get("accountToken", "")).wire()

    async def _deliveries(self, request: web.Request) -> object:
        state = request.query.get("state")
        every = self._world.hooks.deliveries
        return [asdict(one) for one in every if state in (None, one.state)]

    async def _tokens(self, request: web.Request) -> object:
        verb = request.match_info["verb"]
        acts = {
            "expire": self._world.expire_tokens,
            "revoke": self._world.revoke_grants,
            "reinstate": self._world.reinstate_grants,
        }
        if verb not in acts:
            raise ApiError.invalid(f"verb is one of {sorted(acts)}")
        acts[verb]()
        return {"ok": True}


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    found = parse_object(raw or b"{}")
    if found is None:
        raise ApiError.invalid("Invalid input JSON: an object is expected")
    return found
