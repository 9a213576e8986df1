from __future__ import annotations

from collections.abc import Sequence

import pytest

from hubspot_hitl.cli.channel_list import list_channels, remove_channels
from hubspot_hitl.errors import CallerError
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount


class FakeChannels:
    def __init__(self, *ids: str) -> None:
        self.ids = list(ids)

    async def channels(self) -> Sequence[Channel]:
        return [
            Channel(one, f"Bot {one}", webhook_url=f"https://x.example/{one}") for one in self.ids
        ]

    async def channel_accounts(self, channel_id: str) -> Sequence[ChannelAccount]:
        return [ChannelAccount(f"a-{channel_id}", channel_id, "77", "Bot", authorized=False)]

    async def delete_channel(self, channel_id: str) -> None:
        self.ids.remove(channel_id)


async def test_channels_are_listed_with_their_accounts() -> None:
    listed = await list_channels(FakeChannels("1"))

    assert listed[0].as_lines() == [
        "channel 1  'Bot 1'  -> https://x.example/1",
        "  account a-1  'Bot'  inbox 77  (not authorized)",
    ]
    assert listed[0].as_json()["accounts"] == [
        {"id": "a-1", "name": "Bot", "inboxId": "77", "authorized": False}
    ]


async def test_only_the_named_channels_are_removed() -> None:
    api = FakeChannels("1", "2", "3")

    removed = await remove_channels(api, ["2", "2"])

    assert ([one.id for one in removed], api.ids) == (["2"], ["1", "3"])


async def test_an_unknown_channel_stops_the_removal_of_all() -> None:
    api = FakeChannels("1", "2")

    with pytest.raises(CallerError, match="no channel '9'; nothing was removed"):
        await remove_channels(api, ["1", "9"])

    assert api.ids == ["1", "2"]
