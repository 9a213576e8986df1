from __future__ import annotations

import asyncio
import io
import json
import zipfile

from tests.commands import begin_command, run_command
from tests.flows.conftest import House


def beside(house: House) -> dict[str, str]:
    return {
        "HITL_DATA_DIR": str(house.folder),
        "HITL_DATABASE_URL": f"sqlite:///{house.folder}/house.db",
    }


async def command(house: House, *arguments: str) -> tuple[int, str]:
    """Run a command to its end; exit status and output."""
    said = await run_command(*arguments, env=beside(house), folder=house.folder)
    return said.status, said.out + said.err


async def test_a_running_servers_handoffs_are_listed_shown_and_packed(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "my secret words")
    await house.until(chat, thread_id, user=1)

    status, text = await command(house, "sessions", "list", "--json")
    (listed,) = [json.loads(line) for line in text.splitlines()]
    assert (status, listed["thread"], listed["state"]) == (0, thread_id, "pending")

    status, text = await command(house, "sessions", "show", thread_id, "--json")
    shown = json.loads(text)
    assert "bot.message" in [one["kind"] for one in shown["deliveries"]]

    target = house.folder / "bundle.zip"
    status, text = await command(house, "sessions", "bundle", thread_id, "--out", str(target))
    assert status == 0, text
    packed = zipfile.ZipFile(io.BytesIO(await asyncio.to_thread(target.read_bytes)))
    assert "secret words" not in packed.read("deliveries.json").decode()


async def test_an_unknown_id_is_a_finding(house: House) -> None:
    status, text = await command(house, "sessions", "show", "nothing")
    assert status == 1
    assert "There is no handoff 'nothing'" in text


async def test_tail_tells_what_happens_from_now_on(house: House) -> None:
    chat, thread_id = await house.handoff()
    async with asyncio.timeout(20):
        process = await begin_command("sessions", "tail", "--json", env=beside(house))
        assert process.stdout is not None
        told = asyncio.create_task(process.stdout.readline())
        number = 0
        while not told.done():  # the command says nothing about when it begins to look
            number += 1
            house.stage.botpress.plugin.say(chat, f"message {number}")
            await house.until(chat, thread_id, user=number)
            await asyncio.wait({told}, timeout=0.2)
        process.terminate()
        await process.wait()
    assert json.loads(told.result())["kind"] == "bot.message"


async def test_the_report_counts_handoffs(house: House) -> None:
    await house.handoff()
    status, text = await command(house, "report", "--span", "hour", "--json")
    told = json.loads(text)
    assert (status, told["ledger"]["dead"]) == (0, 0)
    assert sum(bucket.get("pending", 0) for bucket in told["outcomes"]) == 1
