"""The examples of the pages on transcript and events work as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from hubspot_hitl.crm.outcome_rules import outcome_rules_of
from hubspot_hitl.integration.subscribers import subscribers_of

PAGES = Path(__file__).parents[3] / "docs" / "how-to"


def example(page: str) -> str:
    (found,) = re.findall(r"```json\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return str(found)


def test_the_outcome_rules_of_the_page_are_taken() -> None:
    (rule,) = outcome_rules_of(example("transcript.md"))
    assert rule.then.deal is not None


def test_the_subscriber_of_the_page_is_taken() -> None:
    (one,) = subscribers_of(example("events-webhook.md"))
    assert one.key == b"secret-of-yours"
