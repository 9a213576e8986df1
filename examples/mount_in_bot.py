"""Mount the integration in an aiohttp application of your own, with a bot runtime in memory.

Run it, then `curl http://127.0.0.1:8080/hitl/health`.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

from aiohttp import web

from hubspot_hitl.app import create_app
from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.settings import Settings


async def about(_request: web.Request) -> web.Response:
    """Answer for the rest of the bot."""
    return web.Response(text="a bot with a way to people at /hitl\n")


def build(data_dir: Path) -> web.Application:
    """The bot's application: its own routes, and the integration under /hitl."""
    bot = web.Application()
    bot.router.add_get("/", about)
    bot.add_subapp("/hitl", create_app(Settings(data_dir=data_dir), runtime=MemoryRuntime()))
    return bot


if __name__ == "__main__":
    web.run_app(build(Path(gettempdir()) / "hubspot-hitl-example"), host="127.0.0.1", port=8080)
