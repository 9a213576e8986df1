"""What is to be done about an event of a thread, effect by effect. Pure; no effect is done here.

`handoff.thread_events.decide` chooses them, `effects.carry_out` carries them out, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass

from hubspot_hitl.handoff.records import EndReason
from hubspot_hitl.handoff.texts import TextKey


@dataclass(frozen=True, slots=True)
class MirrorAgent:
    """Make or refresh the agent's user in Botpress: name, photo, email. Comes before its use."""

    actor_id: str


@dataclass(frozen=True, slots=True)
class EmitAssigned:
    """Emit `hitlAssigned` with the agent's mirrored user. Once per agent and period of activity."""

    actor_id: str


@dataclass(frozen=True, slots=True)
class EmitStopped:
    """Emit `hitlStopped`. Once per end."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class TellUser:
    """Send the user a text, in the handoff's language, unless it is switched off."""

    key: TextKey


@dataclass(frozen=True, slots=True)
class CommentToAgent:
    """Put a text into the thread that only agents see, unless it is switched off."""

    key: TextKey


@dataclass(frozen=True, slots=True)
class RelayMessage:
    """Pass the message on to the user in the name of `actor_id` (None: of nobody in particular)."""

    actor_id: str | None


@dataclass(frozen=True, slots=True)
class RefuseMessage:
    """Mark the agent's message FAILED in HubSpot, with this text as the reason."""

    key: TextKey


@dataclass(frozen=True, slots=True)
class HoldForNews:
    """Hold the message for a moment: news that its thread was opened again may be on the way."""


@dataclass(frozen=True, slots=True)
class AskToResume:
    """Ask the bot to bring the user back to the agent, who has opened the thread again."""


@dataclass(frozen=True, slots=True)
class CloseThread:
    """Close the thread in HubSpot; the echo of that finds the handoff ended."""


@dataclass(frozen=True, slots=True)
class EraseContent:
    """Remove the handoff's content: the person's privacy was asked for."""


@dataclass(frozen=True, slots=True)
class WaitForStart:
    """Nothing yet: `startHitl` has not returned. Bring the event again afterwards."""


Effect = (
    MirrorAgent
    | EmitAssigned
    | EmitStopped
    | TellUser
    | CommentToAgent
    | RelayMessage
    | RefuseMessage
    | HoldForNews
    | AskToResume
    | CloseThread
    | EraseContent
    | WaitForStart
)
