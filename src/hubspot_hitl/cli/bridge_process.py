"""The integration's server as a process of its own, so that the demo can really kill it.

`python -m hubspot_hitl.cli.bridge_process` reads its settings as one JSON line from standard
input and serves until that is closed; so it never outlives the demo, and secrets are not in its
arguments.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

import orjson

from hubspot_hitl.errors import BadSettings

START_S = 30.0
LISTENING = b"listening"


class BridgeProcess:
    """A server of this package in a child process, on the same port in every life."""

    def __init__(self, settings: Mapping[str, object], console_url: str | None = None) -> None:
        self._settings = dict(settings)
        self._process: asyncio.subprocess.Process | None = None
        self._console_path = console_url
        self.url = ""

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def console_url(self) -> str | None:
        """The console's address, for a person."""
        return f"{self.url}{self._console_path}" if self._console_path else None

    async def start(self) -> str:
        """Start and return the address once it listens. Raises BadSettings when it does not."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hubspot_hitl.cli.bridge_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the demo, which then closes this one
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise BadSettings("the bridge's process has no pipes; use --headless")
        try:
            self._process.stdin.write(orjson.dumps(self._settings) + b"\n")
            await self._process.stdin.drain()
            said = await asyncio.wait_for(self._process.stdout.readline(), START_S)
        except (TimeoutError, ConnectionError):  # too late, or ended before it read its settings
            said = b""
        word, _, port = said.strip().partition(b" ")
        if word != LISTENING:
            await self._kill()
            raise BadSettings("the bridge did not start; its own words are above")
        self._settings["port"] = int(port)
        self.url = f"http://{self._settings['host']}:{int(port)}"
        return self.url

    async def crash_and_restart(self) -> None:
        """End it as `kill -9` does and start it again on the same port."""
        await self._kill()
        await self.start()

    async def _kill(self) -> None:
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Let it finish what it does, and end."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        await self._process.wait()


async def _serve() -> None:
    """The child's side."""
    from hubspot_hitl.app import create_app
    from hubspot_hitl.cli.serve import start_server
    from hubspot_hitl.settings import Settings

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = Settings.model_validate(orjson.loads(await reader.readline()))
    runner = await start_server(create_app(settings), settings)
    print(LISTENING.decode(), runner.addresses[0][1], flush=True)  # noqa: T201 - told to the parent
    try:
        await reader.read()
    finally:
        await runner.cleanup()


def main() -> None:
    """Serve until standard input is closed."""
    from hubspot_hitl.cli.serve import run_loop
    from hubspot_hitl.logs import configure_logging

    configure_logging(format_="json", level="error", access_log=False)
    run_loop(_serve)


if __name__ == "__main__":
    main()
