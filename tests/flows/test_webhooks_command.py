"""`hubspot-hitl webhooks` beside the running server, over both twins."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.commands import run_command
from tests.flows.conftest import House


async def run(house: House, *arguments: str) -> tuple[int, str, str]:
    said = await run_command("webhooks", *arguments, env=house.environment())
    return said.status, said.out, said.err


def target(house: House) -> str:
    settings: Any = house.stage.hubspot.world.hook_settings
    return str(settings["targetUrl"])


async def test_a_registered_installation_needs_no_change(house: House) -> None:
    installation = house.stage.installation
    assert installation is not None
    status, out, _ = await run(house)
    assert (status, out.splitlines()) == (0, [installation.webhook_id, "  nothing to change"])
    (row,) = json.loads((await run(house, "--json"))[1])["webhooks"]
    assert row == {
        "for": installation.webhook_id,
        "drifted": False,
        "applied": False,
        "steps": [],
        "error": None,
    }


async def test_what_is_missing_is_told_then_mended_once(house: House) -> None:
    there = house.stage.hubspot.world.subscriptions
    gone, paused = list(there)[:2]
    kept = there.pop(gone)
    there[paused] = replace(there[paused], active=False)
    status, out, _ = await run(house)
    assert status == 1
    assert len(out.splitlines()) == 3
    assert any(f"subscribe to {kept.event_type}" in line for line in out.splitlines())
    assert any("activate" in line for line in out.splitlines())
    assert (await run(house, "--apply"))[0] == 0
    status, out, _ = await run(house)
    assert (status, out.splitlines()[1]) == (0, "  nothing to change")


async def test_a_strangers_target_is_left_alone_even_with_apply(house: House) -> None:
    settings: Any = house.stage.hubspot.world.hook_settings
    settings["targetUrl"] = "https://other.test/hook"
    for more in ((), ("--apply",)):
        status, out, _ = await run(house, *more)
        assert status == 1
        assert "left alone: the app's webhooks go to https://other.test/hook" in out
    assert target(house) == "https://other.test/hook"


async def test_an_app_that_the_api_does_not_serve_is_told_where_to_click(house: House) -> None:
    house.stage.hubspot.options.webhooks_api = False
    status, out, _ = await run(house)
    assert status == 1
    assert "does not serve this app (BANNED)" in out
    assert "`hubspot-hitl plan` lists the clicks" in out
    status, out, _ = await run(house, "--apply", "--json")
    (row,) = json.loads(out)["webhooks"]
    assert (status, row["drifted"], row["applied"]) == (1, None, False)


async def test_a_grant_that_was_revoked_is_named(house: House) -> None:
    house.stage.hubspot.options.developer_api_key = "another"
    status, out, _ = await run(house)
    assert status == 1
    assert "authorization_lost" in out


async def test_an_unknown_installation_and_a_bad_address_are_wrong_use(house: House) -> None:
    status, _, err = await run(house, "--installation", "nobody")
    assert status == 2
    assert "there is no installation 'nobody'" in err
    for url in ("http://plain.test/", "https://a.test/?x=1", "https://a.test/#x"):
        status, _, err = await run(house, "--url", url)
        assert status == 2
        assert "--url must be an https address" in err
