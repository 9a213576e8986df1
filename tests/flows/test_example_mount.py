from __future__ import annotations

import ast
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer
from examples.mount_in_bot import build

EXAMPLE = Path(__file__).parents[2] / "examples" / "mount_in_bot.py"


async def test_the_integration_runs_inside_another_application(tmp_path: Path) -> None:
    async with TestClient(TestServer(build(tmp_path))) as client:
        own = await client.get("/")
        mounted = await client.get("/hitl/health")

        assert (own.status, mounted.status) == (200, 200)


def test_the_example_stays_small() -> None:
    text = EXAMPLE.read_text()

    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 40
