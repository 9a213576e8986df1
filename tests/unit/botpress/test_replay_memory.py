from __future__ import annotations

import pytest
from tests.unit.botpress.support import SECRET, QuickClock, operation_headers

from hubspot_hitl.botpress.signature import ReplayMemory, sign
from hubspot_hitl.errors import BadSignature

BODY = b'{"type":"startHitl"}'
ACTION = operation_headers("action_triggered")


def signed(clock: QuickClock, body: bytes = BODY) -> str:
    return sign(body, [SECRET], clock.now_ms())


def test_a_faithful_repetition_is_reported_and_let_through() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    assert memory.admit(signed(clock), BODY, ACTION) is True
    assert memory.admit(signed(clock), BODY, ACTION) is False


@pytest.mark.parametrize(
    "name", ["x-bp-operation", "x-bot-id", "x-integration-id", "x-webhook-id", "x-bp-configuration"]
)
def test_the_same_signature_with_another_header_is_refused(name: str) -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    memory.admit(signed(clock), BODY, ACTION)
    with pytest.raises(BadSignature, match="other headers"):
        memory.admit(signed(clock), BODY, ACTION | {name: "other"})
    with pytest.raises(BadSignature, match="other headers"):
        memory.admit(signed(clock), BODY, {k: v for k, v in ACTION.items() if k != name})


def test_extra_hashes_do_not_make_an_old_signature_new() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    memory.admit(signed(clock), BODY, ACTION)
    longer = signed(clock) + "," + "A" * 43
    assert memory.admit(longer, BODY, ACTION) is False


def test_the_trace_may_differ_in_a_retry() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    memory.admit(signed(clock), BODY, ACTION | {"traceparent": "a"})
    assert memory.admit(signed(clock), BODY, ACTION | {"traceparent": "b"}) is False


def test_another_body_or_moment_is_new() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    assert memory.admit(signed(clock), BODY, ACTION)
    assert memory.admit(signed(clock, b"{}"), b"{}", ACTION)
    assert memory.admit(sign(BODY, [SECRET], clock.now_ms() + 1), BODY, ACTION)


def test_the_policy_may_refuse_every_repetition_or_none() -> None:
    clock = QuickClock()
    strict, off = ReplayMemory(clock, policy="refuse"), ReplayMemory(clock, policy="off")
    assert strict.admit(signed(clock), BODY, ACTION)
    with pytest.raises(BadSignature, match="before"):
        strict.admit(signed(clock), BODY, ACTION)
    assert off.admit(signed(clock), BODY, ACTION)
    assert off.admit(signed(clock), BODY, ACTION | {"x-bot-id": "other"})


def test_pings_of_several_bots_in_one_millisecond_are_all_answered() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    ping = operation_headers("ping")
    assert memory.admit(signed(clock, b"{}"), b"{}", ping)
    assert memory.admit(signed(clock, b"{}"), b"{}", ping | {"x-bot-id": "bot_2"})


async def test_a_signature_from_the_future_is_remembered_while_it_is_valid() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    ahead = sign(BODY, [SECRET], clock.now_ms() + 300_000)
    memory.admit(ahead, BODY, ACTION)
    await clock.sleep(599)
    assert memory.admit(ahead, BODY, ACTION) is False
    await clock.sleep(2)
    assert memory.admit(ahead, BODY, ACTION) is True
    assert len(memory) == 1


def test_the_memory_is_bounded_and_loses_the_oldest_first() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock, capacity=3)
    bodies = [b"%d" % number for number in range(4)]
    for body in bodies:
        memory.admit(signed(clock, body), body, ACTION)
    assert len(memory) == 3
    assert memory.admit(signed(clock, bodies[3]), bodies[3], ACTION) is False
    assert memory.admit(signed(clock, bodies[0]), bodies[0], ACTION) is True


def test_the_same_body_of_two_bots_in_one_millisecond_is_let_through() -> None:
    clock = QuickClock()
    memory = ReplayMemory(clock)
    other = ACTION | {"x-bot-id": "bot_2", "x-webhook-id": "wh_2"}
    assert memory.admit(signed(clock, b"{}"), b"{}", other)
    assert memory.admit(signed(clock), BODY, ACTION)
    assert memory.admit(signed(clock), BODY, other)
    with pytest.raises(BadSignature, match="other headers"):
        memory.admit(signed(clock), BODY, other | {"x-bp-operation": "unregister"})
    with pytest.raises(BadSignature, match="other headers"):
        memory.admit(signed(clock), BODY, other | {"x-bp-configuration": "e30="})
