"""HubSpot's webhooks: verify over the raw bytes, parse, write down, answer.

The same code serves both roads: HubSpot calling this server, and Botpress relaying a call to the
installation's webhook URL (`webhook_received`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import structlog
from cachetools import TTLCache

from hubspot_hitl.errors import BadSignature, UnknownInstallation
from hubspot_hitl.hubspot import wire
from hubspot_hitl.hubspot.signature import SIGNATURE_V3, verify_v1, verify_v3
from hubspot_hitl.intake import hubspot_events
from hubspot_hitl.intake.batch import take_in
from hubspot_hitl.intake.hubspot_events import HubSpotEvent
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.later import contact_erased

log = structlog.get_logger(__name__)

APP_TTL_S = 2.0
_CHANNEL_EVENTS = (wire.OutgoingMessage, wire.ChannelAccountChanged)
_PROPERTIES = {
    "assignedTo": hubspot_events.ASSIGNED,
    "status": hubspot_events.STATUS,
    "isArchived": hubspot_events.UNARCHIVED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class WebhookCall:
    """A webhook as it came. `urls` are the addresses HubSpot may have signed; names in any case."""

    method: str
    urls: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes


class HubSpotDoor:
    """Takes webhooks in for one installation, or finds the installations they are for."""

    def __init__(self, services: Services, *, accept_v1: bool = False) -> None:
        self._services = services
        self._accept_v1 = accept_v1
        self._apps: TTLCache[str, tuple[str, ...]] = TTLCache(
            1_000, APP_TTL_S, timer=services.clock.monotonic
        )

    async def receive(
        self, installation: Installation, call: WebhookCall, *, removed: bool = False
    ) -> None:
        """Return when everything in the call is durable.

        Of an installation that was `removed` nothing is taken in, but its address may still be the
        app's.

        An app has one webhook target for all its portals, so what came to the address of one
        installation may be for another of the same app: it is handed on by portal. A channel's hook
        comes to its own installation's address and is never handed on.

        Raises BadSignature (answer 401), InvalidPayload (400) or StoreUnavailable (503, so that
        HubSpot keeps the events and calls again).
        """
        self._verify(installation, call)
        events = wire.parse_webhook(call.body)
        if not removed:
            await self._take(installation, events)
        shared = [event for event in events if not isinstance(event, _CHANNEL_EVENTS)]
        if shared:
            await self._hand_on(installation, shared)

    async def _hand_on(self, addressed: Installation, events: Sequence[wire.WebhookEvent]) -> None:
        """Give events to the other installations of the same app in their portals.

        The signature was made with the app's secret, which these installations have too.
        """
        app, portals = addressed.configuration, {_portal(event) for event in events} - {None}
        for id_ in await self._of_app(app.app_id):
            one = await self._services.installations.get(id_) if id_ != addressed.id else None
            if one is None or one.portal_id not in portals:
                continue
            if one.configuration.client_secret == app.client_secret:
                await self._take(one, events)

    async def _of_app(self, app_id: str) -> tuple[str, ...]:
        """The ids of an app's installations, looked up every few seconds at most."""
        known = self._apps.get(app_id)
        if known is None:
            every = await self._services.installations.by_app(app_id, None)
            known = self._apps[app_id] = tuple(one.id for one in every)
        return known

    async def receive_unaddressed(self, call: WebhookCall) -> None:
        """Take in a call without a webhook id, for every installation whose secret signed it.

        An installation whose portal no event names is passed over. Raises BadSignature when none
        is left.
        """
        events = wire.parse_webhook(call.body)
        portals = {portal for event in events if (portal := _portal(event))}
        taken = False
        for installation in await self._services.installations.all():
            if installation.portal_id and portals and installation.portal_id not in portals:
                continue
            try:
                self._verify(installation, call)
            except BadSignature:
                continue
            taken = True
            await self._take(installation, events)
        if not taken:
            raise BadSignature("no installation's client secret signed this request")

    def _verify(self, installation: Installation, call: WebhookCall) -> None:
        secret = installation.configuration.client_secret.get_secret_value()
        if not secret:
            raise BadSignature("the installation has no client secret to check the signature with")
        now_ms = self._services.clock.now_ms()
        if self._accept_v1 and not _has(call.headers, SIGNATURE_V3):
            verify_v1(call.body, call.headers, [secret])
            # v1 signs no time, so whoever records such a request can repeat it for ever. Only the
            # app's subscriptions may use it; the channel's hook, which carries words, has v3.
            if any(isinstance(e, _CHANNEL_EVENTS) for e in wire.parse_webhook(call.body)):
                raise BadSignature("only subscription webhooks may carry the old v1 signature")
            return
        for url in call.urls[:-1]:
            try:
                verify_v3(call.method, url, call.body, call.headers, [secret], now_ms)
            except BadSignature:
                continue
            return
        verify_v3(call.method, call.urls[-1], call.body, call.headers, [secret], now_ms)

    async def _take(self, installation: Installation, events: Sequence[wire.WebhookEvent]) -> None:
        services = self._services
        wanted = [
            event
            for event in events
            if _portal(event) in (None, installation.portal_id) or installation.portal_id is None
        ]
        taken = await take_in(services, installation, _thread_events(wanted))
        deliveries = [
            *taken.deliveries,
            *_account_deliveries(installation, wanted),
            *_contact_deliveries(installation, wanted),
        ]
        new = await services.ledger.accept(deliveries) if deliveries else 0
        log.info(
            "webhook_accepted",
            installation=installation.id,
            events=len(events),
            new=new,
            known=len(deliveries) - new,
            not_ours=taken.foreign,
        )

    async def installation(self, webhook_id: str) -> Installation:
        """The installation of a direct address. Raises UnknownInstallation."""
        found = await self._services.installations.get(webhook_id)
        if found is None:
            raise UnknownInstallation("no installation has this address")
        return found


def _thread_events(events: Sequence[wire.WebhookEvent]) -> list[HubSpotEvent]:
    out: list[HubSpotEvent] = []
    for event in events:
        match event:
            case wire.OutgoingMessage():
                # The channel's hook only ever tells what agents send.
                message = event.message
                if not message.direction:
                    message = dataclasses.replace(message, direction="OUTGOING")
                out.append(
                    hubspot_events.agent_message(
                        message, event.thread_id, event.integration_thread_ids, event.channel_id
                    )
                )
            case wire.ThreadPropertyChanged() if event.property in _PROPERTIES:
                out.append(
                    HubSpotEvent(
                        kind=_PROPERTIES[event.property],
                        dedup_key=event.dedup_key,
                        thread_id=event.thread_id,
                        occurred_ms=event.occurred_ms,
                        body={"value": event.value},
                    )
                )
            case wire.ThreadDeleted():
                out.append(
                    HubSpotEvent(
                        kind=hubspot_events.DELETED,
                        dedup_key=event.dedup_key,
                        thread_id=event.thread_id,
                        occurred_ms=event.occurred_ms,
                        body={"privacy": event.privacy},
                    )
                )
            case wire.ThreadNewMessage(message_type="COMMENT"):
                out.append(
                    HubSpotEvent(
                        kind=hubspot_events.NEW_MESSAGE,
                        dedup_key=event.dedup_key,
                        thread_id=event.thread_id,
                        occurred_ms=event.occurred_ms,
                        body={"messageId": event.message_id},
                    )
                )
            case wire.UnknownEvent():
                log.info("webhook_event_ignored", event_type=event.type)
            case _:
                pass  # creation, and messages that the channel's hook tells with their text
    return out


def _account_deliveries(
    installation: Installation, events: Sequence[wire.WebhookEvent]
) -> list[NewDelivery]:
    return [
        NewDelivery(
            dedup_key=f"hs:{installation.id}:{event.dedup_key}",
            lane=f"accounts:{installation.id}",
            kind=hubspot_events.ACCOUNT,
            installation_id=installation.id,
            body={"accountId": event.account_id, "change": event.kind},
        )
        for event in events
        if isinstance(event, wire.ChannelAccountChanged)
    ]


def _contact_deliveries(
    installation: Installation, events: Sequence[wire.WebhookEvent]
) -> list[NewDelivery]:
    erased = [event for event in events if isinstance(event, wire.ContactErased)]
    if erased and installation.portal_id is None:
        # What cannot be undone needs the portal: contact ids repeat across portals.
        log.warning("contact_erasure_of_unknown_portal", installation=installation.id)
        return []
    return [
        contact_erased(installation, event.contact_id, event.dedup_key, event.occurred_ms)
        for event in erased
        if event.portal_id == installation.portal_id
    ]


def _portal(event: wire.WebhookEvent) -> str | None:
    return None if isinstance(event, wire.UnknownEvent) else event.portal_id


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(key.lower() == name.lower() for key in headers)
