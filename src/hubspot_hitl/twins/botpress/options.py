"""What can be set on the Botpress twin, at start and while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BotpressOptions:
    """Settings of the twin. Where Botpress's behaviour is not documented, one field chooses it."""

    token: str = "twin-botpress-token"  # noqa: S105 - opens nothing but the twin
    bot_id: str = "bot_00000000000000000000000001"
    integration_id: str = "intver_00000000000000000000000001"
    alias: str = "hubspot-hitl"
    workspace_id: str = "wkspace_0000000000000000000000001"

    rate_limit_per_s: int | None = 100
    """Calls of the Runtime API in any second; None switches the limit off."""
    list_events: bool = True
    """Whether integrations may list events."""
    check_payloads: bool = True
    """Whether payloads are held against the definition's schemas, when a definition is given."""
    bare_path: str = ""
    """`req.path` of a call to the bare webhook URL (undocumented: empty or `/`)."""

    operation_timeout_s: float = 60.0
    message_retries: int = 6
    """How often `message_created` is tried again after a lost answer or a 5xx (undocumented)."""
    message_retry_base_s: float = 0.2
    message_retry_most_s: float = 5.0

    handoff_text: str = "You will be connected to a person shortly."
    joined_text: str = "A person has joined the conversation."
    ended_text: str = "The person has left the conversation. The bot is back."
    user_ended_text: str = "You have ended the conversation with the person."
    user_ended_agent_text: str = "( The user has ended the session. )"
    stopped_agent_text: str = "( The bot has ended the session. )"
    timeout_agent_text: str = "( Nobody took the session in time. )"
    timeout_text: str = "Nobody is available right now."
    apology_text: str = "Sorry, the person cannot see this kind of message."
    incompatible_agent_text: str = "( The user cannot see this kind of message. )"
    end_command: str = "/end"
    agent_assigned_timeout_s: float = 0.0
    """After how long without an agent the plugin gives up; 0 means never."""
