"""Shows the agent what was said before the handoff, as internal comments or as messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from hubspot_hitl.channels.attachments import is_refusal
from hubspot_hitl.channels.parties import account_identifier, bot_party, recipient_of, sender_of
from hubspot_hitl.channels.publishing import Said, publish
from hubspot_hitl.effects.comments import comments_in, write_comment
from hubspot_hitl.errors import VendorError, VendorRefused
from hubspot_hitl.handoff.marks import has_mark
from hubspot_hitl.handoff.plain_text import one_line
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.transcript import Entry, Facts, entries, part_mark, transcript
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_history, mask_optional, mask_text

log = structlog.get_logger(__name__)

HISTORY = "handoff.history"
SPACING_MS = 1_000
MOST_FACTS = 20


async def handle_history(services: Services, it: Delivery) -> Outcome:
    """Put the history into the thread in the way the bot owner chose, each part once.

    Whatever HubSpot refuses to take as messages, it gets as comments.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    mode = installation.configuration.history_mode
    if mode == "off" or handoff.thread_id is None:
        return Done(note="history is switched off")
    described = it.body.get("description")
    if isinstance(described, str):
        handoff = replace(handoff, description=described)
    facts = await _facts(services, installation, handoff)
    history = it.body["messageHistory"]
    if mode == "messages":
        try:
            return await _as_messages(services, installation, handoff, it, facts)
        except VendorRefused as error:
            if not is_refusal(error):
                raise
            log.warning("history_not_as_messages", handoff=handoff.id, error=error.code)
    masked = mask_history(installation.configuration, history)
    note = await _comments(services, installation, handoff, it, transcript(masked, facts))
    return Done(note=note)


async def _comments(
    services: Services,
    installation: Installation,
    handoff: Handoff,
    it: Delivery,
    parts: Sequence[str],
) -> str:
    """Write the parts whose mark is not in the thread yet.

    HubSpot's comments have no idempotency id: a delivery that began before reads the thread first.
    So a crash between HubSpot's commit and ours doubles nothing, as long as the thread can be read.
    """
    thread_id = handoff.thread_id or ""
    written: Sequence[str] = ()
    if it.started or it.attempts:
        written = await comments_in(services, installation, thread_id)
    else:
        await services.ledger.mark_started(it)
    missing = [
        (part, mark)
        for number, part in enumerate(parts, start=1)
        for mark in [part_mark(_name(handoff, it), number, len(parts))]
        if not any(has_mark(comment, mark) for comment in written)
    ]
    for part, mark in missing:
        await write_comment(services, installation, thread_id, part, mark)
    return f"{len(missing)} comment(s) of {len(parts)} written"


async def _as_messages(
    services: Services, installation: Installation, handoff: Handoff, it: Delivery, facts: Facts
) -> Outcome:
    """Publish every entry in its author's name, before the opening by its time, oldest first.

    Botpress passes the history without times, so the entries are a second apart. Each has its
    own idempotency id. The newest ones are taken when there are too many. A chat that ends
    meanwhile gets no more: a message that is published into a closed thread opens it again.
    """
    said = entries(it.body["messageHistory"], facts.words)
    kept = said[-services.policy.history_messages_limit :]
    recipient = recipient_of(await account_identifier(services, handoff))
    first = len(said) - len(kept)
    for number, entry in enumerate(kept, start=first):
        if not (await handoff_of(services, it)).active:
            return Done(note=f"{number - first} of {len(said)} entries published: the chat ended")
        bot = entry.source != "user"
        await publish(
            services,
            installation,
            handoff,
            Said(
                key=f"{_name(handoff, it)}:history:{number}",
                content=entry.message,
                sender=bot_party(installation)
                if bot
                else await sender_of(services, installation, handoff, _user_of(entry, handoff)),
                recipient=recipient,
                timestamp_ms=handoff.created_ms - (len(said) - number) * SPACING_MS,
                attempts=it.attempts,
                direction=services.policy.history_bot_direction if bot else "INCOMING",
            ),
        )
    note = await _comments(services, installation, handoff, it, transcript((), facts))
    return Done(note=f"{len(kept)} of {len(said)} entries published; {note}")


def _name(handoff: Handoff, it: Delivery) -> str:
    """By what its parts are known: the first history goes by the handoff's id, a later not."""
    first = it.dedup_key == f"history:{handoff.id}"
    return handoff.id if first else it.dedup_key


def _user_of(entry: Entry, handoff: Handoff) -> str:
    return entry.user_id or handoff.user_id


async def _facts(services: Services, installation: Installation, handoff: Handoff) -> Facts:
    session = HitlSession.model_validate_json(handoff.session)
    configuration = installation.configuration
    more = await _contact_facts(services, installation, handoff)
    return Facts(
        handoff_id=handoff.id,
        name=handoff.user_name,
        subject=mask_optional(configuration, session.subject),
        reason=mask_optional(configuration, session.reason),
        intent=mask_optional(configuration, session.intent),
        sentiment=mask_optional(configuration, session.sentiment),
        title=mask_optional(configuration, handoff.title),
        description=mask_optional(configuration, handoff.description),
        language=handoff.language,
        origin=session.page_url,
        more=tuple((label, mask_text(configuration, value)) for label, value in more),
        words=agents_words(installation, handoff),
    )


async def _contact_facts(
    services: Services, installation: Installation, handoff: Handoff
) -> tuple[tuple[str, str], ...]:
    """The contact's properties that the bot owner chose; none of them is worth a lost history."""
    chosen = installation.configuration.contact_facts.split(",")
    names = [name for part in chosen if (name := part.strip())][:MOST_FACTS]
    if not names or handoff.contact_id is None:
        return ()
    hubspot = services.hubspot.of(installation)
    try:
        contact = await hubspot.contact(handoff.contact_id, by="id", properties=names)
    except VendorError as error:
        log.warning("contact_facts_unknown", handoff=handoff.id, error=error.code)
        return ()
    if contact is None:
        return ()
    values = ((name, one_line(contact.properties.get(name), 500)) for name in names)
    return tuple((name, value) for name, value in values if value)


DELIVERIES = {HISTORY: handle_history}
"""Kind of delivery -> who handles it."""
