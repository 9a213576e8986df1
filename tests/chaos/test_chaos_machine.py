"""Whatever happens in whatever order: nothing lost, doubled or out of order, legal states only."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.chaos.arena import LONG, SEED
from tests.chaos.machine import OnPostgres, Product

pytestmark = pytest.mark.chaos

EXAMPLES, STEPS = (15, 30) if LONG else (3, 12)


@pytest.mark.parametrize("product", [Product, pytest.param(OnPostgres, marks=pytest.mark.postgres)])
def test_any_order_of_events_keeps_every_promise(product: type[Product]) -> None:
    """Not shrunk: a run takes seconds, and what people do at once is not repeated to the letter."""
    run_state_machine_as_test(
        seed(SEED)(product),
        settings=settings(
            max_examples=EXAMPLES if LONG or product is Product else 1,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
            print_blob=False,
        ),
    )
