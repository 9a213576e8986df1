"""The files, places and options of a bot-side message as HubSpot attachments.

HubSpot attaches no address: a file is fetched, checked and put into the portal's file manager as a
private one. The upload has no idempotency: a crash between upload and publish, or a lost answer,
leaves a private file that no message refers to. Nothing is lost or doubled by that in the thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import structlog

from hubspot_hitl.errors import (
    FileProblem,
    FileUnavailable,
    HitlError,
    VendorError,
)
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.handoff.to_agent import FileRef, ToAgent, file_label
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.hubspot_records import (
    Attachment,
    FileAttachment,
    LocationAttachment,
    QuickRepliesAttachment,
    QuickReply,
)
from hubspot_hitl.ports.privacy import Artifact, ArtifactKind
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

FOLDER = "/botpress-handoffs"
MOST_OPTIONS = 20
Usage = Literal["AUDIO", "IMAGE", "OTHER", "STICKER", "VOICE_RECORDING"]


@dataclass(frozen=True, slots=True)
class Attached:
    """What goes along with a message, and the lines that stand for what could not."""

    attachments: tuple[Attachment, ...] = ()
    missing: tuple[str, ...] = ()


async def attach(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    content: ToAgent,
    *,
    key: str,
    attempts: int,
) -> Attached:
    """Everything of `content` that HubSpot has a native kind for.

    `key` names the message, so that a repeat in this process uploads nothing twice; `attempts`
    counts the failures so far. A file that cannot be had becomes a line with its address and the
    reason. Raises FileUnreachable or VendorError when another attempt is worth it.
    """
    words = agents_words(installation, handoff)
    files: list[Attachment] = []
    missing: list[str] = []
    for number, file in enumerate(content.files):
        try:
            files.append(await _file(services, installation, handoff, file, f"{key}:{number}"))
        except HitlError as error:
            if services.policy.retries_file(error, attempts):
                raise
            log.warning("file_not_attached", message=key, number=number, error=error.code)
            name = file.title or file_label(file.kind, words)
            missing.append(f"{name}: {file.url} ({_why(error, words)})")
    places = [
        LocationAttachment(place.latitude, place.longitude, place.title, place.address)
        for place in content.locations
    ]
    return Attached((*files, *places, *_options(content)), tuple(missing))


def _why(error: HitlError, words: Words) -> str:
    if isinstance(error, FileUnavailable):
        return words(TextKey(f"agent-file-{error.problem}"), size=str(error.most_mb))
    return words(TextKey.FILE_NOT_TAKEN)


async def _file(
    services: Services, installation: Installation, handoff: Handoff, file: FileRef, key: str
) -> FileAttachment:
    if services.fetch is None:
        raise FileUnavailable("this server fetches no files", FileProblem.NOT_FETCHED)
    known = services.uploads.get(key)
    if known is not None:
        file_id, _, usage = known.partition(" ")
        return FileAttachment(file_id, _USAGES[usage])
    async with services.fetch.file(file.url, title=file.title) as fetched:
        usage = usage_of(file.kind, fetched.content_type)
        file_id = await services.hubspot.of(installation).upload_file(
            fetched.path, name=fetched.name, content_type=fetched.content_type, folder=FOLDER
        )
    services.uploads[key] = f"{file_id} {usage}"
    await services.artifacts.add(
        Artifact(installation.id, ArtifactKind.HUBSPOT_FILE, file_id, handoff.id)
    )
    return FileAttachment(file_id, usage)


_USAGES: dict[str, Usage] = {
    "AUDIO": "AUDIO",
    "IMAGE": "IMAGE",
    "OTHER": "OTHER",
    "VOICE_RECORDING": "VOICE_RECORDING",
}


def usage_of(kind: str, content_type: str) -> Usage:
    """How HubSpot shall show a file: by its true type, not by what the sender called it.

    >>> usage_of("image", "application/pdf"), usage_of("voice", "audio/ogg")
    ('OTHER', 'VOICE_RECORDING')
    """
    main = content_type.partition("/")[0]
    if main == "image" and content_type != "image/svg+xml":
        return "IMAGE"
    if main == "audio" or (kind in {"audio", "voice"} and content_type == "video/ogg"):
        return "VOICE_RECORDING" if kind == "voice" else "AUDIO"
    return "OTHER"


def _options(content: ToAgent) -> tuple[Attachment, ...]:
    """Options as buttons, beside the numbered list in the text."""
    if not content.choices:
        return ()
    replies = tuple(
        QuickReply(choice.value or choice.label, choice.label)
        for choice in content.choices[:MOST_OPTIONS]
    )
    return (QuickRepliesAttachment(replies),)


def is_refusal(error: VendorError) -> bool:
    """Whether HubSpot said no to the message as it is, so that a plainer one may pass."""
    return not error.retryable and error.status in {400, 413, 415, 422}
