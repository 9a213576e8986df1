"""One bot-side message, live or of the history, published into the thread: in parts, once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from hubspot_hitl.channels.attachments import attach, is_refusal
from hubspot_hitl.errors import VendorConflict, VendorRefused
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.split import split_text
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.handoff.to_agent import ToAgent
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.hubspot import HubSpot
from hubspot_hitl.ports.hubspot_records import Attachment, ChannelMessage, Party
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_content

log = structlog.get_logger(__name__)

MOST_ATTACHMENTS = 10


@dataclass(frozen=True, slots=True)
class Said:
    """Who says what and when. `key` is the idempotency id of its first part.

    `attempts` counts the failures so far, for files whose host is ailing.
    """

    key: str
    content: ToAgent
    sender: Party
    recipient: Party
    timestamp_ms: int
    attempts: int = 0
    direction: Literal["INCOMING", "OUTGOING"] = "INCOMING"


async def publish(
    services: Services, installation: Installation, handoff: Handoff, said: Said
) -> str | None:
    """Publish all parts in order; returns HubSpot's id of the first one, None if it is not told.

    Repeating it makes no second message. When HubSpot refuses attachments or formatting, the same
    words are published plainly, files by their addresses. Raises VendorError or FileUnreachable.
    """
    said = replace(said, content=mask_content(installation.configuration, said.content))
    hubspot = services.hubspot.of(installation)
    parts = await _parts(services, installation, handoff, said)
    ids = [await _publish(hubspot, message, plain) for message, plain in parts]
    return ids[0]


async def _publish(hubspot: HubSpot, message: ChannelMessage, plain: str) -> str | None:
    try:
        return await _landed(hubspot, message)
    except VendorRefused as error:
        bare = not message.attachments and message.rich_text is None
        if bare or not is_refusal(error):
            raise
        log.warning("published_plainly", message=message.idempotency_id, error=error.code)
    return await _landed(hubspot, replace(message, text=plain, rich_text=None, attachments=()))


async def _landed(hubspot: HubSpot, message: ChannelMessage) -> str | None:
    """The id of the published message; None when HubSpot has it but does not say where."""
    try:
        return (await hubspot.publish(message)).message_id
    except VendorConflict as error:
        log.warning("published_before", message=message.idempotency_id, error=error.message)
        return None


async def _parts(
    services: Services, installation: Installation, handoff: Handoff, said: Said
) -> Sequence[tuple[ChannelMessage, str]]:
    """The channel messages, each with the text that stands in when it is refused."""
    content = said.content
    found = await attach(
        services, installation, handoff, content, key=said.key, attempts=said.attempts
    )
    words = agents_words(installation, handoff)
    missing = (words(TextKey.NOT_ATTACHED, file=line) for line in found.missing)
    whole = "\n".join((content.text, *missing))
    texts = split_text(whole, services.policy.message_chars_limit)
    batches = _batches(found.attachments)
    texts += (f"[{words(TextKey.LABEL_MORE_FILES)}]",) * (len(batches) - 1)
    formatted = len(texts) == 1 and not found.missing
    links = "\n".join(file.url for file in content.files)
    carrying = len(texts) - len(batches)
    parts: list[tuple[ChannelMessage, str]] = []
    for number, text in enumerate(texts):
        attachments = batches[number - carrying] if number >= carrying else ()
        message = ChannelMessage(
            channel_id=handoff.channel_id,
            channel_account_id=handoff.channel_account_id,
            integration_thread_id=handoff.integration_thread_id,
            idempotency_id=said.key if number == 0 else f"{said.key}:{number}",
            text=text,
            rich_text=content.rich_text if formatted else None,
            sender=said.sender,
            recipients=(said.recipient,),
            timestamp_ms=said.timestamp_ms,
            attachments=attachments,
            direction=said.direction,
        )
        first_with_files = number == carrying and links
        parts.append((message, f"{text}\n{links}" if first_with_files else text))
    return parts


def _batches(attachments: tuple[Attachment, ...]) -> list[tuple[Attachment, ...]]:
    """The attachments in groups that one message may carry; at least one group, if empty."""
    starts = range(0, len(attachments), MOST_ATTACHMENTS) if attachments else (0,)
    return [attachments[start : start + MOST_ATTACHMENTS] for start in starts]
