"""A stand-in for Botpress: :class:`BotpressTwin`."""

from __future__ import annotations

from hubspot_hitl.twins.botpress.app import BotpressTwin, serve
from hubspot_hitl.twins.botpress.chat import Chat, Person, StartFailedError
from hubspot_hitl.twins.botpress.errors import ApiError
from hubspot_hitl.twins.botpress.options import BotpressOptions

__all__ = [
    "ApiError",
    "BotpressOptions",
    "BotpressTwin",
    "Chat",
    "Person",
    "StartFailedError",
    "serve",
]
