"""Removes what a handoff left at Botpress and at HubSpot: messages, files, user, thread, notes.

Safe to repeat: what is gone already is no failure. At Botpress only this integration's own
conversation and user can be reached: the chat in which the user talks to the bot belongs to
another integration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from hubspot_hitl.errors import HitlError, UnknownInstallation, VendorNotFound
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.states import USER_INFO
from hubspot_hitl.ports.crm import Crm
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmType
from hubspot_hitl.ports.privacy import ArtifactKind
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.target import Found, Target, same_portal

Vendor = Literal["botpress", "hubspot"]
BOTH: Final[tuple[Vendor, ...]] = ("botpress", "hubspot")


@dataclass(slots=True)
class AtVendors:
    """What was removed, and what refused; one refusal does not keep the rest."""

    messages: int = 0
    users: int = 0
    threads: int = 0
    files: int = 0
    notes: int = 0
    transcripts: int = 0
    contacts: int = 0
    failures: list[HitlError] = field(default_factory=list[HitlError])
    left: list[str] = field(default_factory=list[str])

    async def gone(self, what: str, removing: Awaitable[None]) -> int:
        """Wait for a removal: 1 when it did something. A failure is kept, not raised."""
        try:
            await removing
        except VendorNotFound:
            return 0
        except HitlError as error:
            self.failed(what, error)
            return 0
        return 1

    def failed(self, what: str, error: HitlError) -> None:
        """Keep a failure, with its code in plain sight."""
        self.failures.append(error)
        self.left.append(f"{what}: {error.code}")


async def erase_at(
    services: Services,
    target: Target,
    found: Found,
    vendors: Collection[Vendor],
    *,
    contacts: bool = False,
) -> AtVendors:
    """Remove all of `found` at the vendors named; the user only when not a handoff is the target.

    `contacts` deletes the CRM contacts themselves for good. What belongs to a removed installation
    cannot be reached any more and is reported as left.
    """
    done = AtVendors()
    for handoff in found.handoffs:
        installation = await _installation(services, handoff.installation_id, done)
        if installation is None:
            continue
        await _artifacts(services, installation, handoff, vendors, done)
        if "botpress" in vendors:
            await _messages(services, installation, handoff, done)
        if "hubspot" in vendors and handoff.thread_id is not None:
            hubspot = services.hubspot.of(installation)
            done.threads += await done.gone(
                f"HubSpot thread {handoff.thread_id}", hubspot.archive_thread(handoff.thread_id)
            )
    if "hubspot" in vendors:
        await _crm(services, found, done, contacts=contacts)
    if "botpress" in vendors and target.kind != "handoff":
        users = {(one.installation_id, one.user_id) for one in found.handoffs} | {*found.people}
        for installation_id, user_id in sorted(users):
            installation = await _installation(services, installation_id, done)
            if installation is not None:
                bot = services.bots.of(installation)
                # Nobody promises that a user's states go with the user.
                what = f"Botpress state of user {user_id}"
                await done.gone(what, bot.set_state("user", user_id, USER_INFO, None))
                done.users += await done.gone(f"Botpress user {user_id}", bot.delete_user(user_id))
    return done


async def _artifacts(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    vendors: Collection[Vendor],
    done: AtVendors,
) -> None:
    """Delete the files and notes that the handoff left; what refuses stays known."""
    for one in await services.artifacts.of(handoff.id):
        match one.kind:
            case ArtifactKind.BOTPRESS_FILE if "botpress" in vendors:
                removing = services.bots.of(installation).delete_file(one.id)
            case ArtifactKind.HUBSPOT_FILE if "hubspot" in vendors:
                removing = services.hubspot.of(installation).erase_file(one.id)
            case ArtifactKind.HUBSPOT_NOTE if "hubspot" in vendors:
                removing = _note_gone(services.crm.of(installation), one.id)
            case _:
                continue
        failed = len(done.failures)
        gone = await done.gone(f"{one.kind.value} {one.id}", removing)
        if one.kind is ArtifactKind.HUBSPOT_NOTE:
            done.notes += gone
        else:
            done.files += gone
        if len(done.failures) == failed:
            await services.artifacts.drop(one)


async def _note_gone(crm: Crm, note_id: str) -> None:
    """Emptied first: a deleted note can be restored in HubSpot for some time."""
    await crm.update(CrmType.NOTE, note_id, {"hs_note_body": ""})
    await crm.delete(CrmType.NOTE, note_id)


async def _crm(services: Services, found: Found, done: AtVendors, *, contacts: bool) -> None:
    """Empty the transcripts on the contacts, or delete the contacts for good."""
    ours = {one.id for one in found.handoffs}
    named = {(one.installation_id, one.contact_id) for one in found.handoffs if one.contact_id}
    for installation_id, contact_id in sorted(named):
        installation = await _installation(services, installation_id, done)
        if installation is None:
            continue
        what = f"HubSpot contact {contact_id}"
        if contacts:
            erasing = services.hubspot.of(installation).erase_contact(contact_id)
            done.contacts += await done.gone(what, erasing)
            continue
        neighbours = await same_portal(services, installation_id)
        shared = any(
            one.id not in ours
            for one in await services.handoffs.of_person("contact_id", contact_id)
            if one.installation_id in neighbours
        )
        try:
            crm = services.crm.of(installation)
        except HitlError as error:
            done.failed(what, error)
            continue
        done.transcripts += await _transcript(crm, contact_id, what, done, shared=shared)


async def _transcript(
    crm: Crm, contact_id: str, what: str, done: AtVendors, *, shared: bool
) -> int:
    """Empty the property; where it holds other handoffs too, say so instead."""
    try:
        contact = await crm.get(CrmType.CONTACT, contact_id, properties=(CHAT_TRANSCRIPT,))
    except HitlError as error:
        done.failed(what, error)
        return 0
    if contact is None or not contact.properties.get(CHAT_TRANSCRIPT):
        return 0
    if shared:
        done.left.append(f"{what}: {CHAT_TRANSCRIPT} holds other chats too; erase the contact")
        return 0
    return await done.gone(what, _emptied(crm, contact.id))


async def _emptied(crm: Crm, contact_id: str) -> None:
    await crm.update(CrmType.CONTACT, contact_id, {CHAT_TRANSCRIPT: ""})


async def _messages(
    services: Services, installation: Installation, handoff: Handoff, done: AtVendors
) -> None:
    if handoff.conversation_id is None:
        return
    bot = services.bots.of(installation)
    where = f"Botpress conversation {handoff.conversation_id}"
    try:
        ids = await bot.message_ids(handoff.conversation_id)
    except VendorNotFound:
        return
    except HitlError as error:
        done.failed(where, error)
        return
    for message_id in ids:
        done.messages += await done.gone(where, bot.delete_message(message_id))


async def _installation(
    services: Services, installation_id: str, done: AtVendors
) -> Installation | None:
    installation = await services.installations.get(installation_id)
    if installation is None:
        error = UnknownInstallation(f"installation {installation_id!r} was removed")
        done.failed(f"installation {installation_id}", error)
    return installation
