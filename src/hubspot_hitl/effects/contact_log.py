"""What a chat leaves behind in the CRM: its transcript, a note, its outcome; each a delivery.

All that is written to one contact goes through the contact's own lane. So two chats of one contact
add to its transcript one after the other, and no chat waits for the CRM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import structlog

from hubspot_hitl.crm.outcome import settings_of
from hubspot_hitl.crm.outcome_rules import outcome_rules_of, rule_for
from hubspot_hitl.crm.transcript import add_notes, append, contact_lane, property_exists
from hubspot_hitl.crm.transcript_text import Line, blocks, iso
from hubspot_hitl.effects.spoken import spoken_in, transcript_blocks
from hubspot_hitl.errors import BadConfiguration, MissingScope
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.summary import Extract, Spoken, extract
from hubspot_hitl.handoff.texts import TextKey, Words
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.ports.crm_records import CrmType, TimelineEvent
from hubspot_hitl.ports.ledger import Delivery, Done, Later, NewDelivery, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services
from hubspot_hitl.privacy.masking import mask_handoff

log = structlog.get_logger(__name__)

SAID: Final = "contact.said"
ENDED: Final = "contact.ended"
TRANSCRIPT: Final = "contact.transcript"
NOTE: Final = "contact.note"
TIMELINE: Final = "contact.timeline"
OUTCOME: Final = "contact.outcome"
SET: Final = "contact.set"
MOST: Final = 3_000
"""Characters of a summary in an event."""
SOON_S: Final = 0.5
LATER_S: Final = 60.0
SOON_MS: Final = 60_000


def writes_each_message(installation: Installation, handoff: Handoff) -> bool:
    """Whether each message goes to the contact's transcript at once."""
    each = installation.configuration.transcript_mode == "per-message"
    return each and handoff.contact_id is not None


def said_later(
    installation: Installation, handoff: Handoff, it: Delivery, said: Spoken
) -> list[NewDelivery]:
    """The delivery that adds one message to the contact's transcript, if it is to be added now."""
    if not writes_each_message(installation, handoff):
        return []
    body: dict[str, object] = {"sender": said.name, "atMs": said.at_ms, "text": said.text}
    return [_delivery(SAID, f"{it.dedup_key}:transcript", handoff, body)]


def end_deliveries(
    installation: Installation, before: Handoff, after: Handoff
) -> list[NewDelivery]:
    """What is left to do in the CRM at the end of a chat.

    Note and outcome are one for each handoff, however often it is reopened; the transcript has
    what was said since the last end.
    """
    if not before.active or after.active or after.thread_id is None:
        return []
    configuration = installation.configuration
    found: list[NewDelivery] = []
    if after.contact_id is not None:
        since_ms = before.ended_ms or 0
        key = f"{ENDED}:{after.id}:{since_ms}"
        if configuration.transcript_mode == "at-close":
            found.append(_delivery(ENDED, key, after, {"sinceMs": since_ms}))
        if configuration.end_note or configuration.transcript_mode != "off":
            found.append(_delivery(NOTE, f"{NOTE}:{after.id}", after, {}))
        if configuration.timeline_event:
            found.append(_delivery(TIMELINE, f"{TIMELINE}:{after.id}", after, {}))
    if configuration.outcome_rules:
        found.append(_delivery(OUTCOME, f"{OUTCOME}:{after.id}", after, {}))
    return found


def _delivery(kind: str, key: str, handoff: Handoff, body: dict[str, object]) -> NewDelivery:
    contact_id = handoff.contact_id
    return NewDelivery(
        dedup_key=key,
        lane=(
            contact_lane(handoff.installation_id, contact_id)
            if contact_id is not None and kind in (SAID, TRANSCRIPT)
            # What waits for the end to be saved must not hold up other chats of the contact.
            else f"{kind}:{handoff.id}"
        ),
        kind=kind,
        installation_id=handoff.installation_id,
        handoff_id=handoff.id,
        body={"contactId": contact_id, **body},
    )


async def write_said(services: Services, it: Delivery) -> Outcome:
    """Append one message."""
    installation = await installation_of(services, it)
    said = Line(str(it.body["sender"]), it.number("atMs"), str(it.body["text"]))
    note = await append(services, it, installation, str(it.body["contactId"]), blocks(said))
    return Done(note=note)


async def wait_for_end(services: Services, it: Delivery) -> Outcome:
    """Give the transcript into the contact's lane as soon as the end is saved."""
    handoff = await handoff_of(services, it)
    since_ms = it.number("sinceMs")
    reopened = handoff.active and (handoff.ended_ms or 0) > since_ms
    if handoff.active and not reopened:
        return _wait(services, it)
    until_ms = handoff.ended_ms if reopened else None
    body: dict[str, object] = {"sinceMs": since_ms, "untilMs": until_ms}
    return Done(
        then=[_delivery(TRANSCRIPT, f"{TRANSCRIPT}:{handoff.id}:{since_ms}", handoff, body)]
    )


def _wait(services: Services, it: Delivery) -> Later:
    young = services.clock.now_ms() - it.accepted_ms < SOON_MS
    return Later(SOON_S if young else LATER_S, "the chat goes on")


async def write_transcript(services: Services, it: Delivery) -> Outcome:
    """Append everything that was said between the last end and this one."""
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    spoken = await spoken_in(services, installation, handoff, since_ms=it.number("sinceMs"))
    until_ms = None if it.body["untilMs"] is None else it.number("untilMs")
    new = transcript_blocks([one for one in spoken if until_ms is None or one.at_ms <= until_ms])
    note = await append(services, it, installation, str(it.body["contactId"]), new)
    return Done(note=note)


async def write_note(services: Services, it: Delivery) -> Outcome:
    """Leave a note on the contact: how the chat ended and a summary, once per handoff.

    Where the transcript cannot be kept in a property, the note has its words.
    """
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    if handoff.active:
        return _wait(services, it)
    configuration = installation.configuration
    wanted = configuration.transcript_mode != "off"
    whole = wanted and not await property_exists(services, installation)
    if not configuration.end_note and not whole:
        return Done(note="no note is wanted")
    handoff = mask_handoff(configuration, handoff)
    spoken = await spoken_in(services, installation, handoff)
    chat = transcript_blocks(spoken) if whole else []
    words = agents_words(installation, handoff)
    noted = configuration.end_note
    summary = await _summary(services, handoff, spoken, words) if noted else None
    return await _leave_note(services, it, installation, handoff, summary, chat)


async def _leave_note(
    services: Services,
    it: Delivery,
    installation: Installation,
    handoff: Handoff,
    summary: str | None,
    chat: Sequence[str] = (),
) -> Done:
    words = agents_words(installation, handoff)
    parts = _facts(handoff, words)
    if summary is not None:
        parts += ["", f"{words(TextKey.SUMMARY_HEAD)}:", summary]
    crm = services.crm.of(installation)
    contact_id, text = str(it.body["contactId"]), "\n".join([*parts, *chat])
    # The number is part of the text, so the marks of two handoffs always differ.
    count = await add_notes(services, it, crm, contact_id, f"Chat {handoff.id}", text)
    return Done(note=f"{count} note(s) made" if count else "already there")


async def write_timeline_event(services: Services, it: Delivery) -> Outcome:
    """Put the end of the chat on the contact's time line, once per handoff.

    An app that may not (private apps never can) leaves a note, unless there is one anyway.
    """
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    if handoff.active:
        return _wait(services, it)
    configuration = installation.configuration
    handoff = mask_handoff(configuration, handoff)
    spoken = await spoken_in(services, installation, handoff)
    words = agents_words(installation, handoff)
    summary = await _summary(services, handoff, spoken, words)
    headed = words.line(TextKey.SUMMARY_HEAD, summary)[:MOST]
    event = TimelineEvent(
        type=configuration.timeline_event,
        id=f"hitl-{handoff.id}",
        at_ms=handoff.ended_ms or it.accepted_ms,
        properties={**_event_facts(handoff), "summary": headed},
        contact_id=str(it.body["contactId"]),
    )
    try:
        created = await services.crm.of(installation).timeline_event(event)
    except MissingScope as error:
        log.warning("timeline_not_allowed", installation=installation.id, error=error.code)
        if configuration.end_note:
            return Done(note=error.message)
        return await _leave_note(services, it, installation, handoff, summary)
    return Done(note="event written" if created else "already there")


def _facts(handoff: Handoff, words: Words) -> list[str]:
    """How a chat went, for people, a line each."""
    values = {
        TextKey.FACT_WITH: handoff.user_name,
        TextKey.LABEL_TITLE: handoff.title,
        TextKey.FACT_BEGAN: iso(handoff.created_ms),
        TextKey.FACT_FIRST_ANSWER: iso(handoff.first_reply_ms) if handoff.first_reply_ms else None,
        TextKey.FACT_ENDED: iso(handoff.ended_ms) if handoff.ended_ms else None,
        TextKey.FACT_OUTCOME: words.end(handoff.end_reason) or words.state(handoff.state),
        TextKey.FACT_AGENT: handoff.agent_actor_id,
    }
    return [words.line(label, value) for label, value in values.items() if value]


def _event_facts(handoff: Handoff) -> dict[str, str]:
    """How a chat went, by the names that the event type defines: all are given, some empty."""
    waited_ms = (handoff.first_reply_ms or handoff.created_ms) - handoff.created_ms
    return {
        "outcome": handoff.state.value,
        "reason": handoff.end_reason or "",
        "title": handoff.title or "",
        "agent": handoff.agent_actor_id or "",
        "wait_seconds": str(round(waited_ms / 1000)) if handoff.first_reply_ms else "",
        "handoff_id": handoff.id,
        "thread_id": handoff.thread_id or "",
    }


async def _summary(
    services: Services, handoff: Handoff, spoken: Sequence[Spoken], words: Words
) -> str:
    """The plug-in's summary; the extract where it fails, for the note matters more."""
    made = ""
    if not isinstance(services.summariser, Extract):
        try:
            made = (await services.summariser.summarise(handoff, spoken)).strip()
        except Exception as error:
            log.warning("summariser_failed", handoff=handoff.id, error=type(error).__name__)
    return made or extract(spoken, words)


async def decide_outcome(services: Services, it: Delivery) -> Outcome:
    """Find the rule that fits and the records it means; each is changed by its own delivery.

    Once per handoff: one that was reopened meanwhile is looked at when it has ended for good.
    """
    installation, handoff = await installation_of(services, it), await handoff_of(services, it)
    if handoff.active:
        return _wait(services, it)
    try:
        rule = rule_for(outcome_rules_of(installation.configuration.outcome_rules), handoff)
    except BadConfiguration as error:
        log.error("outcome_rules_unusable", installation=installation.id, error=error.code)
        return Done(note=error.message)
    if rule is None:
        return Done(note="no outcome rule fits")
    settings, without = await settings_of(services, installation, handoff, rule.then)
    if without:
        log.warning("outcome_incomplete", handoff=handoff.id, rule=rule.name, parts=len(without))
    then = [
        NewDelivery(
            dedup_key=f"{SET}:{handoff.id}:{one.type.value}",
            lane=f"{SET}:{handoff.installation_id}:{one.type.value}:{one.id}",
            kind=SET,
            installation_id=handoff.installation_id,
            handoff_id=handoff.id,
            body={"type": one.type.value, "id": one.id, "properties": dict(one.properties)},
        )
        for one in settings
    ]
    return Done(note="; ".join([f"rule {rule.name!r}", *without]), then=then)


async def set_properties(services: Services, it: Delivery) -> Outcome:
    """Set what a rule sets in one record; setting it twice is setting it once."""
    installation = await installation_of(services, it)
    type_, id_ = CrmType(str(it.body["type"])), str(it.body["id"])
    properties = cast("dict[str, str]", it.body["properties"])
    await services.crm.of(installation).update(type_, id_, properties)
    return Done(note=f"{type_.one} {id_} set")


DELIVERIES = {
    SAID: write_said,
    ENDED: wait_for_end,
    TRANSCRIPT: write_transcript,
    NOTE: write_note,
    TIMELINE: write_timeline_event,
    OUTCOME: decide_outcome,
    SET: set_properties,
}
"""Kind of delivery -> who handles it."""
