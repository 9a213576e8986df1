"""`hubspot-hitl deliveries`: a dead letter found, replayed and discarded while the server runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands import run_command
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.twins.stage import reached
from hubspot_hitl.twins.wire import Json


async def run(folder: Path, *arguments: str) -> tuple[int, str]:
    env = {"HITL_DATA_DIR": str(folder), "HITL_DATABASE_URL": f"sqlite:///{folder}/house.db"}
    said = await run_command("deliveries", *arguments, env=env)
    return said.status, said.out + said.err


def lines(text: str) -> list[Json]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


async def a_dead_letter(house: House) -> tuple[str, Json]:
    """A user's message that HubSpot refused for good; returns its thread and the delivery."""
    chat, thread_id = await house.handoff()
    portal = house.stage.hubspot.world.portals[house.stage.hubspot.options.portal_id]
    account = next(iter(portal.accounts.values()))
    account.authorized = False
    house.stage.botpress.plugin.say(chat, "Can you hear me?")
    found: list[Json] = []
    for _ in range(20):
        _, out = await run(house.folder, "list", thread_id, "--state", "dead", "--json")
        found = lines(out)
        if found:
            break
    account.authorized = True
    return thread_id, found[0]


async def test_a_dead_letter_is_listed_by_any_id_and_replayed_into_its_thread(
    house: House,
) -> None:
    thread_id, dead = await a_dead_letter(house)
    assert (dead["kind"], dead["state"]) == ("bot.message", "dead")
    status, out = await run(house.folder, "list")
    assert status == 1
    assert "bot.message" in out
    status, out = await run(house.folder, "show", str(dead["seq"]))
    assert json.loads(out)["body"]["payload"]["text"] == "Can you hear me?"
    status, out = await run(house.folder, "replay", thread_id, "--yes", "--json")
    assert (status, lines(out)[0]["replay"]) == (0, 1)
    assert await reached(
        lambda: house.stage.heard_by_agent(thread_id) == ["Can you hear me?"], WITHIN_S
    )
    status, out = await run(house.folder, "replay", thread_id, "--yes")
    assert status == 1
    assert "nothing to replay" in out


async def test_a_discarded_letter_is_gone_for_good_and_the_export_tells_so(house: House) -> None:
    thread_id, dead = await a_dead_letter(house)
    status, _ = await run(house.folder, "discard", str(dead["handoff_id"]), "--yes")
    assert status == 0
    status, out = await run(house.folder, "export", thread_id, "--kind", "bot.message")
    assert [(one["seq"], one["state"]) for one in lines(out)] == [(dead["seq"], "cancelled")]
    assert "Can you hear me?" not in out
    assert house.stage.heard_by_agent(thread_id) == []


async def test_a_wrong_age_is_wrong_use(tmp_path: Path) -> None:
    status, out = await run(tmp_path, "list", "--older-than", "soon")
    assert status == 2
    assert "90s, 15m, 2h or 1d" in out
