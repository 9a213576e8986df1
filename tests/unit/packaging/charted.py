"""What the chart makes of its values. Run as a module, it prints all of it for other checkers."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.gotemplate import render_chart

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "hubspot-hitl"
DEFAULTS: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
EVERYTHING: dict[str, Any] = {
    "publicUrl": "https://hitl.example.com",
    "trustedProxies": ["10.0.0.0/8"],
    "settings": {"HITL_LOG_LEVEL": "debug", "HITL_ACCESS_LOG": True},
    "autoscaling": {**DEFAULTS["autoscaling"], "enabled": True},
    "ingress": {**DEFAULTS["ingress"], "enabled": True, "host": "h.example", "tlsSecret": "tls"},
    "nodeSelector": {"disk": "ssd"},
    "imagePullSecrets": [{"name": "registry"}],
    "podAnnotations": {"a": "b"},
}


def objects(**changes: Any) -> dict[str, Any]:
    """Each object by its kind; the chart makes one of a kind."""
    made = render_chart(CHART, {**copy.deepcopy(DEFAULTS), **changes})
    assert len({one["kind"] for one in made}) == len(made)
    return {one["kind"]: one for one in made}


if __name__ == "__main__":
    yaml.safe_dump_all([*objects().values(), *objects(**EVERYTHING).values()], sys.stdout)
