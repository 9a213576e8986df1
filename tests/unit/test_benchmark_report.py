"""The benchmark's verdicts: a budget is judged by its worst figure, by the same run's floor."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks import budgets, report

FLOOR = {"engine": "floor", "latency_ms": 0, "name": "closed loop", "messages": 10}
OURS = {"engine": "sqlite", "latency_ms": 0, "messages": 10, "calls_per_message": 2.0}


def _runs(p99_ms: float, cpu_s: float) -> list[Mapping[str, object]]:
    open_ = {**OURS, "name": "user to agent, open loop", "ack_p99_ms": 3.0}
    return [
        {**FLOOR, "per_s": 1000.0, "cpu_s_per_1000": 0.2},
        open_,
        {**open_, "engine": "postgresql", "ack_p99_ms": p99_ms},
        {**OURS, "name": "user to agent, closed loop", "per_s": 600.0, "cpu_s_per_1000": cpu_s},
    ]


def test_a_budget_is_judged_by_the_worst_of_all_engines() -> None:
    found = {one.promise: one for one in budgets.judge(_runs(12.0, 0.3))}
    ack = found["ack p99 at 200/s, ms"]
    assert (ack.measured, ack.kept) == (12.0, False)
    assert ack.where == "postgresql, 0 ms, user to agent, open loop"
    assert found["calls per user message"].kept
    assert "idle CPU, %" not in found


def test_throughput_is_judged_by_the_floor_of_the_same_run() -> None:
    found = {one.promise: one for one in budgets.judge(_runs(5.0, 0.5))}
    assert found["messages/s, of the floor's"].kept
    by_cpu = found["messages per CPU s, of the floor's"]
    assert (by_cpu.measured, by_cpu.kept) == (0.4, False)


def test_the_table_shows_the_ratio_to_the_floor_of_the_same_load() -> None:
    lines = report.table(_runs(5.0, 0.5)).splitlines()
    assert "600 (0.60x)" in lines[-1]
    assert "0.50 (2.50x)" in lines[-1]
    assert "| NO |" in report.verdicts(budgets.judge(_runs(5.0, 0.5)))
