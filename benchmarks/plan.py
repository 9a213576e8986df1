"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The loads of one run. `history` counts finished deliveries; `replicas` are processes."""

    seconds: float
    closed: int
    installations: int = 10
    handoffs: int = 1_000
    rate_per_s: float = 200
    workers: int = 64
    batches: int = 20
    latencies: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.040, 0.020))
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000)
    idle_s: float = 10
    history: int = 1_000_000
    replicas: tuple[int, ...] = (1, 2, 3)
    late_check: bool = True

    @property
    def open(self) -> int:
        """Messages of an open loop."""
        return int(self.rate_per_s * self.seconds)


QUICK = Plan(
    2,
    2_000,
    batches=5,
    latencies=((0.0, 0.0),),
    sizes=(),
    idle_s=3,
    history=0,
    replicas=(),
    late_check=False,
)
WHOLE = Plan(10, 10_000)
