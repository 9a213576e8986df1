"""The budgets of the design, and whether a run kept them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

Run = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Budget:
    """One promise: the worst of what was measured for it, and where."""

    promise: str
    bound: float
    measured: float
    where: str
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Whether the worst is good enough."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    @property
    def shown(self) -> dict[str, object]:
        """For the JSON."""
        return {**asdict(self), "kept": self.kept}


@dataclass(frozen=True, slots=True)
class _Rule:
    promise: str
    bound: float
    figure: str
    about: Callable[[Run], bool]
    scale: float = 1.0


def _named(*parts: str, latency_ms: int | None = None) -> Callable[[Run], bool]:
    def about(run: Run) -> bool:
        fits = latency_ms is None or run["latency_ms"] == latency_ms
        return fits and run["engine"] != "floor" and all(part in str(run["name"]) for part in parts)

    return about


_RULES = (
    _Rule("ack p99 at 200/s, ms", 10, "ack_p99_ms", _named("open loop")),
    _Rule("batch of 100 events p99, ms", 50, "ack_p99_ms", _named("batch")),
    _Rule("added p50 at 200/s, ms", 5, "added_p50_ms", _named("open loop", latency_ms=0)),
    _Rule("added p99 at 200/s, ms", 25, "added_p99_ms", _named("open loop", latency_ms=0)),
    _Rule("calls per user message", 2, "calls_per_message", _named("user to agent", "loop")),
    _Rule("calls per agent message", 2, "calls_per_message", _named("agent to user", "loop")),
    _Rule("RSS with 100,000 handoffs, MiB", 200, "rss_used_mib", _named("100,000 open")),
    _Rule("start with 100,000 handoffs, s", 2, "start_s", _named("100,000 open")),
    _Rule("first answer after the start, s", 0.8, "start_s", _named("idle")),
    _Rule("idle CPU, %", 1, "idle_cpu_percent", _named("idle")),
)


def judge(runs: Sequence[Run]) -> list[Budget]:
    """Every budget that something was measured for."""
    found: list[Budget] = []
    for rule in _RULES:
        met = [run for run in runs if rule.figure in run and rule.about(run)]
        if met:
            worst = max(met, key=lambda run: _number(run, rule.figure))
            value = round(_number(worst, rule.figure), 2)
            found.append(Budget(rule.promise, rule.bound, value, _place(worst)))
    floor = next((run for run in runs if run["engine"] == "floor" and _is_closed(run)), None)
    closed = [run for run in runs if run["engine"] != "floor" and _is_closed(run)]
    if floor is not None and closed:
        for figure, promise in (("per_s", "messages/s"), ("cpu_s_per_1000", "messages per CPU s")):
            shares = {id(run): _share(run, floor, figure) for run in closed}
            worst = min(closed, key=lambda run: shares[id(run)])
            share = round(shares[id(worst)], 2)
            found.append(Budget(f"{promise}, of the floor's", 0.5, share, _place(worst), True))
    return found


def _is_closed(run: Run) -> bool:
    return str(run["name"]).endswith("closed loop") and run["latency_ms"] == 0


def _share(run: Run, floor: Run, figure: str) -> float:
    """Ours by the floor's, the larger the better."""
    ours, base = _number(run, figure), _number(floor, figure)
    return ours / base if figure == "per_s" else base / ours


def _place(run: Run) -> str:
    return f"{run['engine']}, {run['latency_ms']} ms, {run['name']}"


def _number(run: Run, name: str) -> float:
    value = run.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
