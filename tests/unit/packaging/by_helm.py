"""Holds the chart against Helm itself: its lint, and what it makes of the same values.

Run by `make lint-deploy`, which fetches Helm's own engine as a Python package (`helm-python-sdk`).
The tests render with :mod:`tests.gotemplate`, which is small and quick; here it is proven.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import yaml
from tests.gotemplate import render_chart
from tests.unit.packaging.charted import CHART, DEFAULTS, EVERYTHING

WARNING = 2


def main() -> int:
    """Exit status 1 when Helm finds fault, or makes something else of the chart."""
    helm = importlib.import_module("helm_python")
    faults: list[str] = []
    for name, values in {
        "the defaults": DEFAULTS,
        "everything": {**DEFAULTS, **EVERYTHING},
    }.items():
        report = helm.lint(str(CHART), values)
        faults += [f"{name}: {one}" for one in report["errors"]]
        faults += [f"{name}: {one}" for one in report["messages"] if one["severity"] >= WARNING]
        if rendered(helm, values) != sorted(render_chart(CHART, values), key=_name):
            faults.append(f"{name}: tests.gotemplate renders something else than Helm")
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    if not faults:
        sys.stdout.write(f"Helm {helm.helm_sdk_version()} finds no fault in the chart\n")
    return 1 if faults else 0


def rendered(helm: Any, values: dict[str, Any]) -> list[Any]:
    """The objects that Helm makes of the chart."""
    with helm.Chart.load(str(CHART)) as chart:
        texts = chart.render(values, name="bot").values()
    made = [one for text in texts for one in yaml.safe_load_all(text) if one is not None]
    return sorted(made, key=_name)


def _name(one: Any) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


if __name__ == "__main__":
    sys.exit(main())
