"""What custom channels an app has, and removing the ones that are named. Never all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from hubspot_hitl.errors import CallerError
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount


class ChannelApi(Protocol):
    """The part of :class:`~hubspot_hitl.ports.hubspot.HubSpot` that is needed here."""

    async def channels(self) -> Sequence[Channel]:
        """List all custom channels of the app."""
        ...

    async def channel_accounts(self, channel_id: str) -> Sequence[ChannelAccount]:
        """List the accounts of a channel."""
        ...

    async def delete_channel(self, channel_id: str) -> None:
        """Archive a channel."""
        ...


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """A channel with its accounts in this portal."""

    channel: Channel
    accounts: tuple[ChannelAccount, ...]

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        accounts = [
            {"id": one.id, "name": one.name, "inboxId": one.inbox_id, "authorized": one.authorized}
            for one in self.accounts
        ]
        shown = asdict(self.channel)
        return {
            "id": shown["id"],
            "name": shown["name"],
            "webhookUrl": shown["webhook_url"],
            "accounts": accounts,
        }

    def as_lines(self) -> list[str]:
        """For a person."""
        channel = self.channel
        lines = [f"channel {channel.id}  {channel.name!r}  -> {channel.webhook_url or 'no URL'}"]
        lines += [
            f"  account {one.id}  {one.name!r}  inbox {one.inbox_id}"
            f"{'' if one.authorized else '  (not authorized)'}"
            for one in self.accounts
        ]
        return lines


async def list_channels(api: ChannelApi) -> list[ListedChannel]:
    """Every channel of the app with its accounts, in HubSpot's order."""
    return [
        ListedChannel(channel, tuple(await api.channel_accounts(channel.id)))
        for channel in await api.channels()
    ]


async def remove_channels(api: ChannelApi, channel_ids: Sequence[str]) -> list[Channel]:
    """Remove exactly these channels, after checking that each is one of the app's.

    Removes nothing and raises CallerError when one of them is not.
    """
    known = {channel.id: channel for channel in await api.channels()}
    wanted = list(dict.fromkeys(channel_ids))
    strangers = [one for one in wanted if one not in known]
    if strangers:
        raise CallerError(
            f"the app has no channel {', '.join(map(repr, strangers))}; nothing was removed."
            " List the channels to see their ids"
        )
    for channel_id in wanted:
        await api.delete_channel(channel_id)
    return [known[one] for one in wanted]
