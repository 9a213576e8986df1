"""`python -m benchmarks [--quick] [--engine sqlite|postgresql] [--json FILE]`, all on loopback."""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import sys
from functools import partial
from pathlib import Path

import orjson
import uvloop

from benchmarks import budgets, report, scenarios
from benchmarks.plan import QUICK, WHOLE
from benchmarks.processes import ROOT
from benchmarks.stand import OTHERS_CORE


def main() -> None:
    """Measure, print one table and what became of the budgets, write JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute, SQLite only")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--json", type=Path, default=Path("artifacts/bench.json"))
    parser.add_argument("--spy", help="the command py-spy: samples the server into artifacts/")
    parser.add_argument("--log-level", default="info")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else WHOLE
    engines = chosen.engine or (["sqlite"] if chosen.quick else ["sqlite", "postgresql"])
    os.sched_setaffinity(0, {OTHERS_CORE} if (os.cpu_count() or 1) > 1 else {0})
    compileall.compile_dir(ROOT / "src", quiet=1)  # as an installed wheel is: starts are measured
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    keep = partial(_keep, chosen.json)
    found = uvloop.run(scenarios.measure(plan, engines, chosen.log_level, chosen.spy, keep))
    print(report.table(found))
    print()
    print(report.verdicts(budgets.judge(found)))
    sys.exit(1 if any(run["lost"] or run["repeated"] for run in found if "lost" in run) else 0)


def _keep(path: Path, found: list[dict[str, object]]) -> None:
    """Write what was found so far."""
    result = {
        "machine": {
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
        },
        "runs": found,
        "budgets": [budget.shown for budget in budgets.judge(found)],
    }
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
