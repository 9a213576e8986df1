"""Which of the app's channels an installation has made. Pure.

By the webhook URL; failing that, by the mark in the channel's description or by the ids remembered
here: so a channel is moved, and its threads go on, when the installation's address changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.hubspot_records import Channel

_TEXT = "Hands chats over to people, and back."


def mark_of(installation: Installation) -> str:
    """What tells our channel from a stranger's, in its description.

    HubSpot's guide has the description; whether every list shows it is not documented.
    """
    return f"hubspot-hitl:{installation.id}"


def described(mark: str) -> str:
    """The channel's description, with its mark."""
    return f"{_TEXT} [{mark}]"


@dataclass(frozen=True, slots=True)
class Own:
    """How an installation's channels are known; `ids` are those it remembers."""

    webhook_url: str
    mark: str = ""
    ids: frozenset[str] = frozenset()

    def of(self, channels: Iterable[Channel]) -> list[Channel]:
        """Its channels, the eldest first; the first one is used.

        Where one has our address, others are never ours by their mark alone: somebody may have
        copied it.

        >>> Own("u").of([Channel("10", "x", "u"), Channel("9", "x", "u")])[0].id
        '9'
        """
        every = sorted(channels, key=lambda one: (len(one.id), one.id))
        here = [one for one in every if one.webhook_url == self.webhook_url]
        return here or [one for one in every if self._known(one)][:1]

    def _known(self, channel: Channel) -> bool:
        marked = bool(self.mark) and f"[{self.mark}]" in (channel.description or "")
        return marked or channel.id in self.ids
