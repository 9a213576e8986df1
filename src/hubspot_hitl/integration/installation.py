"""One install of the integration in one bot, as records. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hubspot_hitl.integration.configuration import Configuration

STANDALONE: Final = "standalone"
"""The id of the installation that has no Botpress: a bot of one's own mounts this integration."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One install in one bot. `id` is Botpress's webhook id, unique per bot and install.

    `webhook_url` is what Botpress told in `register`; `portal_id` is learned from the token.
    """

    id: str
    bot_id: str
    integration_id: str
    alias: str
    configuration: Configuration
    bot_user_id: str | None = None
    configuration_type: str | None = None
    webhook_url: str | None = None
    portal_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """A custom channel connected to one inbox, ready for messages.

    `identifier` is the account's own delivery identifier: the recipient of the user's messages.
    A channel that is made but not listed yet has no account, and its `identifier` tells when it was
    made.
    """

    channel_id: str
    channel_account_id: str
    inbox_id: str
    identifier: str
    default: bool = False

    @classmethod
    def unlisted(cls, channel_id: str, made_ms: int) -> ChannelBinding:
        """A channel that HubSpot has made (epoch ms) but does not list yet."""
        return cls(channel_id, channel_account_id="", inbox_id="", identifier=f"made:{made_ms}")

    @property
    def unlisted_since_ms(self) -> int | None:
        """When the channel was made (epoch ms) if HubSpot did not list it since; else None."""
        if self.channel_account_id:
            return None
        return int(self.identifier.removeprefix("made:"))
