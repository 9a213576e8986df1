"""People, webhooks, faults and restarts in any order, over the whole product.

The server runs between both twins; hypothesis chooses what happens next. Looks at the database go
beside the server, through a connection of their own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.chaos.arena import LONG, WITHIN_S, Server, Talk, begin, new_stage
from tests.databases import database_url

from hubspot_hitl.handoff.machine import LEGAL_MOVES
from hubspot_hitl.handoff.records import HandoffState
from hubspot_hitl.twins.faults import Fault, FaultKind, Faults
from hubspot_hitl.twins.stage import reached

MOST_TALKS = 4
CALLS = (
    Fault(FaultKind.ERROR_500, probability=0.2),
    Fault(FaultKind.ERROR_502, probability=0.2, after=True),
    Fault(FaultKind.RATE_LIMIT, probability=0.2, retry_after_s=0),
    Fault(FaultKind.LOCKED_423, probability=0.2),
    Fault(FaultKind.RESET_BEFORE, probability=0.2),
    Fault(FaultKind.RESET_AFTER, probability=0.2),
    Fault(FaultKind.CUT_OFF, probability=0.2),
    Fault(FaultKind.LATENCY, probability=0.3, seconds=0.1),
)
TOKENS_EXPIRE = Fault(FaultKind.TOKEN_EXPIRED, probability=0.05)
AWAY = Fault(FaultKind.ERROR_503)
WEBHOOKS = (
    Fault(FaultKind.REDELIVER, ("webhook.*",), copies=3, seconds=0.3),
    Fault(FaultKind.REORDER, ("webhook.*",), seconds=0.3),
    Fault(FaultKind.DELAY, ("webhook.*",), probability=0.5, seconds=0.2),
    Fault(FaultKind.BATCH, ("webhook.app.*",), seconds=0.2),
)


def _closure() -> dict[str, set[str]]:
    """Each state, and all that can follow it however many looks were missed."""
    after = {str(state): {str(to) for to in moves} for state, moves in LEGAL_MOVES.items()}
    for _ in HandoffState:
        after = {
            state: to.union(*(after[one] for one in to)) if to else to
            for state, to in after.items()
        }
    return after


LATER_STATES = _closure()


@dataclass
class Person:
    """A talk, and which of its ends has begun."""

    talk: Talk
    agents: set[str] = field(default_factory=set[str])
    assigned: int = 1
    ended: bool = False


class Product(RuleBasedStateMachine):
    """What people, vendors and the operator of the machine may do."""

    engine = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.exit = AsyncExitStack()
        self.people: list[Person] = []
        self.outages: list[tuple[Faults, int]] = []
        self.states: dict[str, str] = {}
        self.loop.run(self._open())

    async def _open(self) -> None:
        self.stage = await self.exit.enter_async_context(new_stage())
        folder = Path(self.exit.enter_context(tempfile.TemporaryDirectory()))
        self.url = await self.exit.enter_async_context(database_url(self.engine, folder))
        # No grace: whatever runs is cut off in the middle when the server ends.
        more = {"HITL_SHUTDOWN_GRACE_S": "0", "HITL_RECONCILE_CRON": "off"}
        self.server = Server(self.stage, folder, self.url, more=more)
        self.exit.push_async_callback(self.server.end)
        self.exit.push_async_callback(self.server.close)
        await self._start()
        await self.stage.install(self.server.url)

    async def _start(self) -> None:
        if LONG:
            await self.server.spawn()
        else:
            await self.server.open()

    def _going_on(self) -> list[Person]:
        return [one for one in self.people if not one.ended]

    def _one(self, data: st.DataObject) -> Person:
        going_on = self._going_on()
        return going_on[data.draw(st.integers(0, len(going_on) - 1), label="who")]

    # -- people
    @precondition(lambda self: len(self._going_on()) < MOST_TALKS)
    @rule()
    def somebody_asks_for_a_person(self) -> None:
        self.loop.run(self._begin())

    async def _begin(self) -> None:
        for faults, number in self.outages:  # a bot does not wait for the end of one
            faults.remove(number)
        number = len(self.people) + 1
        chat, thread_id = await begin(self.stage, number)
        agent_id = self.stage.hubspot.agents.list()[0].actor_id
        self.stage.hubspot.agents.assign(thread_id, agent_id)
        self.people.append(Person(Talk(number, chat, thread_id, agent_id), {agent_id}))

    @precondition(lambda self: self._going_on())
    @rule(data=st.data(), messages=st.integers(1, 5), pause_s=st.sampled_from((0.003, 0.05)))
    def both_write(self, data: st.DataObject, messages: int, pause_s: float) -> None:
        self.loop.run(self._one(data).talk.exchange(self.stage, messages, pause_s=pause_s))

    @precondition(lambda self: self._going_on())
    @rule(data=st.data())
    def another_agent_takes_over(self, data: st.DataObject) -> None:
        self.loop.run(self._take_over(self._one(data)))

    async def _take_over(self, one: Person) -> None:
        agents = [agent.actor_id for agent in self.stage.hubspot.agents.list()]
        it = one.talk
        it.agent_id = agents[(agents.index(it.agent_id) + 1) % len(agents)]
        self.stage.hubspot.agents.assign(it.thread_id, it.agent_id)
        one.agents.add(it.agent_id)
        one.assigned += 1

    @precondition(lambda self: self._going_on())
    @rule(data=st.data(), by_bot=st.booleans())
    def a_chat_ends(self, data: st.DataObject, by_bot: bool) -> None:
        """What was said before the end is waited for: late words have rules of their own."""
        one = self._one(data)
        self.loop.run(self._end(one, by_bot))

    async def _end(self, one: Person, by_bot: bool) -> None:
        await reached(lambda: self._arrived(one.talk), 0.3)
        self._calm()
        await reached(lambda: self._arrived(one.talk), WITHIN_S)
        one.ended = True
        if by_bot:
            answer = await self.stage.botpress.plugin.stop_hitl(one.talk.chat)
            assert answer is None or answer.accepted, answer
        else:
            self.stage.hubspot.agents.close(one.talk.thread_id, one.talk.agent_id)
        assert await reached(lambda: not one.talk.chat.active, WITHIN_S), "the end was not told"
        assert self._arrived(one.talk), (one.talk.said, one.talk.answered, "something was lost")
        self.nothing_is_doubled_or_out_of_order()

    # -- vendors and the machine
    @rule(fault=st.sampled_from((*CALLS, TOKENS_EXPIRE)))
    def hubspot_ails(self, fault: Fault) -> None:
        self.stage.hubspot.faults.add(fault)

    @rule(fault=st.sampled_from(CALLS))
    def botpress_ails(self, fault: Fault) -> None:
        self.stage.botpress.faults.add(fault)

    @rule(hubspot=st.booleans())
    def a_vendor_is_away(self, hubspot: bool) -> None:
        faults = (self.stage.hubspot if hubspot else self.stage.botpress).faults
        self.outages.append((faults, faults.add(AWAY)))

    @rule(fault=st.sampled_from(WEBHOOKS))
    def webhooks_ail(self, fault: Fault) -> None:
        self.stage.hubspot.faults.add(fault)

    @rule()
    def everything_is_well_again(self) -> None:
        self._calm()

    def _calm(self) -> None:
        self.stage.hubspot.faults.clear()
        self.stage.botpress.faults.clear()
        self.outages.clear()

    @rule()
    def the_server_dies_and_comes_back(self) -> None:
        self.loop.run(self._restart())

    async def _restart(self) -> None:
        if LONG:
            await self.server.end()
        else:
            await self.server.close()
        await self._start()

    @rule(seconds=st.sampled_from((0.01, 0.1, 0.5)))
    def time_passes(self, seconds: float) -> None:
        self.loop.run(asyncio.sleep(seconds))

    # -- what always holds
    def _heard(self, it: Talk) -> tuple[list[str], list[str]]:
        """What agent and user read of each other's words, without what we say ourselves."""
        return (
            [text for text in self.stage.heard_by_agent(it.thread_id) if text in it.said],
            [text for text in self.stage.heard_by_user(it.chat) if text in it.answered],
        )

    def _arrived(self, it: Talk) -> bool:
        by_agent, by_user = self._heard(it)
        return set(by_agent) == set(it.said) and set(by_user) == set(it.answered)

    def _rows(self, sql: str) -> list[tuple[str, ...]]:
        if self.engine == "postgresql":
            return self.loop.run(self._look(sql))
        file = self.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as db:
            return list(db.execute(sql))

    async def _look(self, sql: str) -> list[tuple[str, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    @invariant()
    def states_are_legal_and_each_user_has_one_handoff(self) -> None:
        owners: Counter[str] = Counter()
        for handoff_id, user_id, state, agent in self._rows(
            "SELECT id, user_id, state, agent_actor_id FROM handoffs"
        ):
            before = self.states.get(handoff_id, str(HandoffState.STARTING))
            assert state == before or state in LATER_STATES[before], (before, state)
            self.states[handoff_id] = state
            owners[user_id] += state in ("starting", "pending", "assigned")
            assert (state != "assigned") or agent, "assigned to nobody"
        assert max(owners.values(), default=0) <= 1

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        for one in self.people:
            it = one.talk
            by_agent, by_user = self._heard(it)
            assert by_agent == it.said[: len(by_agent)], (it.number, by_agent)
            assert by_user == it.answered[: len(by_user)], (it.number, by_user)
            assert it.chat.counts["hitlAssigned"] <= one.assigned

    @invariant()
    def nothing_dies(self) -> None:
        assert not self._rows("SELECT kind, error FROM deliveries WHERE state = 'dead'")

    def teardown(self) -> None:
        try:
            for one in self._going_on():
                self.loop.run(self._end(one, by_bot=False))
            self.states_are_legal_and_each_user_has_one_handoff()
            self.nothing_is_doubled_or_out_of_order()
            self.nothing_dies()
        finally:
            self.loop.run(self.exit.aclose())
            self.loop.close()


class OnPostgres(Product):
    """The same on PostgreSQL."""

    engine = "postgresql"
