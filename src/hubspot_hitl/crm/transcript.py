"""Writes the words of a chat to the contact: into the property `chat_transcript`, and into notes.

Appending is reading, adding, writing back: whoever calls this holds the contact's lane, so that
two chats of one contact never overwrite each other. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from hubspot_hitl.crm.fields import cache_key
from hubspot_hitl.crm.transcript_text import iso, merged, note_bodies
from hubspot_hitl.errors import MissingScope, VendorConflict
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm import Crm
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmObject, CrmType, Link, PropertyDraft
from hubspot_hitl.ports.ledger import Delivery
from hubspot_hitl.ports.privacy import Artifact, ArtifactKind
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

ASK_AGAIN_MS: Final = 3_600_000
MOST_NOTES: Final = 500
_BODY: Final = "hs_note_body"
_DRAFT: Final = PropertyDraft(
    name=CHAT_TRANSCRIPT,
    label="Chat transcript",
    type="string",
    field_type="textarea",
    group="contactinformation",
    description="What was said in chats with people. Older parts are in the contact's notes.",
)


def contact_lane(installation_id: str, contact_id: str) -> str:
    """The lane in which everything that is added to a contact keeps its order."""
    return f"contact:{installation_id}:{contact_id}"


async def append(
    services: Services,
    it: Delivery,
    installation: Installation,
    contact_id: str,
    new: Sequence[str],
) -> str:
    """Append the blocks to the contact's transcript, once; returns a note for the recorder.

    Without the right to make the property (403), nothing is written: the note at the end of the
    chat has the words then.
    """
    if not new:
        return "nothing was said"
    if not await property_exists(services, installation):
        return f"the property {CHAT_TRANSCRIPT} is missing and may not be made"
    crm = services.crm.of(installation)
    contact = await crm.get(CrmType.CONTACT, contact_id, properties=(CHAT_TRANSCRIPT,))
    if contact is None:
        return "the contact does not exist any more"
    before = contact.properties.get(CHAT_TRANSCRIPT)
    after = merged(before, new)
    if after.text == (before or ""):
        return "already there"
    for text in after.rolled:
        await add_notes(services, it, crm, contact.id, "Chat transcript, earlier part", text)
    await crm.update(CrmType.CONTACT, contact.id, {CHAT_TRANSCRIPT: after.text})
    rolled = f"; {len(after.rolled)} part(s) moved into notes" if after.rolled else ""
    return f"{len(new)} message(s) appended{rolled}"


async def add_notes(
    services: Services, it: Delivery, crm: Crm, contact_id: str, title: str, text: str
) -> int:
    """Write `text` into as many notes on the contact as it needs; returns how many were new.

    Notes have no key of their own at HubSpot: before one is made again, its mark is looked for.
    """
    known = await _notes(crm, contact_id) if it.started or it.attempts else ()
    created = 0
    for mark, body in note_bodies(title, text):
        note = next((n for n in known if f"[{mark}]" in (n.properties.get(_BODY) or "")), None)
        if note is None:
            if not created:
                await services.ledger.mark_started(it)
            created += 1
            note = await crm.create(
                CrmType.NOTE,
                {"hs_timestamp": iso(it.accepted_ms), _BODY: body},
                links=[Link(CrmType.CONTACT, contact_id)],
            )
        if it.handoff_id is not None:
            await services.artifacts.add(
                Artifact(it.installation_id, ArtifactKind.HUBSPOT_NOTE, note.id, it.handoff_id)
            )
    return created


async def _notes(crm: Crm, contact_id: str) -> Sequence[CrmObject]:
    """The contact's latest notes, read through its links: search lags behind."""
    ids = await crm.associated(CrmType.CONTACT, contact_id, CrmType.NOTE)
    found = await crm.read_batch(CrmType.NOTE, ids[-MOST_NOTES:], properties=(_BODY,))
    return found.objects


async def property_exists(services: Services, installation: Installation) -> bool:
    """Make sure that the property is there. False when it is not and we may not make it.

    Both answers are remembered for an hour, so that no message asks twice.
    """
    key = cache_key(installation, f"property:{CHAT_TRANSCRIPT}")
    now_ms = services.clock.now_ms()
    known = services.transcript_property.get(key)
    if known is not None and now_ms - known[1] < ASK_AGAIN_MS:
        return known[0]
    there = await _make_if_missing(services, installation)
    services.transcript_property[key] = (there, now_ms)
    return there


async def _make_if_missing(services: Services, installation: Installation) -> bool:
    crm = services.crm.of(installation)
    if any(one.name == CHAT_TRANSCRIPT for one in await crm.properties(CrmType.CONTACT)):
        return True
    try:
        await crm.create_property(CrmType.CONTACT, _DRAFT)
    except VendorConflict:
        return True  # another replica made it in between
    except MissingScope as error:
        log.warning("transcript_property_missing", installation=installation.id, error=error.code)
        return False
    return True
