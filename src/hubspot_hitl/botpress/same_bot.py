"""Which bot runtime serves an installation: Botpress's API, or the bot that loaded us."""

from __future__ import annotations

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.botpress import BotRuntime


class SameBot:
    """One bot runtime for every installation: the bot that loaded the integration."""

    def __init__(self, runtime: BotRuntime) -> None:
        self._runtime = runtime

    def of(self, installation: Installation) -> BotRuntime:
        """The runtime, whoever asks."""
        return self._runtime
