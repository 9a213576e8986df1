"""The measured figures as one table, each beside its share of the floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

COLUMNS = (
    ("ack_p50_ms", "ack p50", "ms"),
    ("ack_p99_ms", "ack p99", "ms"),
    ("added_p50_ms", "added p50", "ms"),
    ("added_p99_ms", "added p99", "ms"),
    ("per_s", "messages/s", ""),
    ("cpu_s_per_1000", "CPU s/1,000", ""),
    ("calls_per_message", "calls/msg", ""),
)
OTHERS = (
    ("batch_p50_ms", "ack p50 {:.1f} ms"),
    ("batch_p99_ms", "p99 {:.1f} ms"),
    ("start_s", "first answer after {:.2f} s"),
    ("idle_cpu_percent", "idle CPU {:.2f} %"),
    ("rss_mib", "RSS {:.0f} MiB"),
    ("rss_used_mib", "after 2,000 messages {:.0f} MiB"),
)


def table(runs: Sequence[Mapping[str, object]]) -> str:
    """Markdown: loads with the ratio to the floor's same load in brackets, then the rest."""
    floors = {
        (run["latency_ms"], "open" in str(run["name"])): run
        for run in runs
        if run["engine"] == "floor" and "messages" in run
    }
    head = ["engine", "vendor ms", "load", *(label for _, label, _ in COLUMNS), "lost", "doubled"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for run in runs:
        if "messages" not in run:
            continue
        floor = floors.get((run["latency_ms"], "open" in str(run["name"])))
        cells = [str(run["engine"]), str(run["latency_ms"]), str(run["name"])]
        cells += [_cell(run, floor, name) for name, _, _ in COLUMNS]
        cells += [f"{_number(run, 'lost'):.0f}", f"{_number(run, 'repeated'):.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    for run in runs:
        if "messages" in run:
            continue
        said = [form.format(_number(run, name)) for name, form in OTHERS if name in run]
        lines.append(f"- {run['engine']}, {run['name']}: {', '.join(said)}")
    return "\n".join(lines)


def _cell(run: Mapping[str, object], floor: Mapping[str, object] | None, name: str) -> str:
    value = _number(run, name)
    text = f"{value:.0f}" if value >= 100 else f"{value:.2f}"
    base = _number(floor, name) if floor else 0.0
    return f"{text} ({value / base:.2f}x)" if base and run is not floor else text


def _number(run: Mapping[str, object], name: str) -> float:
    value = run.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
