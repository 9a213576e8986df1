from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.postgres
def test_a_service_is_missing() -> None:
    pytest.skip("no server")

@pytest.mark.skipif(True, reason="no file")
def test_something_else_is_missing() -> None:
    pass
"""


@pytest.mark.parametrize(("ci", "expected"), [("1", "1 failed, 1 skipped"), ("", "2 skipped")])
def test_in_ci_a_skipped_service_is_a_failure(tmp_path: Path, ci: str, expected: str) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers = postgres\npythonpath = {ROOT}\n")
    env = {**os.environ, "HITL_CI": ci, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        env=env,
        cwd=tmp_path,
        check=False,
    )

    assert expected in done.stdout
