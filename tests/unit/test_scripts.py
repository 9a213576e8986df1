"""The scripts start from anywhere; what they do is shown by `tests/flows/test_standalone.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.commands import run_script


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
async def test_each_script_explains_itself(name: str, tmp_path: Path) -> None:
    said = await run_script(name, "--help", env={}, folder=tmp_path)
    assert said.status == 0
    assert "--help" in said.out


async def test_a_script_without_credentials_names_what_is_missing(tmp_path: Path) -> None:
    said = await run_script("get_refresh_token.py", env={}, folder=tmp_path)
    assert said.status == 2
    assert said.err.startswith("error: HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET not set")
