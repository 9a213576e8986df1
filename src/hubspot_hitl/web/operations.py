"""Botpress's operations, each handed to the room that does it: the way in from the bot's side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import structlog
from cachetools import LRUCache

from hubspot_hitl.actions import ACTION_HANDLERS
from hubspot_hitl.actions.start_hitl import CHANNEL, release_after_answer
from hubspot_hitl.botpress.dispatch import Operations
from hubspot_hitl.botpress.operations import (
    ActionTriggered,
    Context,
    MessageCreated,
    MessageUpdated,
    Register,
    Unregister,
    WebhookAnswer,
    WebhookReceived,
)
from hubspot_hitl.channels.hitl import accept_edit, accept_message
from hubspot_hitl.connecting.connector import PortalConnector
from hubspot_hitl.connecting.landing import page_of
from hubspot_hitl.errors import BadConfiguration, BadSignature
from hubspot_hitl.integration.actions import ACTIONS, StartHitlOutput, parse_input
from hubspot_hitl.integration.installation import STANDALONE, Installation
from hubspot_hitl.integration.messages import MESSAGES
from hubspot_hitl.integration.readiness import parse_configuration
from hubspot_hitl.observing.observing import Observing
from hubspot_hitl.ports.botpress import JsonObject
from hubspot_hitl.ports.services import Services
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.setup.register import register
from hubspot_hitl.setup.unregister import unregister
from hubspot_hitl.web.webhooks import HubSpotDoor, WebhookCall

log = structlog.get_logger(__name__)


class BotpressDoor:
    """What the integration does for each operation."""

    def __init__(
        self,
        services: Services,
        hubspot: HubSpotDoor,
        connector: PortalConnector | None = None,
        *,
        guarded: bool = False,
        observing: Observing | None = None,
    ) -> None:
        """`guarded`: whether operations carry a signature or a secret path."""
        self._guarded = guarded
        self._observing = observing
        self._services = services
        self._hubspot = hubspot
        self._connector = connector
        self._parsed: LRUCache[tuple[object, ...], Installation] = LRUCache(maxsize=1_000)

    def operations(self) -> Operations:
        """The table of callables for the operation server."""
        observing = self._observing
        if observing is None:
            return self._table(self.action, self.message_created)

        async def action(context: Context, operation: ActionTriggered) -> JsonObject | None:
            name = f"action {operation.type}"
            return await observing.operation(
                name, context.webhook_id, self.action(context, operation)
            )

        async def message_created(context: Context, operation: MessageCreated) -> None:
            work = self.message_created(context, operation)
            await observing.operation("message_created", context.webhook_id, work)

        return self._table(action, message_created)

    def _table(
        self,
        action: Callable[[Context, ActionTriggered], Awaitable[JsonObject | None]],
        message_created: Callable[[Context, MessageCreated], Awaitable[None]],
    ) -> Operations:
        return Operations(
            register=self.register,
            unregister=self.unregister,
            webhook_received=self.webhook_received,
            action=action,
            message_created=message_created,
            message_updated=self.message_updated,
            action_names=frozenset(ACTIONS),
            channels={CHANNEL: frozenset(MESSAGES)},
        )

    async def register(self, context: Context, operation: Register) -> None:
        """Set the HubSpot side up."""
        installation = await self._installation(context)
        await register(self._services, installation, operation.webhook_url)

    async def unregister(self, context: Context, _operation: Unregister) -> None:
        """Take the HubSpot side down, as far as it is ours."""
        await unregister(self._services, await self._installation(context))

    async def action(self, context: Context, operation: ActionTriggered) -> JsonObject | None:
        """Run one action, return its output. Raises InvalidPayload for a wrong input."""
        input_ = parse_input(operation.type, operation.input)
        installation = await self._installation(context)
        output = await ACTION_HANDLERS[operation.type](self._services, installation, input_)
        return output.model_dump(by_alias=True, exclude_none=True, mode="json")

    async def answered(
        self, context: Context, operation: ActionTriggered, output: JsonObject | None
    ) -> None:
        """After the answer of an action has left: let a started handoff's lane run."""
        if operation.type == "startHitl" and output:
            await release_after_answer(
                self._services,
                await self._installation(context),
                StartHitlOutput.model_validate(output),
            )

    async def message_created(self, context: Context, operation: MessageCreated) -> None:
        """Write a message for the agent down."""
        payload = operation.payload or operation.message.payload
        user_id = payload.get("userId")
        await accept_message(
            self._services,
            await self._installation(context),
            message_id=operation.message.id,
            conversation_id=operation.conversation.id,
            type_=operation.type,
            payload=payload,
            created_at=operation.message.created_at,
            user_id=user_id if isinstance(user_id, str) and user_id else None,
        )

    async def message_updated(self, context: Context, operation: MessageUpdated) -> None:
        """Write down what became of a message; a change of tags alone, such as ours, is none."""
        message = operation.current_message
        payload = operation.payload or message.payload
        conversation_id = operation.conversation.id if operation.conversation else None
        conversation_id = conversation_id or message.conversation_id
        before = operation.previous_message
        if not payload or not conversation_id or before is None or before.payload == payload:
            return
        user_id = payload.get("userId")
        await accept_edit(
            self._services,
            await self._installation(context),
            message_id=message.id,
            conversation_id=conversation_id,
            type_=operation.type or message.type,
            payload=payload,
            updated_at=message.updated_at,
            user_id=user_id if isinstance(user_id, str) and user_id else None,
        )

    async def webhook_received(
        self, context: Context, operation: WebhookReceived
    ) -> WebhookAnswer | None:
        """Take in what HubSpot posted to the installation's webhook URL."""
        request = operation.req
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        if self._connector is not None and _comes_from_consent(request.method, request.path, query):
            installation = await self._installation(context)
            page = page_of(await self._connector.finish(query, only_for=installation.id))
            return WebhookAnswer(page.status, headers=page.headers, body=page.body)
        if request.path not in ("", "/"):
            return WebhookAnswer(404, body="There is nothing at this path.")
        # One that was removed is not brought back by what was still on its way to it; one that
        # this database does not know, or cannot read any more, is.
        removed = await self._services.installations.removed(context.webhook_id)
        installation = self._told(context) if removed else await self._installation(context)
        call = WebhookCall(
            method=request.method.upper(),
            urls=_signed_urls(self._services, installation, request.path, request.query),
            headers=request.headers,
            body=(request.body or "").encode(),
        )
        try:
            await self._hubspot.receive(installation, call, removed=removed)
        except BadSignature as error:
            log.warning("webhook_refused", installation=installation.id, reason=error.message)
            return WebhookAnswer(401, body="The signature is not valid.")
        return None

    async def _installation(self, context: Context) -> Installation:
        """The installation that asks, remembered when anything about it is new."""
        if context.webhook_id == STANDALONE and not context.configuration:
            return await self._standalone()
        return await self._services.installations.remember(self._told(context))

    def _told(self, context: Context) -> Installation:
        """The installation as an operation tells it."""
        key = (
            context.webhook_id,
            context.bot_id,
            context.integration_id,
            context.alias,
            context.bot_user_id,
            context.configuration_type,
            _digest(context.configuration),
        )
        known = self._parsed.get(key)
        if known is None:
            known = Installation(
                id=context.webhook_id,
                bot_id=context.bot_id,
                integration_id=context.integration_id,
                alias=context.alias,
                configuration=parse_configuration(context.configuration),
                bot_user_id=context.bot_user_id,
                configuration_type=context.configuration_type,
            )
            for value in known.configuration.secrets:
                remember_secret(value)
            self._parsed[key] = known
        return known

    async def _standalone(self) -> Installation:
        """What `apply --standalone` stored: the bot of one's own need not hold the secrets.

        Raises BadConfiguration where anybody could pose as that bot, or before it was stored.
        """
        if not self._guarded:
            raise BadConfiguration(
                "Without a configuration the stand-alone bot has to prove who it is: set"
                " HITL_BOTPRESS_PATH_SECRET and call /botpress/{secret}."
            )
        stored = await self._services.installations.get(STANDALONE)
        if stored is None:
            raise BadConfiguration("Run `hubspot-hitl apply --standalone` first.")
        return stored


def _comes_from_consent(method: str, path: str, query: Mapping[str, str]) -> bool:
    """Whether a person comes back from HubSpot: at `/oauth`, or at the bare webhook URL.

    The app's redirect URL may be either; HubSpot's webhooks are never GET.
    """
    if path.rstrip("/") == "/oauth":
        return True
    return method.upper() == "GET" and path in ("", "/") and "state" in query


def _digest(configuration: Mapping[str, object]) -> int:
    return hash(repr(sorted(configuration.items())))


def _signed_urls(
    services: Services, installation: Installation, path: str, query: str
) -> tuple[str, ...]:
    """The public addresses HubSpot may have signed: the one `register` told, and the usual one."""
    usual = f"{services.policy.botpress_webhook_url.rstrip('/')}/{installation.id}"
    bases = dict.fromkeys((services.policy.botpress_webhook(installation), usual))
    tail = f"?{query}" if query else ""
    urls = [f"{base}{slash}{tail}" for base in bases for slash in dict.fromkeys((path, ""))]
    return tuple(dict.fromkeys(urls))
