from __future__ import annotations

import re

from scripts.reference import ROOT, outputs
from scripts.reference.metrics import one_of_each

from hubspot_hitl.dispatch import DELIVERY_HANDLERS
from hubspot_hitl.hubspot import wire
from hubspot_hitl.integration.events import EVENTS
from hubspot_hitl.observing.metrics import Metrics
from hubspot_hitl.ports.ledger import LedgerHealth
from hubspot_hitl.web.exposition import Gauges, exposed

PAGES = ROOT / "docs" / "reference"


def test_the_reference_and_the_example_file_are_up_to_date() -> None:
    stale = [path.name for path, text in outputs().items() if path.read_text() != text]

    assert stale == [], "run python scripts/build_reference.py"


def test_a_scrape_has_no_metric_that_the_page_has_not() -> None:
    page = (PAGES / "metrics.md").read_text()
    scraped = exposed(Metrics(), Gauges(LedgerHealth(0, 0, None), {}, 0)).decode()
    names = set(re.findall(r"^# TYPE (\w+)", scraped, re.MULTILINE))
    assert len(names) > 10
    assert [name for name in sorted(names) if f"| `{name}` |" not in page] == []


def test_every_label_of_a_metric_is_explained() -> None:
    page = (PAGES / "metrics.md").read_text()
    table = page.split("| label | values |")[1]
    used = {name for family in one_of_each() for one in family.samples for name in one.labels}
    assert {name for name in used - {"le", "version"} if f"| `{name}` |" not in table} == set()


def test_every_kind_of_delivery_and_event_is_explained() -> None:
    page = (PAGES / "events.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert [row for row in rows if not row[-1].removesuffix(" |").strip()] == []
    named = {*DELIVERY_HANDLERS, *EVENTS, *wire.EVENT_TYPES}
    assert [name for name in named if f"| `{name}` |" not in page] == []
