"""The measured figures as one table, each beside its share of the floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.budgets import Budget

COLUMNS = (
    ("ack_p50_ms", "ack p50 ms"),
    ("ack_p99_ms", "ack p99 ms"),
    ("added_p50_ms", "added p50 ms"),
    ("added_p99_ms", "added p99 ms"),
    ("per_s", "messages/s"),
    ("cpu_s_per_1000", "CPU s/1,000"),
    ("calls_per_message", "calls/msg"),
    ("start_s", "first answer s"),
    ("start_cpu_s", "its CPU s"),
    ("idle_cpu_percent", "idle CPU %"),
    ("rss_mib", "RSS MiB"),
    ("rss_used_mib", "RSS used MiB"),
    ("lost", "lost"),
    ("repeated", "doubled"),
)
_SHARED = frozenset({"per_s", "cpu_s_per_1000", "added_p50_ms", "ack_p50_ms"})


def table(runs: Sequence[Mapping[str, object]]) -> str:
    """Markdown; in brackets the ratio to the floor's same load."""
    floors = {
        (run["latency_ms"], _kind(run)): run
        for run in runs
        if run["engine"] == "floor" and "messages" in run
    }
    head = ["engine", "vendor ms", "load", *(label for _, label in COLUMNS)]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for run in runs:
        floor = floors.get((run["latency_ms"], _kind(run)))
        cells = [str(run["engine"]), str(run["latency_ms"]), str(run["name"])]
        cells += [_cell(run, floor, name) for name, _ in COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdicts(budgets: Sequence[Budget]) -> str:
    """Each budget with the worst that was measured for it."""
    lines = ["| budget | bound | worst measured | where | kept |", "|" + " --- |" * 5]
    for budget in budgets:
        sign = ">=" if budget.at_least else "<="
        kept = "yes" if budget.kept else "NO"
        lines.append(
            f"| {budget.promise} | {sign} {budget.bound:g} | {budget.measured:g}"
            f" | {budget.where} | {kept} |"
        )
    return "\n".join(lines)


def _kind(run: Mapping[str, object]) -> str:
    return "open" if "open loop" in str(run["name"]) else "closed"


def _cell(run: Mapping[str, object], floor: Mapping[str, object] | None, name: str) -> str:
    if name not in run:
        return ""
    value = _number(run, name)
    text = f"{value:.0f}" if value >= 100 or name in {"lost", "repeated"} else f"{value:.2f}"
    base = _number(floor, name) if floor and name in _SHARED and "messages" in run else 0.0
    return f"{text} ({value / base:.2f}x)" if base and run is not floor else text


def _number(run: Mapping[str, object], name: str) -> float:
    value = run.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
