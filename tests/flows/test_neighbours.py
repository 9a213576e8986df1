"""Two bots, two portals, one app, one server: nobody reads, pays for or logs the other's."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs
from tests.flows.conftest import WITHIN_S, House

from hubspot_hitl.effects.contact_log import SAID
from hubspot_hitl.effects.relay import RECEIPT
from hubspot_hitl.house import open_house
from hubspot_hitl.hubspot.signature import signed_headers_v3
from hubspot_hitl.ledger.service import LaneLedger
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState, NewDelivery
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.botpress.chat import Chat, StartFailedError
from hubspot_hitl.twins.botpress.records import Installation
from hubspot_hitl.twins.stage import Stage, reached
from hubspot_hitl.twins.wire import Json
from hubspot_hitl.web import keys

CROWD = 1_000
FEW = 40
OTHER = "7654321"


@dataclass(slots=True)
class Bot:
    """One bot with its portal, and what was said in its chat."""

    stage: Stage
    installation: Installation
    portal_id: str
    chats: list[tuple[Chat, str]] = field(default_factory=list[tuple[Chat, str]])

    async def open(self, name: str) -> tuple[Chat, str]:
        """A handoff of this bot: the user's chat and the agent's thread."""
        plugin = self.stage.botpress.plugin
        email = f"{name}@example.com"
        chat = plugin.open_chat(name, email, webhook_id=self.installation.webhook_id)
        await plugin.start_hitl(chat, title=f"Question of {name}")
        self.chats.append((chat, self.stage.thread_of(chat)))
        return self.chats[-1]

    async def slow_down(self) -> tuple[Chat, str]:
        """Allow the portal few calls in ten seconds; the second goes when the first told so."""
        chat, thread_id = await self.open("first")
        self.stage.hubspot.world.portals[self.portal_id].rate_limit = FEW
        for text in ("one", "two"):
            self.stage.botpress.plugin.say(chat, text)
        assert await reached(lambda: len(self.stage.heard_by_agent(thread_id)) == 2, WITHIN_S)
        return chat, thread_id

    @property
    def agent(self) -> str:
        """An agent of the portal."""
        return self.stage.hubspot.agents.list(self.portal_id)[0].actor_id

    @property
    def channel_urls(self) -> list[str]:
        """Where the living channels of this bot lead."""
        own = self.stage.botpress.webhook_url(self.installation)
        channels = self.stage.hubspot.world.channels.values()
        found = [str(one.fields["webhookUrl"]) for one in channels if not one.archived]
        return [url for url in found if url == own]


@pytest.fixture
async def bots(stage: Stage, tmp_path: Path) -> AsyncIterator[tuple[House, Bot, Bot]]:
    house = House(stage, tmp_path, {"shutdown_grace_s": 0.0})
    await house.open()
    world = stage.hubspot.world
    portal = world.add_portal(OTHER)
    world.add_grant(OTHER, "refresh-token-of-the-neighbour")
    first = await stage.install(house.url)
    second = stage.botpress.install(
        house.url,
        stage.configuration(
            refreshToken="refresh-token-of-the-neighbour", inboxId=next(iter(portal.inboxes))
        ),
        bot_id="bot_of_the_neighbour",
    )
    assert (await stage.botpress.register(second)).accepted
    stage.hubspot.deliver_to(None)  # to the app's one target, as HubSpot does
    yield house, Bot(stage, first, stage.hubspot.options.portal_id), Bot(stage, second, OTHER)
    await house.close()


def heard(bot: Bot) -> list[str]:
    return [text for chat, _ in bot.chats for text in bot.stage.heard_by_user(chat)]


def reads(stage: Stage, thread_id: str, words: str) -> bool:
    return stage.heard_by_agent(thread_id) == [words]


async def test_what_is_said_in_one_portal_stays_there(
    bots: tuple[House, Bot, Bot],
) -> None:
    _, ours, theirs = bots
    stage = ours.stage
    for bot, name in ((ours, "ada"), (theirs, "eve")):
        chat, thread_id = await bot.open(name)
        stage.botpress.plugin.say(chat, f"words of {name}")
        stage.hubspot.agents.reply(thread_id, bot.agent, f"answer for {name}")
    assert await reached(lambda: heard(ours) != [] and heard(theirs) != [], WITHIN_S)

    assert (heard(ours), heard(theirs)) == (["answer for ada"], ["answer for eve"])
    for bot, own, other in ((ours, "ada", "eve"), (theirs, "eve", "ada")):
        (_, thread_id), words = bot.chats[0], f"words of {own}"
        assert await reached(partial(reads, stage, thread_id, words), WITHIN_S)
        assert other not in str(stage.hubspot.transcript(thread_id))
        assert stage.hubspot.world.threads[thread_id].portal_id == bot.portal_id


async def test_the_apps_one_target_serves_both_portals(bots: tuple[House, Bot, Bot]) -> None:
    _, ours, theirs = bots
    stage = ours.stage
    target = (stage.hubspot.world.hook_settings or {})["targetUrl"]
    assert target == stage.botpress.webhook_url(ours.installation), "made once, by the first"
    chat, _ = await ours.open("ada")
    neighbour, thread_id = await theirs.open("eve")

    stage.hubspot.agents.assign(thread_id, theirs.agent)
    stage.hubspot.agents.close(thread_id, theirs.agent)

    assert await reached(lambda: not neighbour.active, WITHIN_S)
    assert neighbour.counts["hitlAssigned"] == 1
    assert (chat.active, chat.counts["hitlAssigned"]) == (True, 0)


async def test_two_bots_of_one_portal_share_the_apps_target_and_nothing_else(
    bots: tuple[House, Bot, Bot],
) -> None:
    house, ours, _ = bots
    stage = ours.stage
    inbox = list(stage.hubspot.world.portals[ours.portal_id].inboxes)[1]
    beside = stage.botpress.install(
        house.url, stage.configuration(inboxId=inbox), bot_id="bot_beside"
    )
    assert (await stage.botpress.register(beside)).accepted
    second = Bot(stage, beside, ours.portal_id)
    chat, thread_id = await ours.open("ada")
    neighbour, other_id = await second.open("bea")

    stage.hubspot.agents.reply(thread_id, ours.agent, "for ada")
    stage.hubspot.agents.reply(other_id, ours.agent, "for bea")
    stage.hubspot.agents.close(other_id, ours.agent)

    assert await reached(lambda: not neighbour.active and heard(ours) == ["for ada"], WITHIN_S)
    assert (heard(second), chat.active) == (["for bea"], True)
    journal = stage.hubspot.journal
    assert await reached(lambda: len(journal.since(0, "status")) == 2, WITHIN_S)
    statuses = [one["status"] for one in journal.since(0, "status")]
    assert statuses == ["SENT", "SENT"], "no bot called the other's message undeliverable"


def told(stage: Stage, thread_id: str, kind: str) -> list[Json]:
    return [one for one in stage.hubspot.transcript(thread_id) if one["type"] == kind]


async def test_a_bot_cannot_reach_into_its_neighbours_chat(bots: tuple[House, Bot, Bot]) -> None:
    _, ours, theirs = bots
    stage = ours.stage
    chat, thread_id = await theirs.open("eve")
    assert await reached(lambda: bool(told(stage, thread_id, "COMMENT")), WITHIN_S)  # the history
    before = stage.hubspot.transcript(thread_id)

    for action, given in (
        ("stopHitl", {"conversationId": chat.downstream}),
        ("sendMessage", {"conversationId": chat.downstream, "type": "text", "text": "hello"}),
    ):
        await stage.botpress.operations.action(ours.installation, action, given)
    await stage.botpress.settled()

    assert chat.active
    assert stage.hubspot.world.threads[thread_id].status == "OPEN"
    assert stage.hubspot.transcript(thread_id) == before


async def test_a_batch_of_both_portals_with_damage_in_it_reaches_both(
    bots: tuple[House, Bot, Bot], http: aiohttp.ClientSession
) -> None:
    """A hundred events: each agent is assigned once, the rest is of strangers; one is no event."""
    house, ours, theirs = bots
    stage = ours.stage
    chats = [await bot.open(name) for bot, name in ((ours, "ada"), (theirs, "eve"))]
    threads = [thread_id for _, thread_id in chats]
    batch: list[object] = [
        {
            "eventId": number,
            "subscriptionId": 7,
            "portalId": int((ours, theirs)[number % 2].portal_id),
            "appId": int(stage.hubspot.options.app_id),
            "occurredAt": int(time.time() * 1000),
            "subscriptionType": "conversation.propertyChange",
            "objectId": int(threads[number % 2]) if number in (40, 61) else 10**6 + number,
            "propertyName": "assignedTo",
            "propertyValue": (ours, theirs)[number % 2].agent,
        }
        for number in range(99)
    ]
    batch.insert(50, {"portalId": [], "subscriptionType": 5})
    body = json.dumps(batch).encode()
    url = f"{house.url}/hubspot/webhooks/{ours.installation.webhook_id}"
    secret = stage.hubspot.options.client_secret
    for _ in range(2):
        stamp = int(time.time() * 1000)
        headers = signed_headers_v3("POST", url, body, stamp, secret)
        async with http.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200

    assert await reached(
        lambda: all(chat.counts["hitlAssigned"] == 1 for chat, _ in chats), WITHIN_S
    )


async def test_a_revoked_grant_stops_its_own_bot_only(bots: tuple[House, Bot, Bot]) -> None:
    _, ours, theirs = bots
    ours.stage.hubspot.world.revoke_grants(OTHER)

    with pytest.raises(StartFailedError, match="connect the portal again"):
        await theirs.open("eve")

    await ours.open("ada")


async def test_no_log_line_and_no_metric_of_one_names_the_other(
    bots: tuple[House, Bot, Bot], http: aiohttp.ClientSession
) -> None:
    house, ours, theirs = bots
    with capture_logs() as lines:
        chat, thread_id = await ours.open("ada")
        ours.stage.hubspot.agents.reply(thread_id, ours.agent, "here")
        assert await reached(lambda: heard(ours) == ["here"], WITHIN_S)
    async with http.get(f"{house.url}/metrics") as answer:
        metrics = await answer.text()

    assert any(line.get("installation") == ours.installation.webhook_id for line in lines)
    strange = (theirs.installation.webhook_id, theirs.portal_id, "bot_of_the_neighbour")
    assert [line for line in lines if any(one in str(line) for one in strange)] == []
    for one in (*strange, ours.installation.webhook_id, ours.portal_id, chat.id):
        assert one not in metrics


async def test_a_changed_configuration_counts_at_once_and_for_its_bot_only(
    bots: tuple[House, Bot, Bot],
) -> None:
    _, ours, theirs = bots
    stage = ours.stage
    inboxes = list(stage.hubspot.world.portals[ours.portal_id].inboxes)
    _, before = await ours.open("ada")
    ours.installation.configuration = {**ours.installation.configuration, "inboxId": inboxes[1]}
    assert (await stage.botpress.register(ours.installation)).accepted

    _, after = await ours.open("bob")
    _, neighbour = await theirs.open("eve")

    threads = stage.hubspot.world.threads
    assert [threads[one].inbox_id for one in (before, after)] == inboxes[:2]
    assert threads[neighbour].inbox_id == theirs.installation.configuration["inboxId"]


async def test_uninstalling_takes_what_is_ours_and_leaves_the_neighbour_working(
    bots: tuple[House, Bot, Bot],
) -> None:
    _, ours, theirs = bots
    stage = ours.stage
    await ours.open("ada")

    assert (await stage.botpress.operations.unregister(ours.installation)).accepted

    assert (ours.channel_urls, len(theirs.channel_urls)) == ([], 1)
    target = (stage.hubspot.world.hook_settings or {})["targetUrl"]
    assert target == stage.botpress.webhook_url(theirs.installation)
    neighbour, thread_id = await theirs.open("eve")
    stage.hubspot.agents.reply(thread_id, theirs.agent, "still here")
    stage.hubspot.agents.close(thread_id, theirs.agent)
    assert await reached(lambda: not neighbour.active, WITHIN_S)
    assert heard(theirs) == ["still here"]

    assert (await stage.botpress.operations.unregister(theirs.installation)).accepted
    assert stage.hubspot.world.hook_settings is None


async def test_what_an_uninstalled_bot_left_in_the_database_opens_nothing(
    bots: tuple[House, Bot, Bot],
) -> None:
    house, ours, theirs = bots
    await ours.open("ada")
    await ours.stage.botpress.operations.unregister(ours.installation)
    await house.close()

    settings = Settings(data_dir=house.folder, database_url=f"sqlite:///{house.folder}/house.db")
    async with open_house(settings, work=False) as opened:
        gone, stays = ours.installation.webhook_id, theirs.installation.webhook_id
        handoffs = await opened.services.handoffs.find(installation_id=gone)
        assert [one.active for one in handoffs] == [False]
        assert await opened.services.installations.get(gone) is None
        assert await opened.storage.vault.get(f"installation:{gone}", "configuration") is None
        assert await opened.storage.vault.get(f"installation:{stays}", "configuration") is not None


def ledger_of(house: House) -> LaneLedger:
    assert house.runner is not None
    ledger = house.runner.app[keys.SERVICES].ledger
    assert isinstance(ledger, LaneLedger)
    return ledger


async def crowd(
    house: House, bot: Bot, kind: str, body: Mapping[str, object], *, share: int
) -> None:
    """So many lanes of one bot, each with a call to its portal, until they hold their share."""
    ledger = ledger_of(house)
    await ledger.accept(
        [
            NewDelivery(
                dedup_key=f"crowd:{number}",
                lane=f"crowd:{number}",
                kind=kind,
                installation_id=bot.installation.webhook_id,
                body=body,
            )
            for number in range(CROWD)
        ]
    )
    assert await reached(lambda: ledger.lanes_running >= share, WITHIN_S)


async def waiting(house: House) -> list[Delivery]:
    """Of the crowd, those whose call was not made yet."""
    ready = DeliveryFilter(states=(DeliveryState.READY,), limit=2 * CROWD)
    found = await ledger_of(house).find(ready)
    return [one for one in found if one.lane.startswith("crowd:")]


async def test_a_portal_that_is_out_of_calls_keeps_no_place_from_its_neighbour(
    bots: tuple[House, Bot, Bot],
) -> None:
    house, ours, theirs = bots
    stage = ours.stage
    chat, thread_id = await ours.open("ada")
    await theirs.slow_down()
    receipt = {"channelId": "1", "messageId": "unknown", "status": "SENT"}
    await crowd(house, theirs, RECEIPT, receipt, share=192)

    stage.botpress.plugin.say(chat, "hello")
    stage.hubspot.agents.reply(thread_id, ours.agent, "good day")

    assert await reached(lambda: heard(ours) == ["good day"], WITHIN_S)
    assert await reached(lambda: stage.heard_by_agent(thread_id) == ["hello"], WITHIN_S)
    left = await waiting(house)
    assert len(left) > CROWD / 2
    assert {(one.attempts, one.error_code) for one in left} == {(0, None)}


async def test_crm_work_keeps_no_place_from_the_chat_of_its_own_portal(
    bots: tuple[House, Bot, Bot],
) -> None:
    house, ours, _ = bots
    stage = ours.stage
    chat, thread_id = await ours.slow_down()
    line = {"sender": "Ada", "atMs": 1, "text": "hello", "contactId": "1"}
    await crowd(house, ours, SAID, line, share=64)

    stage.botpress.plugin.say(chat, "are you there?")

    assert await reached(lambda: "are you there?" in stage.heard_by_agent(thread_id), WITHIN_S)
    assert len(await waiting(house)) > CROWD / 2
