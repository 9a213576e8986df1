"""What all tests share. With `HITL_CI` set, a test that needs a service may not be skipped."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from tests.ending import AT_THE_END

from hubspot_hitl.cli import LOOK_FOR_GARBAGE
from hubspot_hitl.redaction import forget_secrets

SERVICES = ("postgres", "browser")
MEMORY = Path("/dev/shm")  # noqa: S108 - each run makes a folder of its own there
ROOM_BYTES = 1 << 30

# Machines are shared: how long an example takes says nothing about the code.
# The suite tries the same examples each time, so that what is red was changed; `make properties`
# looks for new ones, at random and at length.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "search", deadline=None, suppress_health_check=list(HealthCheck), max_examples=5_000
)
settings.load_profile(os.environ.get("HITL_EXAMPLES", "suite"))


def pytest_configure() -> None:
    """Keep files in memory where there is room: no test is about a power cut.

    Waiting for a disk at each commit would take a fifth of a flow's time.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # it is asked for again


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are cores: half of a test's time is waiting for something."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collector of garbage away from modules and tests: they stay to the end.

    It would take a quarter of the suite's time to look at them over and over. At what tests make
    it looks as seldom as in a server.
    """
    gc.disable()
    found = yield
    gc.freeze()
    gc.set_threshold(*LOOK_FOR_GARBAGE)
    gc.enable()
    return found


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


def pytest_sessionfinish() -> None:
    AT_THE_END.close()


@pytest.fixture(autouse=True)
def _applications_may_go() -> Iterator[None]:
    """Let go of the test's web applications; the collector would look at all of them each time.

    aiohttp remembers the last 1,024 handlers with their applications, in a cache without a name
    that is public: https://github.com/aio-libs/aiohttp/blob/master/aiohttp/web_app.py
    """
    yield
    remembered = getattr(sys.modules.get("aiohttp.web_app"), "_cached_build_middleware", None)
    if remembered is not None:
        remembered.cache_clear()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a test set up for the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        logging.raiseExceptions = True
    forget_secrets()
