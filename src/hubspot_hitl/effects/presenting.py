"""What translating an agent's message needs from outside: addresses of files, the quoted words."""

from __future__ import annotations

import dataclasses

import structlog

from hubspot_hitl.errors import (
    AuthorizationLost,
    FileUnavailable,
    VendorError,
)
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.to_user import FOR_THE_USER, ToUserOptions
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import texts_of
from hubspot_hitl.ports.hubspot_records import ThreadAttachment, ThreadMessage
from hubspot_hitl.ports.privacy import Artifact, ArtifactKind
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)


async def presented(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    message: ThreadMessage,
    *,
    attempts: int,
) -> tuple[ThreadMessage, ToUserOptions]:
    """The message, and how it is put to the user: language, texts, quote, addresses of its files.

    An agent's file is private in HubSpot, so its plain address opens nothing. By setting it is
    copied into the bot's files, else a signed address is told, which expires. What cannot be
    copied is told by the signed address. Raises an error when another attempt may help.
    """
    urls: dict[str, str] = {}
    attachments: list[ThreadAttachment] = []
    for attachment in message.attachments:
        told = attachment
        if attachment.file_id is not None:
            key = f"hubspot-hitl/{handoff.id}/{message.id}/{attachment.file_id}"
            address, name = await _address(
                services, installation, handoff, attachment, key, attempts
            )
            if address:
                urls[attachment.file_id] = address
            told = dataclasses.replace(attachment, name=attachment.name or name)
        attachments.append(told)
    configuration = installation.configuration
    options = ToUserOptions(
        language=handoff.language,
        texts=texts_of(installation, handoff),
        urls=urls,
        quoted=await _quoted(services, installation, handoff, message),
        quick_replies=configuration.quick_replies,
    )
    if attachments:
        message = dataclasses.replace(message, attachments=tuple(attachments))
    return message, options


async def _address(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    attachment: ThreadAttachment,
    key: str,
    attempts: int,
) -> tuple[str | None, str | None]:
    """Where the user finds the file, and its name if that was learned."""
    link = await _signed(services, installation, attachment)
    if link is None or services.fetch is None or installation.configuration.agent_files == "link":
        return link, None
    try:
        async with services.fetch.file(link, title=attachment.name) as file:
            kept = await services.bots.of(installation).keep_file(
                key, file.path, name=file.name, content_type=file.content_type
            )
            await services.artifacts.add(
                Artifact(installation.id, ArtifactKind.BOTPRESS_FILE, kept.id, handoff.id)
            )
            return kept.url, file.name
    except (FileUnavailable, VendorError) as error:
        if services.policy.retries_file(error, attempts):
            raise
        log.warning("agent_file_not_copied", file=attachment.file_id, error=error.code)
    return link, None


async def _signed(
    services: Services, installation: Installation, attachment: ThreadAttachment
) -> str | None:
    """An address of the file that works without a login, for as long as HubSpot allows.

    HubSpot documents no limit of the time; when it refuses ours, its own default is taken.
    """
    hubspot = services.hubspot.of(installation)
    file_id = attachment.file_id or ""
    for expires_s in (services.policy.file_link_s, None):
        try:
            if expires_s is None:
                return await hubspot.file_url(file_id)
            return await hubspot.file_url(file_id, expires_s=expires_s)
        except VendorError as error:
            if error.retryable or isinstance(error, AuthorizationLost):
                raise
            log.warning("file_not_signed", file=file_id, error=error.code)
    return None


async def _quoted(
    services: Services, installation: Installation, handoff: Handoff, message: ThreadMessage
) -> str | None:
    """The words that the agent replies to; none when they are an internal comment's or unknown."""
    if message.in_reply_to is None or handoff.thread_id is None:
        return None
    try:
        quoted = await services.hubspot.of(installation).thread_message(
            handoff.thread_id, message.in_reply_to
        )
    except VendorError as error:
        if error.retryable:
            raise
        log.warning("quote_unknown", message=message.id, error=error.code)
        return None
    return quoted.text if quoted.type in FOR_THE_USER else None
