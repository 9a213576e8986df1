"""Faults on demand: when they strike, what they do to a call, and that a seed repeats a run."""

from __future__ import annotations

import aiohttp
import pytest
from tests.unit.twins.conftest import HubClient, Json

from hubspot_hitl.twins.faults import BadFaultError, Fault, FaultKind, Faults

INBOXES = "/conversations/v3/conversations/inboxes"


def strikes(faults: Faults, operation: str, calls: int) -> list[bool]:
    return [bool(faults.draw(operation)) for _ in range(calls)]


def test_a_schedule_skips_then_strikes_so_many_times() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.ERROR_500, skip=1, times=2))
    assert strikes(faults, "any", 5) == [False, True, True, False, False]


def test_only_the_named_operations_are_struck() -> None:
    faults = Faults()
    faults.add(Fault(FaultKind.ERROR_500, ("messages.*", "oauth.token")))
    names = ("messages.publish", "oauth.token", "threads.get")
    assert [bool(faults.draw(name)) for name in names] == [True, True, False]


def test_a_seed_repeats_a_run_however_calls_interleave() -> None:
    first, second = Faults(seed=3), Faults(seed=3)
    for faults in (first, second):
        faults.add(Fault(FaultKind.ERROR_500, probability=0.5))
    alone = strikes(first, "a", 50)
    mixed = [hit for _ in range(50) for hit in strikes(second, "a", 1) + strikes(second, "b", 1)]
    assert mixed[::2] == alone
    assert 10 < sum(alone) < 40


def test_another_seed_is_another_run() -> None:
    runs: list[list[bool]] = []
    for seed in (1, 2):
        faults = Faults(seed)
        faults.add(Fault(FaultKind.ERROR_500, probability=0.5))
        runs.append(strikes(faults, "a", 50))
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "latency", "colour": "red"},
        {"kind": "latency", "probability": 2},
        {"kind": "latency", "seconds": -1},
        {"kind": "redeliver", "copies": 11},
    ],
)
async def test_a_bad_fault_is_refused(bare_hub: HubClient, body: Json) -> None:
    with pytest.raises(BadFaultError):
        Fault.from_json(body)
    assert (await bare_hub.call("POST", "/_twin/faults", body)).status == 400


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("rate_limit", 429),
        ("error_500", 500),
        ("error_502", 502),
        ("error_503", 503),
        ("locked_423", 423),
        ("token_expired", 401),
        ("grant_revoked", 401),
    ],
)
async def test_a_fault_set_by_http_strikes_the_next_call(
    bare_hub: HubClient, kind: str, status: int
) -> None:
    fault = {"kind": kind, "operations": "inboxes.*", "times": 1}
    assert (await bare_hub.call("POST", "/_twin/faults", fault)).status == 200
    answer = await bare_hub.call("GET", INBOXES)
    assert (answer.status, answer.json["status"]) == (status, "error")


async def test_retry_after_is_sent_only_when_asked_for(bare_hub: HubClient) -> None:
    bare_hub.twin.faults.add(Fault(FaultKind.RATE_LIMIT, times=1))
    bare_hub.twin.faults.add(Fault(FaultKind.RATE_LIMIT, skip=1, times=1, retry_after_s=3))
    answers = [await bare_hub.call("GET", INBOXES) for _ in range(3)]
    assert [one.headers.get("Retry-After") for one in answers] == [None, "3", None]
    assert [one.status for one in answers] == [429, 429, 200]


@pytest.mark.parametrize(
    ("fault", "messages"),
    [
        (Fault(FaultKind.RESET_BEFORE, times=1), 0),
        (Fault(FaultKind.RESET_AFTER, times=1), 1),
        (Fault(FaultKind.SILENCE, times=1, seconds=0.01), 0),
    ],
)
async def test_a_reset_comes_before_or_after_the_effect(
    hub: HubClient, fault: Fault, messages: int
) -> None:
    hub.twin.faults.add(fault)
    with pytest.raises(aiohttp.ClientConnectionError):
        await hub.publish(hub.message(integrationIdempotencyId="k"))
    assert len(hub.twin.world.messages) == messages
    again = await hub.publish(hub.message(integrationIdempotencyId="k"))
    assert again.status in (200, 201)
    assert len(hub.twin.world.messages) == 1


async def test_a_status_fault_can_come_after_the_effect(hub: HubClient) -> None:
    hub.twin.faults.add(Fault(FaultKind.ERROR_503, ("messages.publish",), times=1, after=True))
    assert (await hub.publish(hub.message())).status == 503
    assert len(hub.twin.world.messages) == 1


async def test_faults_are_shown_counted_and_lifted(bare_hub: HubClient) -> None:
    both = {"seed": 5, "faults": [{"kind": "error_500"}, {"kind": "latency"}]}
    await bare_hub.call("PUT", "/_twin/faults", both)
    await bare_hub.call("GET", INBOXES)
    shown = (await bare_hub.call("GET", "/_twin/faults")).json
    left = (await bare_hub.call("DELETE", "/_twin/faults/1")).json
    gone = await bare_hub.call("DELETE", "/_twin/faults/77")
    none = (await bare_hub.call("DELETE", "/_twin/faults")).json
    assert (shown["seed"], shown["struck"]["error_500"]) == (5, 1)
    assert [one["kind"] for one in left["faults"]] == ["latency"]
    assert (gone.status, none["faults"]) == (404, [])


async def test_options_change_while_the_twin_runs(bare_hub: HubClient) -> None:
    changed = await bare_hub.call("PATCH", "/_twin/options", {"rate_limit": 1})
    wrong = await bare_hub.call("PATCH", "/_twin/options", {"speed": 1})
    statuses = [(await bare_hub.call("GET", INBOXES)).status for _ in range(2)]
    assert (changed.json["rate_limit"], wrong.status) == (1, 400)
    assert statuses == [200, 429]


async def test_the_journal_can_be_read_and_followed(bare_hub: HubClient) -> None:
    with bare_hub.twin.journal.follow() as queue:
        await bare_hub.call("GET", INBOXES)
        entry = await queue.get()
    logged = (await bare_hub.call("GET", "/_twin/log", params={"kind": "call"})).json
    assert (entry["operation"], entry["status"]) == ("inboxes.list", 200)
    assert [one["seq"] for one in logged] == [entry["seq"]]
