"""200 appends from 20 handoffs of one contact, on both databases, over HTTP, also with a kill."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.contract.ledger_fixtures import Plug
from tests.crm_portal import CrmPortal, open_portal, services_of
from tests.databases import ENGINES, database_url
from tests.rooms import handoff

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.crm.transcript_text import LIMIT
from hubspot_hitl.effects import contact_log
from hubspot_hitl.handoff.summary import Spoken
from hubspot_hitl.hubspot.limiter import Window
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ledger.engine import Engine
from hubspot_hitl.ledger.postgres.engine import PostgresEngine
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ledger.sqlite import SqliteEngine
from hubspot_hitl.ports.crm_records import CHAT_TRANSCRIPT, CrmType
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.memory import MemoryInstallations
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import reached

CHATS, EACH = 20, 10
FILLER = "and so on " * 80
LINE = re.compile(r"MESSAGE: chat (\d+) line (\d+) ")
WITHIN_S = 60.0
Engines = Callable[[], Engine]


@pytest.fixture(params=ENGINES)
async def engines(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engines]:
    """Engines over one empty database."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database_url(request.param, tmp_path))
        database = open_database(url)
        await database.start()
        stack.push_async_callback(database.close)
        if request.param == "sqlite":
            yield lambda: SqliteEngine(database)
        else:
            yield lambda: PostgresEngine(url, lease_s=5)


@pytest.fixture
async def at() -> AsyncIterator[CrmPortal]:
    async with open_portal(window=Window(requests=100_000)) as portal:
        yield portal


class Replica:
    """One process: a ledger that can be killed, and the handlers over its own services."""

    def __init__(self, at: CrmPortal, engine: Engine) -> None:
        self.plug = Plug(engine)
        handlers: dict[str, Any] = {}
        self.ledger = LaneLedger(self.plug, handlers, SystemClock())
        installations = MemoryInstallations()
        self.ready = installations.remember(configured(at))
        services = services_of(at, SystemClock(), ledger=self.ledger, installations=installations)
        for kind, handle in contact_log.DELIVERIES.items():
            handlers[kind] = partial(handle, services)

    async def start(self) -> Replica:
        await self.ready
        await self.ledger.start()
        return self

    async def kill(self) -> None:
        """No mark and no release reaches the database any more."""
        self.plug.out = True
        await self.ledger.stop(0)


def configured(at: CrmPortal) -> Installation:
    changed = at.installation.configuration.model_copy(update={"transcript_mode": "per-message"})
    return replace(at.installation, configuration=changed)


def said(at: CrmPortal, contact_id: str, chat: int, number: int) -> list[NewDelivery]:
    """The delivery of one message, as the channel and the events make it."""
    one = replace(
        handoff(), id=f"handoff-{chat}", contact_id=contact_id, installation_id=at.installation.id
    )
    it = Delivery(
        1, f"m:{chat}:{number}", one.id, "bot.message", at.installation.id, {}, one.id, False,
        DeliveryState.DONE, 0, 0, 0,
    )  # fmt: skip
    spoken = Spoken("user", "Ada", 1_000 * number, f"chat {chat} line {number} {FILLER}")
    return contact_log.said_later(configured(at), one, it, spoken)


async def say_all(at: CrmPortal, contact_id: str, replicas: list[Replica]) -> None:
    """Twenty chats at once, each line written down before the next is said."""

    async def chat(number: int) -> None:
        ledger = replicas[number % len(replicas)].ledger
        for line in range(EACH):
            await ledger.accept(said(at, contact_id, number, line))

    await asyncio.gather(*(chat(number) for number in range(CHATS)))


async def all_done(ledger: LaneLedger) -> list[Delivery]:
    """The deliveries in the order of their lane, when all of them are done."""
    wanted = DeliveryFilter(
        kind=contact_log.SAID, states=(DeliveryState.DONE,), newest_first=False, limit=1_000
    )
    async with asyncio.timeout(WITHIN_S):
        while len(found := list(await ledger.find(wanted))) < CHATS * EACH:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


def kept(at: CrmPortal, contact_id: str) -> list[tuple[str, str]]:
    """Chat and line of every message on the contact: the older ones in notes, then the property."""
    notes = at.portal.of_type("notes")
    texts = [str(notes[one].properties["hs_note_body"]) for one in sorted(notes, key=int)]
    texts.append(str(at.portal.of_type("contacts")[contact_id].properties[CHAT_TRANSCRIPT]))
    assert all(len(text) <= LIMIT for text in texts)
    return [match for text in texts for match in LINE.findall(text)]


def in_lane_order(done: list[Delivery]) -> list[tuple[str, str]]:
    pairs = [LINE.match(f"MESSAGE: {one.body['text']}") for one in done]
    return [(match[1], match[2]) for match in pairs if match]


def check(at: CrmPortal, contact_id: str, done: list[Delivery]) -> None:
    found = kept(at, contact_id)
    assert len(found) == len(set(found)) == CHATS * EACH
    assert found == in_lane_order(done)
    for chat in range(CHATS):
        mine = [line for number, line in found if number == str(chat)]
        assert mine == [str(line) for line in range(EACH)]
    assert len(at.portal.of_type("notes")) >= 2, "the test is to go over the limit"


async def test_200_appends_from_20_handoffs_of_one_contact(at: CrmPortal, engines: Engines) -> None:
    contact = await at.crm.create(CrmType.CONTACT, {"email": "ada@example.com"})
    for operation in ("contacts.update", "notes.create"):
        at.twin.faults.add(Fault(FaultKind.RESET_AFTER, (operation,), skip=1, times=1))
    replicas = [await Replica(at, engines()).start()]
    if isinstance(replicas[0].plug.engine, PostgresEngine):
        replicas.append(await Replica(at, engines()).start())
    await say_all(at, contact.id, replicas)
    done = await all_done(replicas[0].ledger)
    for one in replicas:
        await one.ledger.stop()
    check(at, contact.id, done)


async def test_a_kill_in_the_midst_of_appends_loses_and_doubles_none(
    at: CrmPortal, engines: Engines
) -> None:
    contact = await at.crm.create(CrmType.CONTACT, {"email": "ada@example.com"})
    first = await Replica(at, engines()).start()
    # Each of these has its effect, and hears nothing of it before it dies.
    for skip in (40, 80, 120):
        at.twin.faults.add(
            Fault(
                FaultKind.LATENCY, ("contacts.update",), skip=skip, times=1, seconds=9, after=True
            )
        )
    await say_all(at, contact.id, [first])
    for kills in (1, 2, 3):
        assert await reached(partial(struck, at, kills), WITHIN_S)
        await first.kill()
        engine = engines()
        if isinstance(engine, PostgresEngine):
            engine.clock_offset_ms = 60_000 * kills  # the leases of the dead have run out
        first = await Replica(at, engine).start()
    done = await all_done(first.ledger)
    await first.ledger.stop()
    check(at, contact.id, done)


def struck(at: CrmPortal, times: int) -> bool:
    return at.twin.faults.struck[FaultKind.LATENCY.value] >= times
