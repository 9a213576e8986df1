"""Custom channels: the channel, its accounts, its messages.

Source: https://developers.hubspot.com/docs/api-reference/latest/conversations/custom-channels/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from hubspot_hitl.errors import VendorConflict
from hubspot_hitl.hubspot import paths, records
from hubspot_hitl.hubspot.answers import Answer, error_of
from hubspot_hitl.hubspot.fields import Fields, ShapeError, parse_json
from hubspot_hitl.hubspot.published import find_published
from hubspot_hitl.hubspot.rest import Rest, record_of
from hubspot_hitl.hubspot.transport import Call
from hubspot_hitl.ports.hubspot import Priority
from hubspot_hitl.ports.hubspot_records import (
    Channel,
    ChannelAccount,
    ChannelMessage,
    DeliveryIdentifier,
    Published,
)

_PAGE = (("limit", "100"),)
_CONFLICT = frozenset({409})
_GONE = frozenset({404, 410})


class Channels(Rest):
    """The custom-channel part of the client."""

    async def channels(self) -> Sequence[Channel]:
        """List all custom channels of the app, every page."""
        call = Call(
            "channels.list", "GET", paths.CUSTOM_CHANNELS, query=_PAGE, priority=Priority.SETUP
        )
        return await self.pages(self.for_app(call), records.channel)

    async def create_channel(
        self,
        name: str,
        webhook_url: str,
        capabilities: Mapping[str, object],
        *,
        description: str | None = None,
    ) -> Channel:
        """Create a channel; it becomes usable only some seconds later."""
        body: dict[str, object] = {
            "name": name,
            "webhookUrl": webhook_url,
            "capabilities": dict(capabilities),
        }
        if description is not None:
            body["channelDescription"] = description
        call = Call(
            "channels.create", "POST", paths.CUSTOM_CHANNELS, body=body, priority=Priority.SETUP
        )
        return await self.read(self.for_app(call), records.channel)

    async def update_channel(
        self,
        channel_id: str,
        *,
        name: str | None = None,
        webhook_url: str | None = None,
        capabilities: Mapping[str, object] | None = None,
        description: str | None = None,
    ) -> Channel:
        """Change what is given."""
        given: dict[str, object | None] = {
            "name": name,
            "webhookUrl": webhook_url,
            "channelDescription": description,
            "capabilities": None if capabilities is None else dict(capabilities),
        }
        call = Call(
            "channels.update",
            "PATCH",
            paths.channel(channel_id),
            body={key: value for key, value in given.items() if value is not None},
            priority=Priority.SETUP,
        )
        return await self.read(self.for_app(call), records.channel)

    async def delete_channel(self, channel_id: str) -> None:
        """Archive a channel; one that is gone already counts as archived."""
        call = Call(
            "channels.delete",
            "DELETE",
            paths.channel(channel_id),
            priority=Priority.SETUP,
            accept=_GONE,
        )
        await self.send(self.for_app(call))

    async def channel_accounts(self, channel_id: str) -> Sequence[ChannelAccount]:
        """List the accounts of a channel, every page."""
        call = Call(
            "channel_accounts.list",
            "GET",
            paths.channel_accounts(channel_id),
            query=_PAGE,
            priority=Priority.SETUP,
        )
        return await self.pages(call, records.channel_account)

    async def connect_channel(
        self, channel_id: str, inbox_id: str, name: str, identifier: DeliveryIdentifier
    ) -> ChannelAccount:
        """Bind the channel to an inbox or help desk, authorized."""
        body = {
            "inboxId": inbox_id,
            "name": name,
            "deliveryIdentifier": records.identifier_json(identifier),
            "authorized": True,
        }
        call = Call(
            "channel_accounts.create",
            "POST",
            paths.channel_accounts(channel_id),
            body=body,
            priority=Priority.SETUP,
        )
        return await self.read(call, records.channel_account)

    async def update_channel_account(
        self,
        channel_id: str,
        account_id: str,
        *,
        name: str | None = None,
        authorized: bool | None = None,
    ) -> ChannelAccount:
        """Rename, authorize or disable an account. Its inbox cannot be changed."""
        given: dict[str, object | None] = {"name": name, "authorized": authorized}
        call = Call(
            "channel_accounts.update",
            "PATCH",
            paths.channel_account(channel_id, account_id),
            body={key: value for key, value in given.items() if value is not None},
            priority=Priority.SETUP,
        )
        return await self.read(call, records.channel_account)

    async def publish(self, message: ChannelMessage) -> Published:
        """Put a message into a thread; the same idempotency id twice is one message.

        What HubSpot answers to the second one is not documented: 200 and 201 with the first
        message are taken, and so is 409 with it. After a 409 without it, the message is looked for;
        raises VendorConflict when it cannot be found, though it is there.
        """
        call = Call(
            "messages.publish",
            "POST",
            paths.channel_messages(message.channel_id),
            body=records.publish_body(message),
            idempotent=True,
            accept=_CONFLICT,
        )
        answer = await self.send(call)
        if answer.status not in _CONFLICT:
            return record_of(answer, call.operation, records.published)
        found = _published_in(answer) or await find_published(self, message)
        if found is None:
            conflict = error_of(answer, call.operation, 0)
            raise VendorConflict(
                f"{conflict.message}; it was published before, but the inbox's recent threads do"
                " not show where",
                vendor="hubspot",
                operation=call.operation,
                status=answer.status,
                vendor_code=conflict.vendor_code,
                correlation_id=conflict.correlation_id,
            )
        return found

    async def set_message_status(
        self,
        channel_id: str,
        message_id: str,
        status: Literal["SENT", "READ", "FAILED"],
        error_message: str | None = None,
    ) -> None:
        """Tell the agent what became of a message."""
        body: dict[str, object] = {"statusType": status}
        if error_message is not None:
            body["errorMessage"] = error_message
        await self.send(
            Call(
                "messages.set_status",
                "PATCH",
                paths.channel_message(channel_id, message_id),
                body=body,
            )
        )


def _published_in(answer: Answer) -> Published | None:
    """The message a 409 carries, if it does."""
    try:
        return records.published(Fields.of(parse_json(answer.body)))
    except ShapeError:
        return None
