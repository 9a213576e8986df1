"""Removes a handoff's messages and user at Botpress and its thread at HubSpot. Safe to repeat.

What is gone already counts as removed. At Botpress only this integration's own conversation and
user can be reached: the chat in which the user talks to the bot belongs to another integration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from hubspot_hitl.errors import HitlError, UnknownInstallation, VendorNotFound
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.target import Found, Target

Vendor = Literal["botpress", "hubspot"]
BOTH: Final[tuple[Vendor, ...]] = ("botpress", "hubspot")


@dataclass(slots=True)
class AtVendors:
    """What was removed, and what refused; one refusal does not keep the rest."""

    messages: int = 0
    users: int = 0
    threads: int = 0
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
    services: Services, target: Target, found: Found, vendors: Collection[Vendor]
) -> AtVendors:
    """Remove all of `found` at the vendors named; the user only when not a handoff is the target.

    A user of a removed installation cannot be reached any more and is reported as left.
    """
    done = AtVendors()
    for handoff in found.handoffs:
        installation = await _installation(services, handoff.installation_id, done)
        if installation is None:
            continue
        if "botpress" in vendors:
            await _messages(services, installation, handoff, done)
        if "hubspot" in vendors and handoff.thread_id is not None:
            hubspot = services.hubspot.of(installation)
            done.threads += await done.gone(
                f"HubSpot thread {handoff.thread_id}", hubspot.archive_thread(handoff.thread_id)
            )
    if "botpress" in vendors and target.kind != "handoff":
        users = {(one.installation_id, one.user_id) for one in found.handoffs} | {*found.people}
        for installation_id, user_id in sorted(users):
            installation = await _installation(services, installation_id, done)
            if installation is not None:
                bot = services.bots.of(installation)
                done.users += await done.gone(f"Botpress user {user_id}", bot.delete_user(user_id))
    return done


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
