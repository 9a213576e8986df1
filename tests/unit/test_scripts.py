from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize(
    "name",
    [
        "get_refresh_token.py",
        "list_channels.py",
        "subscribe_webhooks.py",
        "rotate_keys.py",
        "build_reference.py",
    ],
)
def test_each_script_explains_itself(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / name), "--help"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0
    assert "--help" in done.stdout


def test_a_script_without_credentials_names_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "get_refresh_token.py")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin"},
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET not set")
