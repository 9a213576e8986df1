"""The demo's server as a process: killed, it comes back at its address; it ends with the demo."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from hubspot_hitl.cli.bridge_process import BridgeProcess
from hubspot_hitl.errors import BadSettings


def settings(folder: Path, **changes: object) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": 0,
        "data_dir": str(folder),
        "database_url": f"sqlite:///{folder}/bridge.db",
        **changes,
    }


async def alive(url: str) -> bool:
    async with aiohttp.ClientSession() as http:
        try:
            async with http.get(f"{url}/livez") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


async def test_it_comes_back_at_the_same_address_and_ends_when_told(tmp_path: Path) -> None:
    bridge = BridgeProcess(settings(tmp_path), "/console/")
    assert not bridge.running
    url = await bridge.start()
    assert await alive(url)
    assert bridge.console_url == f"{url}/console/"
    await bridge.crash_and_restart()
    assert (bridge.url, bridge.running, await alive(url)) == (url, True, True)
    await bridge.stop()
    assert (bridge.running, await alive(url)) == (False, False)
    await bridge.stop()  # what has ended already is no fault


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubspot_hitl.cli.bridge_process.START_S", 0.01)
    bridge = BridgeProcess(settings(tmp_path))
    with pytest.raises(BadSettings, match="did not start"):
        await bridge.start()
    assert not bridge.running
