from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hubspot_hitl.ledger.observer import Accepted, Buried, Finished, Postponed, Retried
from hubspot_hitl.observing.metrics import Histogram, Metrics
from hubspot_hitl.ports.ledger import Delivery, DeliveryState, LedgerHealth
from hubspot_hitl.web.exposition import Gauges, exposed

DEPLOY = Path(__file__).parents[3] / "deploy"
DELIVERY = Delivery(
    seq=1,
    dedup_key="message:1",
    lane="handoff-1",
    kind="hubspot.message",
    installation_id="installation-1",
    body={"text": "words"},
    handoff_id="handoff-1",
    timer=False,
    state=DeliveryState.DONE,
    attempts=0,
    due_ms=0,
    accepted_ms=0,
)


def scrape(counted: Metrics) -> str:
    gauges = Gauges(
        LedgerHealth(3, 1, 1_000),
        {"pending": 2},
        61_000,
        circuits_open={"hubspot": 1},
        token_age_s=60.0,
    )
    return exposed(counted, gauges).decode()


def busy() -> Metrics:
    counted = Metrics()
    counted.ledger(Accepted(new=2, known=1))
    counted.ledger(Finished(DELIVERY, waited_ms=20, took_s=0.01))
    counted.ledger(Retried(replace(DELIVERY, kind="bot.message"), 5, "vendor_fault"))
    counted.ledger(Buried(DELIVERY, "a reason with words", "vendor_refused"))
    counted.ledger(Postponed(DELIVERY, 5))
    counted.botpress("messages.get_or_create", "ok", 0.2)
    return counted


def test_what_happened_is_counted() -> None:
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(scrape(busy()))
        for sample in family.samples
    }
    done = [("direction", "to_user"), ("kind", "hubspot.message"), ("outcome", "done")]
    assert samples["hitl_deliveries_total", *done] == 1
    assert samples["hitl_accepted_deliveries_total", ("known", "true")] == 1
    assert samples["hitl_oldest_undelivered_seconds",] == 60
    assert samples["hitl_dead_letters",] == 1
    bucket = ("hitl_relay_delay_seconds_bucket", ("direction", "to_user"))
    assert samples[*bucket, ("le", "0.025")] == 0
    assert samples[*bucket, ("le", "0.05")] == 1


def test_no_id_and_no_word_becomes_a_label() -> None:
    text = scrape(busy())
    for word in ("handoff-1", "installation-1", "words", "message:1"):
        assert word not in text


@pytest.mark.parametrize(
    ("seconds", "index"), [(0.0, 0), (0.005, 0), (0.006, 1), (30.0, 11), (31.0, 12)]
)
def test_a_value_on_a_bound_belongs_below_it(seconds: float, index: int) -> None:
    histogram = Histogram()
    histogram.add(seconds)
    assert histogram.counts.index(1) == index


def known_names() -> set[str]:
    families = text_string_to_metric_families(scrape(busy()))
    return {sample.name for family in families for sample in family.samples}


RULES = DEPLOY / "prometheus" / "hubspot-hitl.rules.yaml"
RUNBOOK = DEPLOY.parent / "docs" / "how-to" / "alerts.md"


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_dashboard_and_alerts_ask_for_metrics_that_exist() -> None:
    board = json.loads((DEPLOY / "grafana" / "hubspot-hitl.json").read_text())
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = {name for expression in asked for name in re.findall(r"\bhitl_\w+", expression)}
    assert len(asked) > 15
    assert names <= known_names()
    suffixes = r"_(bucket|count|sum|created)$"
    families = {re.sub(suffixes, "", name) for name in known_names()}
    assert families == {re.sub(suffixes, "", name) for name in names}


def test_each_alert_leads_to_what_to_do_and_back() -> None:
    names = [rule["alert"] for rule in rules()]
    assert names == re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    for rule in rules():
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert DEPLOY.parent / path == RUNBOOK
        assert anchor == rule["alert"].lower()
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_replicas_that_say_the_same_make_one_alert() -> None:
    for rule in rules():
        assert re.match(r"(max|sum|absent|histogram_quantile)\b", rule["expr"]), rule["alert"]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_no_fault() -> None:
    promtool = str(shutil.which("promtool"))
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True)
    subprocess.run([promtool, "check", "metrics"], check=True, input=scrape(busy()).encode())
