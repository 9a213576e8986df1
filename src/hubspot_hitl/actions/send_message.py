"""Action `sendMessage`: a flow says something into a running handoff, as the user or as the bot."""

from __future__ import annotations

from hubspot_hitl.channels.hitl import accept_message
from hubspot_hitl.integration.actions import SendMessageInput, SendMessageOutput
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services


async def send_message(
    services: Services, installation: Installation, input_: SendMessageInput
) -> SendMessageOutput:
    """Write the message down; it is published in the handoff's lane like any other.

    `message_id` of the answer is ours. With `idempotency_key`, a repeat is the same message.
    Raises ActionRefused when the conversation is none of ours.
    """
    key = input_.idempotency_key
    message_id = f"action:{input_.conversation_id}:{key}" if key else f"action:{services.new_id()}"
    if input_.message is None:
        type_, payload = "text", {"text": input_.text or ""}
    else:
        part = input_.message.model_dump(by_alias=True, exclude_none=True, mode="json")
        type_, payload = part["type"], part["payload"]
    await accept_message(
        services,
        installation,
        message_id=message_id,
        conversation_id=input_.conversation_id,
        type_=type_,
        payload=payload,
        created_at=None,
        user_id=input_.user_id,
        acknowledge=False,
    )
    return SendMessageOutput(message_id=message_id)
