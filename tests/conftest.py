"""What all tests share. With `HITL_CI` set, a test that needs a service may not be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

SERVICES = ("postgres", "browser")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    needed = [name for name in SERVICES if item.get_closest_marker(name)]
    if os.environ.get("HITL_CI") and needed and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"needs {', '.join(needed)}, and CI has to provide it: {report.longrepr}"
    return report
