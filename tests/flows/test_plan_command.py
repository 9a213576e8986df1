"""`plan`, `apply`, `drift` and `status` beside the running server, over both twins."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.commands import run_command
from tests.flows.conftest import House

from hubspot_hitl.twins.wire import Json


async def run(house: House, *arguments: str, **more: str) -> tuple[int, str]:
    said = await run_command(*arguments, env=house.environment() | more)
    return said.status, said.out + said.err


def rows(out: str) -> list[Json]:
    return list(json.loads(out)["installations"])


def written(house: House, since: int) -> list[str]:
    """Calls that were not reads; asking for a token and what it is counts as reading."""
    return [
        f"{one['method']} {one['path']}"
        for one in house.stage.hubspot.journal.since(since, "call")
        if one["method"] != "GET" and "/oauth/" not in str(one["path"])
    ]


async def test_a_registered_installation_has_not_drifted(house: House) -> None:
    status, out = await run(house, "drift", "--json")

    assert status == 0, out
    assert {one["verb"] for one in rows(out)[0]["steps"]} == {"nothing"}


async def test_applying_twice_writes_nothing_the_second_time(house: House) -> None:
    world = house.stage.hubspot.world
    channel = next(iter(world.channels.values()))
    channel.fields["capabilities"]["maxFileAttachmentCount"] = 1
    account = next(iter(world.portals["1234567"].accounts.values()))
    account.authorized = False

    assert (await run(house, "drift"))[0] == 1
    first = len(house.stage.hubspot.journal.entries)
    assert (await run(house, "apply"))[0] == 0
    second = len(house.stage.hubspot.journal.entries)
    status, out = await run(house, "apply", "--json")

    assert sum("PATCH" in one for one in written(house, first)) == len(written(house, first)) == 2
    assert (status, rows(out)[0]["done"], written(house, second)) == (0, [], [])
    assert (await run(house, "drift"))[0] == 0


async def test_a_strangers_channel_survives_a_fold(house: House) -> None:
    world = house.stage.hubspot.world
    ours = next(iter(world.channels.values()))
    world.channels["9999977"] = replace(ours, id="9999977")
    world.channels["9999978"] = replace(
        ours, id="9999978", fields={**ours.fields, "webhookUrl": "https://shop.example/hook"}
    )

    status, out = await run(house, "apply", "--fold", "--json")

    assert (status, rows(out)[0]["folded"]) == (0, ["9999977"]), out
    assert world.channels["9999977"].archived
    assert not world.channels["9999978"].archived
    assert not ours.archived


async def test_where_the_api_does_not_serve_the_app_every_click_is_told(house: House) -> None:
    house.stage.hubspot.world.subscriptions.clear()
    house.stage.hubspot.options.webhooks_api = False

    status, out = await run(house, "drift")

    assert status == 0, out
    installation = house.stage.installation
    assert installation is not None
    assert f"Set the target URL to {house.stage.botpress.webhook_url(installation)} and" in out
    assert "by hand: Create subscription, object type Conversation: conversation.newMessage" in out


async def test_apply_makes_the_property_and_the_subscriptions_once(house: House) -> None:
    await house.stage.install(house.url, transcriptMode="at-close")
    world = house.stage.hubspot.world
    properties = world.portals["1234567"].properties["contacts"]
    del properties["chat_transcript"]  # register has made it
    world.subscriptions.clear()

    status, out = await run(house, "plan", "--json")
    wanted = {one["kind"] for row in rows(out) for one in row["steps"] if one["verb"] == "create"}
    assert (status, wanted) == (0, {"property", "subscription"}), out
    assert (await run(house, "apply"))[0] == 0
    since = len(house.stage.hubspot.journal.entries)

    assert (await run(house, "apply"))[0] == 0
    assert written(house, since) == []
    assert "chat_transcript" in properties
    assert len(world.subscriptions) == 7
    assert (await run(house, "drift"))[0] == 0


async def test_a_revoked_grant_is_named_and_an_unknown_installation_is_wrong_use(
    house: House,
) -> None:
    house.stage.hubspot.world.revoke_grants()

    said = await run_command("plan", "--json", env=house.environment())

    assert (said.status, rows(said.out)[0]["error"]) == (1, "authorization_lost")
    assert (await run(house, "plan", "--installation", "nobody"))[0] == 2


async def test_the_status_counts_open_handoffs(house: House) -> None:
    await house.handoff()

    status, out = await run(house, "status", "--json")

    row = rows(out)[0]
    assert (status, row["openHandoffs"], row["deadLetters"]) == (0, 1, 0)
    assert (row["portalId"], row["connected"]) == ("1234567", True)


async def test_a_duplicate_that_carries_a_handoff_is_left(house: House) -> None:
    world = house.stage.hubspot.world
    ours = next(iter(world.channels.values()))
    await house.handoff()
    world.channels["77"] = replace(ours, id="77")  # the elder one, so ours is the duplicate

    status, out = await run(house, "apply", "--fold", "--json")

    assert (status, rows(out)[0]["left"], rows(out)[0]["folded"]) == (0, [ours.id], []), out
    assert not ours.archived
