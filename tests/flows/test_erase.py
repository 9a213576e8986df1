"""Erasing, seen from outside: a marker is said everywhere, erased, and then looked for."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.app import open_house
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.privacy.later import ERASE
from hubspot_hitl.privacy.retention import DAY_MS, Forgetting
from hubspot_hitl.settings import Settings
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import reached

HOUR_MS = 3_600_000
MARKER = f"marker{uuid4().hex}"


def settings_of(house: House) -> Settings:
    """What a command beside the server runs with."""
    stage = house.stage
    return Settings(
        data_dir=house.folder,
        database_url=f"sqlite:///{house.folder}/house.db",
        **{key.removeprefix("HITL_").lower(): value for key, value in stage.environment().items()},  # type: ignore[arg-type]  # texts, as the environment has them
    )


async def said_everywhere(house: House) -> tuple[Chat, str]:
    """A handoff with the marker in every place that people fill."""
    stage = house.stage
    chat = stage.botpress.plugin.open_chat(f"Ada {MARKER}", f"{MARKER}@example.com")
    stage.botpress.plugin.say(chat, f"before {MARKER}")
    await stage.botpress.plugin.start_hitl(
        chat, title=f"title {MARKER}", description=f"description {MARKER}"
    )
    thread_id = stage.thread_of(chat)
    agent = stage.hubspot.agents.list()[0].actor_id
    stage.hubspot.agents.assign(thread_id, agent)
    stage.botpress.plugin.say(chat, f"live {MARKER}")
    stage.botpress.plugin.send(
        chat, "file", {"fileUrl": "http://127.0.0.1:9/x", "title": f"{MARKER}.pdf"}
    )
    for n in range(30):
        stage.hubspot.agents.reply(thread_id, agent, f"answer {n} {MARKER} " + "long " * 400)
    await house.until(chat, thread_id, user=1, agent=30)
    return chat, thread_id


async def run(house: House, *arguments: str) -> tuple[int, str, str]:
    """`hubspot-hitl erase` in a process of its own, beside the server."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HITL_", "HUBSPOT_", "BP_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from hubspot_hitl.cli import main; main()",
        "erase",
        *arguments,
        cwd=house.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **clean,
            **house.stage.environment(),
            "HITL_DATA_DIR": str(house.folder),
            "HITL_DATABASE_URL": f"sqlite:///{house.folder}/house.db",
        },
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def files_with(folder: Path, text: str) -> list[str]:
    """Files of the database and beside it that hold `text` in their bytes."""
    return [one.name for one in folder.iterdir() if text.encode() in one.read_bytes()]


async def ended(house: House, chat: Chat, thread_id: str) -> str:
    """Close the thread; returns the handoff's id once everything is quiet."""
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    await house.stage.hubspot.settled()
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
        for _ in range(200):
            if (await beside.services.ledger.health()).oldest_ready_ms is None:
                break
            await asyncio.sleep(0.05)
    return handoff.id


async def test_an_erased_handoff_is_nowhere_in_files_logs_and_metrics(
    house: House, capfd: pytest.CaptureFixture[str], http: aiohttp.ClientSession
) -> None:
    chat, thread_id = await said_everywhere(house)
    handoff_id = await ended(house, chat, thread_id)
    assert files_with(house.folder, MARKER)
    status, out, err = await run(house, "handoff", handoff_id, "--json")
    assert (status, MARKER in out + err) == (0, False)
    assert files_with(house.folder, MARKER) == []
    logged = "".join(capfd.readouterr())
    assert "handoff_started" in logged
    assert MARKER not in logged
    async with http.get(f"{house.url}/metrics") as answer:
        assert MARKER not in await answer.text()


async def test_an_erasure_keeps_rows_and_counts(house: House) -> None:
    chat, thread_id = await said_everywhere(house)
    handoff_id = await ended(house, chat, thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        before = await beside.services.ledger.find(DeliveryFilter(limit=1_000))
        _, out, _ = await run(house, "handoff", handoff_id, "--json")
        after = await beside.services.ledger.find(DeliveryFilter(limit=1_000))
    receipt = json.loads(out)
    assert [(one.dedup_key, one.state) for one in before] == [
        (one.dedup_key, one.state) for one in after
    ]
    assert receipt["counts"]["deliveries"] > 30
    assert receipt["counts"]["people"] == 1
    assert receipt["handoffs"][0]["threadId"] == thread_id


async def test_a_receipt_is_genuine_until_it_is_changed(house: House) -> None:
    chat, thread_id = await said_everywhere(house)
    handoff_id = await ended(house, chat, thread_id)
    _, out, _ = await run(house, "handoff", handoff_id, "--json")
    receipt = house.folder / "receipt.json"
    receipt.write_text(out)
    assert (await run(house, "--verify", str(receipt)))[0] == 0
    receipt.write_text(out.replace('"left": []', '"left": ["x"]'))
    assert (await run(house, "--verify", str(receipt)))[0] == 1


async def test_a_dry_run_changes_nothing(house: House) -> None:
    chat, thread_id = await said_everywhere(house)
    handoff_id = await ended(house, chat, thread_id)
    status, out, _ = await run(house, "handoff", handoff_id, "--dry-run", "--json")
    assert (status, json.loads(out)["dryRun"]) == (0, True)
    assert json.loads(out)["counts"]["deliveries"] > 30
    assert files_with(house.folder, MARKER)


async def test_what_is_unknown_or_not_over_is_not_erased(house: House) -> None:
    await said_everywhere(house)
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
    status, _, err = await run(house, "handoff", handoff.id)
    assert (status, "is not over" in err) == (1, True), err
    status, _, err = await run(house, "contact", "4711")
    assert (status, "Nothing is known" in err) == (1, True)
    assert (await run(house))[0] == 2


async def test_with_vendors_both_sides_lose_it_too(house: House) -> None:
    chat, thread_id = await said_everywhere(house)
    await ended(house, chat, thread_id)
    stage = house.stage
    assert stage.installation is not None
    bot = stage.botpress.world.bot(stage.installation.bot_id)
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
    status, out, err = await run(house, "user", handoff.user_id, "--vendors", "--json")
    assert (status, MARKER in err) == (0, False)
    counts = json.loads(out)["counts"]
    assert counts["botpressMessages"] >= 30
    assert (counts["botpressUsers"], counts["hubspotThreads"]) == (1, 1)
    assert not any(one.conversation_id == chat.downstream for one in bot.messages.values())
    assert handoff.user_id not in bot.users
    assert stage.hubspot.world.thread(thread_id).archived


async def test_hubspots_privacy_deletion_erases_by_itself(house: House) -> None:
    _, thread_id = await said_everywhere(house)
    house.stage.hubspot.agents.privacy_delete(thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        ledger = beside.services.ledger
        found = list[Delivery]()
        for _ in range(400):
            found = list(await ledger.find(DeliveryFilter(kind=ERASE)))
            if found and found[0].state is DeliveryState.DONE:
                break
            await asyncio.sleep(0.05)
        (erasing,) = found
        assert erasing.state is DeliveryState.DONE, erasing
        rows = await ledger.find(DeliveryFilter(handoff_id=erasing.handoff_id, limit=1_000))
        agents_words = [one for one in rows if one.kind == "hubspot.message"]
        assert agents_words
        assert all(one.body == ERASED for one in agents_words)
        assert [one.action for one in await beside.audit.list(action="erased")] == ["erased"]
    assert files_with(house.folder, MARKER) == []


async def test_old_content_is_forgotten_by_age(house: House) -> None:
    chat, thread_id = await said_everywhere(house)
    await ended(house, chat, thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        services = beside.services
        assert services.content is not None
        forgetting = Forgetting(services.ledger, services.content, 7)
        now_ms = services.clock.now_ms()
        assert await forgetting.forget(now_ms + 6 * DAY_MS) == 0
        assert await forgetting.forget(now_ms + 7 * DAY_MS + HOUR_MS) > 30
        handoff = await SqlHandoffs(beside.database).find()
        assert (handoff[0].user_name, handoff[0].title) == (None, None)
    assert files_with(house.folder, MARKER) == []
