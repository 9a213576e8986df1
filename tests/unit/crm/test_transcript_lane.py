"""Many chats of one contact write to one transcript, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from tests.rooms import handoff, installation

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.crm.transcript_text import LIMIT, Line, blocks, merged, note_bodies
from hubspot_hitl.effects import contact_log
from hubspot_hitl.errors import MissingScope, VendorFault
from hubspot_hitl.handoff.records import Handoff, HandoffState
from hubspot_hitl.handoff.summary import Spoken
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ledger.memory import MemoryEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmObject, CrmType, PropertyDraft
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.ports.services import Policy, Services
from hubspot_hitl.store.memory import MemoryHandoffs, MemoryInstallations, MemoryPeople


@dataclass(slots=True)
class OneContact:
    """A CRM with one contact; every call lets the others run, as a real one does."""

    text: str | None = None
    may_define: bool = True
    notes: list[str] = field(default_factory=list[str])
    fail_after_write: int = 0

    def of(self, installation: Installation) -> Any:
        return self

    async def properties(self, type_: CrmType) -> list[object]:
        return []

    async def create_property(self, type_: CrmType, draft: PropertyDraft) -> None:
        if not self.may_define:
            raise MissingScope("no", vendor="hubspot", operation="x", status=403)

    async def get(self, type_: CrmType, key: str, **more: object) -> CrmObject:
        read = CrmObject(key, type_, {CHAT_TRANSCRIPT: self.text})
        await asyncio.sleep(0)
        return read

    async def update(self, type_: CrmType, key: str, properties: Mapping[str, str]) -> None:
        await asyncio.sleep(0)
        self.text = properties[CHAT_TRANSCRIPT]
        if self.fail_after_write:
            self.fail_after_write -= 1
            raise VendorFault("answer lost", vendor="hubspot", operation="x")

    async def create(
        self, type_: CrmType, properties: Mapping[str, str], **more: object
    ) -> CrmObject:
        self.notes.append(properties["hs_note_body"])
        return CrmObject(str(len(self.notes)), type_, dict(properties))


async def rooms(crm: OneContact, **more: Any) -> tuple[Services, LaneLedger]:
    handlers: dict[str, Any] = {}
    ledger = LaneLedger(MemoryEngine(), handlers, SystemClock())
    installations = MemoryInstallations()
    absent: Any = None
    services = Services(
        hubspot=absent,
        bots=absent,
        handoffs=MemoryHandoffs(),
        people=MemoryPeople(),
        installations=installations,
        ledger=ledger,
        clock=SystemClock(),
        policy=Policy(),
        crm=crm,
        **more,
    )
    await installations.remember(installation(transcriptMode="per-message"))
    for kind, handle in contact_log.DELIVERIES.items():
        handlers[kind] = partial(handle, services)
    await ledger.start()
    return services, ledger


def said(chat: int, number: int, text: str = "") -> list[NewDelivery]:
    """The delivery of one message of one of the contact's chats."""
    one = replace(handoff(), id=f"handoff-{chat}", contact_id="501")
    it = Delivery(
        1, f"m:{chat}:{number}", one.id, "bot.message", "hook", {}, one.id, False,
        DeliveryState.DONE, 0, 0, 0,
    )  # fmt: skip
    spoken = Spoken("user", "Ada", number, text or f"chat {chat} line {number}")
    return contact_log.said_later(installation(transcriptMode="per-message"), one, it, spoken)


async def finished(ledger: LaneLedger, count: int) -> None:
    async with asyncio.timeout(60):
        done = DeliveryFilter(states=(DeliveryState.DONE,), limit=10_000)
        while len(await ledger.find(done)) < count:  # noqa: ASYNC110 - the worker must run
            await asyncio.sleep(0.01)


async def test_200_appends_from_20_chats_of_a_contact_are_200_messages_in_order() -> None:
    crm = OneContact()
    _, ledger = await rooms(crm)
    new = [one for number in range(10) for chat in range(20) for one in said(chat, number)]
    await asyncio.gather(*(ledger.accept(new[at::20]) for at in range(20)))
    await finished(ledger, 200)
    await ledger.stop()
    lines = [line for line in (crm.text or "").splitlines() if line.startswith("MESSAGE: ")]
    assert len(lines) == len(set(lines)) == 200
    for chat in range(20):
        mine = [line for line in lines if line.startswith(f"MESSAGE: chat {chat} ")]
        assert mine == [f"MESSAGE: chat {chat} line {number}" for number in range(10)]


async def test_an_append_whose_answer_was_lost_is_not_made_twice() -> None:
    crm = OneContact(fail_after_write=1)
    _, ledger = await rooms(crm)
    await ledger.accept(said(1, 1))
    await finished(ledger, 1)
    await ledger.stop()
    assert (crm.text or "").count("MESSAGE:") == 1


async def test_what_no_longer_fits_goes_on_in_notes() -> None:
    crm = OneContact(text="x" * (LIMIT - 20))
    _, ledger = await rooms(crm)
    await ledger.accept(said(1, 1))
    await finished(ledger, 1)
    await ledger.stop()
    assert (crm.text or "").endswith("MESSAGE: chat 1 line 1\n")
    assert sum(note.count("x") for note in crm.notes) == LIMIT - 20
    assert all(len(note) <= LIMIT for note in crm.notes)


async def test_without_the_right_to_make_the_property_nothing_is_written_to_it() -> None:
    crm = OneContact(may_define=False)
    _, ledger = await rooms(crm)
    await ledger.accept(said(1, 1))
    await finished(ledger, 1)
    await ledger.stop()
    assert crm.text is None


def test_nobody_can_write_a_message_that_looks_like_another() -> None:
    (block,) = blocks(Line("Ada\nFROM: Bo", 0, "hi\n\nFROM: Bo\nMESSAGE: yes"))
    heads = [line for line in block.splitlines() if line.startswith(("FROM:", "MESSAGE:"))]
    assert heads == ["FROM: Ada FROM: Bo", "MESSAGE: hi"]


def test_a_reopened_handoff_has_one_note_one_outcome_and_only_new_words() -> None:
    rule = '[{"name": "all", "then": {"lifecycleStage": "customer"}}]'
    one = installation(transcriptMode="at-close", endNote=True, outcomeRules=rule)
    began = handoff(contact_id="501")
    ended = replace(began, state=HandoffState.RESOLVED, ended_ms=10)
    first = contact_log.end_deliveries(one, began, ended)
    resumed = replace(began, ended_ms=10)
    second = contact_log.end_deliveries(one, resumed, replace(ended, ended_ms=20))
    keys = [{it.kind: it.dedup_key for it in found} for found in (first, second)]
    assert keys[0].keys() == {contact_log.ENDED, contact_log.NOTE, contact_log.OUTCOME}
    assert [kind for kind in keys[0] if keys[0][kind] != keys[1][kind]] == [contact_log.ENDED]
    assert [it.body["sinceMs"] for it in (*first, *second) if it.kind == contact_log.ENDED] == [
        0,
        10,
    ]
    assert contact_log.end_deliveries(one, ended, ended) == []


async def test_a_summariser_that_fails_is_replaced_by_quotes() -> None:
    class Broken:
        async def summarise(self, handoff: Handoff, spoken: Sequence[Spoken]) -> str:
            raise RuntimeError("the model is away")

    crm = OneContact()
    services, ledger = await rooms(crm, summariser=Broken())
    ended = replace(handoff(contact_id="501"), state=HandoffState.STARTING)
    ended = await services.handoffs.save(
        replace(await services.handoffs.open(ended), state=HandoffState.RESOLVED, ended_ms=9)
    )
    await services.installations.remember(installation(endNote=True))
    note = NewDelivery("n", "n", contact_log.NOTE, "hook", {"contactId": "501"}, ended.id)
    await ledger.accept([note])
    await finished(ledger, 1)
    await ledger.stop()
    (body,) = crm.notes
    assert "Summary made by a machine:<br>Nobody said anything." in body
    assert "Outcome: ended" in body


@pytest.mark.parametrize("current", [None, ""])
def test_no_transcript_yet_is_an_empty_one(current: str | None) -> None:
    assert merged(current, ["\na\n"]).text == "\na\n"


def test_no_note_is_longer_than_hubspot_takes() -> None:
    text = "\n".join("<&>" * 5_000 for _ in range(20))
    bodies = note_bodies("Chat", text)
    assert all(len(body) <= LIMIT for _, body in bodies)
    assert "".join(body for _, body in bodies).count("&lt;") == 100_000
