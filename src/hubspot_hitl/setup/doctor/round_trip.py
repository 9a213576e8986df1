"""`doctor --round-trip`: a marked message into the inbox, its answer back, a write at the bot.

It makes one thread, which is archived at the end. No bot and no user hears of it: the answer comes
back as a message without a handoff, which the server writes down and tells the agent of.
"""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.errors import HitlError, MissingScope, VendorError, VendorRefused
from hubspot_hitl.intake.hubspot_events import thread_lane
from hubspot_hitl.integration.installation import ChannelBinding
from hubspot_hitl.integration.tags import UserTag
from hubspot_hitl.ports.hubspot_records import (
    ChannelMessage,
    DeliveryIdentifier,
    IdentifierType,
    Party,
)
from hubspot_hitl.ports.ledger import DeliveryFilter
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.doctor.findings import Finding, fine, problem
from hubspot_hitl.setup.doctor.portal_checks import Patient, of_error

WITHIN_S = 30.0
LOOK_EVERY_S = 0.25
HISTORY = 20


async def round_trip(patient: Patient) -> list[Finding]:
    """Send the message, look it up, answer it, and wait for the answer to come in."""
    services, installation = patient.services, patient.installation
    bindings = await services.installations.bindings(installation.id)
    ready = [one for one in bindings if one.unlisted_since_ms is None]
    if not ready:
        return [problem("account_missing", "no inbox is connected to send through", patient.id)]
    try:
        return await _there_and_back(patient, ready[0])
    except HitlError as error:
        return [of_error(error, patient.id)]


async def _there_and_back(patient: Patient, binding: ChannelBinding) -> list[Finding]:
    services, clock = patient.services, patient.services.clock
    hubspot = services.hubspot.of(patient.installation)
    mark = f"hubspot-hitl doctor {services.new_id()}"
    visitor = DeliveryIdentifier(IdentifierType.OPAQUE, mark.replace(" ", "-"))
    began = clock.monotonic()
    published = await hubspot.publish(
        ChannelMessage(
            channel_id=binding.channel_id,
            channel_account_id=binding.channel_account_id,
            integration_thread_id=services.new_id(),
            idempotency_id=services.new_id(),
            text=f"{mark}: a test message. Please ignore it, it is archived by itself.",
            sender=Party(visitor, "hubspot-hitl doctor"),
            recipients=(Party(DeliveryIdentifier(IdentifierType.OPAQUE, binding.identifier)),),
            timestamp_ms=clock.now_ms(),
        )
    )
    thread_id = published.thread_id
    try:
        history = await hubspot.thread_messages(thread_id, newest_first=True, limit=HISTORY)
        if not any(mark in one.text for one in history):
            what = f"thread {thread_id} does not show the message"
            found = [problem("round_trip_out_failed", what, patient.id)]
        else:
            took_ms = round((clock.monotonic() - began) * 1000)
            what = f"inbox {binding.inbox_id} shows the message after {took_ms} ms"
            found = [fine("round_trip_out", what, patient.id)]
            found.append(await _back(patient, binding, thread_id, visitor))
    finally:
        left = await _archive(patient, thread_id)
    return [*found, *left]


async def _back(
    patient: Patient,
    binding: ChannelBinding,
    thread_id: str,
    visitor: DeliveryIdentifier,
) -> Finding:
    """Answer as the person who connected the portal, and wait for HubSpot's webhook.

    That such a message calls the channel's webhook is not documented: where HubSpot refuses it, the
    way back is left unproven rather than called broken.
    """
    services, clock = patient.services, patient.services.clock
    user_id = patient.info.user_id if patient.info is not None else None
    if user_id is None:
        what = "the token does not tell in whose name to answer"
        return problem("round_trip_unproven", what, patient.id)
    began = clock.monotonic()
    try:
        await services.hubspot.of(patient.installation).write_as_agent(
            thread_id,
            actor_id=f"A-{user_id}",
            channel_id=binding.channel_id,
            channel_account_id=binding.channel_account_id,
            to=visitor,
            text="hubspot-hitl doctor: the way back.",
        )
    except (VendorRefused, MissingScope) as error:
        return problem("round_trip_unproven", error.message, patient.id)
    wanted = DeliveryFilter(
        lane=thread_lane(patient.id, thread_id), installation_id=patient.id, limit=1
    )
    while not await services.ledger.find(wanted):
        if clock.monotonic() - began > WITHIN_S:
            what = f"HubSpot's webhook for the answer did not come within {WITHIN_S:.0f} s"
            return problem("round_trip_back_failed", what, patient.id)
        await clock.sleep(LOOK_EVERY_S)
    took_ms = round((clock.monotonic() - began) * 1000)
    return fine("round_trip_back", f"the answer came back after {took_ms} ms", patient.id)


async def write_to_bot(patient: Patient) -> Finding:
    """Make a marked user at the bot, and delete it: the write that no plugin and no bot hears of.

    A message would go further, but whoever listens in the bot could answer it.
    """
    bot = patient.services.bots.of(patient.installation)
    mark = f"doctor-{patient.services.new_id()}"
    began = patient.services.clock.monotonic()
    try:
        user, _ = await bot.get_or_create_user(
            {UserTag.ACTOR_ID.value: mark},
            discriminate_by=[UserTag.ACTOR_ID.value],
            name="hubspot-hitl doctor",
        )
        await bot.delete_user(user.id)
    except HitlError as error:
        return problem("round_trip_bot_failed", error.message, patient.id)
    took_ms = round((patient.services.clock.monotonic() - began) * 1000)
    return fine("round_trip_bot", f"the bot took a user and let go of it: {took_ms} ms", patient.id)


async def _archive(patient: Patient, thread_id: str) -> Sequence[Finding]:
    services: Services = patient.services
    try:
        await services.hubspot.of(patient.installation).archive_thread(thread_id)
    except VendorError as error:
        return [problem("probe_left_behind", f"thread {thread_id}: {error.message}", patient.id)]
    return []
