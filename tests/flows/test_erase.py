"""Erasing, seen from outside: a marker is said everywhere, erased, and then looked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from tests.commands import run_command
from tests.flows.conftest import WITHIN_S, House
from tests.flows.conversation import PDF, WebSite, furnished

from hubspot_hitl.house import open_house
from hubspot_hitl.ports.ledger import ERASED, Delivery, DeliveryFilter, DeliveryState, Ledger
from hubspot_hitl.privacy.later import ERASE, ERASE_CONTACT
from hubspot_hitl.privacy.retention import DAY_MS, Forgetting
from hubspot_hitl.settings import Settings
from hubspot_hitl.twins.botpress.chat import Chat
from hubspot_hitl.twins.stage import Stage, reached

HOUR_MS = 3_600_000
MARKER = f"marker{uuid4().hex}"


@pytest.fixture
async def bare(stage: Stage, tmp_path: Path) -> AsyncIterator[House]:
    """Not installed yet, so that a test may choose the configuration."""
    house = House(stage, tmp_path)
    yield house
    await house.close()


def settings_of(house: House) -> Settings:
    """What a command beside the server runs with."""
    stage = house.stage
    return Settings(
        data_dir=house.folder,
        database_url=f"sqlite:///{house.folder}/house.db",
        **{key.removeprefix("HITL_").lower(): value for key, value in stage.environment().items()},  # type: ignore[arg-type]  # texts, as the environment has them
    )


async def said_everywhere(house: House, site: WebSite | None = None) -> tuple[Chat, str]:
    """A handoff with the marker in every place that people fill; with files if there is a site."""
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
    if site is not None:
        stage.botpress.plugin.send(
            chat, "file", {"fileUrl": site.url("mine.pdf"), "title": f"{MARKER}.pdf"}
        )
        stage.hubspot.agents.reply(
            thread_id,
            agent,
            " ",
            attachments=[
                stage.hubspot.agents.attach(
                    thread_id, f"{MARKER}.pdf", PDF + MARKER.encode(), "application/pdf"
                )
            ],
        )
    for n in range(30):
        stage.hubspot.agents.reply(thread_id, agent, f"answer {n} {MARKER} " + "long " * 400)
    files = site is not None
    await house.until(chat, thread_id, user=2 + files, agent=30 + files)
    return chat, thread_id


def at_hubspot(house: House, *, archived: bool = False) -> list[str]:
    """Where the marker is in the HubSpot twin's portal; archived threads only on demand."""
    portal = house.stage.hubspot.world.portals[house.stage.hubspot.options.portal_id]
    found = [
        f"thread {one.id}"
        for one in portal.threads.values()
        if (archived or not one.archived) and MARKER in f"{one.messages}{one.visitor}"
    ]
    found += [
        f"file {one.id}"
        for one in portal.files.values()
        if MARKER.encode() in one.content or MARKER in one.name
    ]
    found += [f"visitor {id_}" for id_, one in portal.visitors.items() if MARKER in str(one)]
    for kind, records in portal.objects.items():
        found += [f"{kind} {one.id}" for one in records.values() if MARKER in str(one.properties)]
    return found


def at_botpress(house: House) -> list[str]:
    """Where the marker is in the bot, but for the user's own chat with the bot."""
    installation = house.stage.installation
    assert installation is not None
    bot = house.stage.botpress.world.bot(installation.bot_id)
    kinds: dict[str, dict[str, object]] = {
        "message": {one.id: one.payload for one in bot.messages.values()},
        "user": {one.id: one.wire() for one in bot.users.values()},
        "file": {id_: str(one) for id_, one in bot.files.items()},
        "conversation": {one.id: one.wire() for one in bot.conversations.values()},
        "state": {str(key): one for key, one in bot.states.items()},
    }
    return [
        f"{kind} {id_}" for kind, all_ in kinds.items() for id_ in all_ if MARKER in str(all_[id_])
    ]


async def run(house: House, *arguments: str) -> tuple[int, str, str]:
    """`hubspot-hitl erase` beside the server."""
    said = await run_command("erase", *arguments, env=house.environment(), folder=house.folder)
    return said.status, said.out, said.err


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
        for _ in range(1_000):
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
        rows = DeliveryFilter(handoff_id=handoff_id, limit=1_000)
        before = await beside.services.ledger.find(rows)
        _, out, _ = await run(house, "handoff", handoff_id, "--json")
        after = await beside.services.ledger.find(rows)
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


async def test_with_vendors_the_marker_is_nowhere_not_even_in_files_and_notes(
    bare: House, site: WebSite, capfd: pytest.CaptureFixture[str]
) -> None:
    site.files["mine.pdf"] = PDF + MARKER.encode()
    house, stage = await furnished(bare, transcriptMode="at-close", endNote=True), bare.stage
    chat, thread_id = await said_everywhere(house, site)
    await ended(house, chat, thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
        ledger = beside.services.ledger
        wanted = ("contact.note", "contact.transcript")
        assert await settled(ledger, wanted)
    portal = stage.hubspot.world.portals[stage.hubspot.options.portal_id]
    before = {one.split()[0] for one in (*at_hubspot(house), *at_botpress(house))}
    assert before == {"thread", "file", "contacts", "notes", "message", "user", "state"}
    assert handoff.contact_id is not None

    status, out, err = await run(
        house, "contact", handoff.contact_id, "--vendors", "--delete-contact", "--json"
    )
    receipt = json.loads(out)
    assert (status, receipt["left"]) == (0, []), err
    counts = receipt["counts"]
    assert (counts["files"], counts["notes"], counts["hubspotContacts"]) == (2, 1, 1)
    own = next(id_ for id_, one in portal.files.items() if one.access != "PRIVATE")
    # What the agent sent lies in the portal's file manager, and may be in use elsewhere.
    assert (at_hubspot(house, archived=True), at_botpress(house)) == ([f"file {own}"], [])
    assert files_with(house.folder, MARKER) == []
    assert MARKER not in out + err + "".join(capfd.readouterr())


async def test_without_the_contact_its_transcript_is_emptied_and_the_rest_stays(
    bare: House,
) -> None:
    house, stage = await furnished(bare, transcriptMode="at-close"), bare.stage
    chat, thread_id = await said_everywhere(house)
    await ended(house, chat, thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
        assert await settled(beside.services.ledger, ("contact.transcript",))
    portal = stage.hubspot.world.portals[stage.hubspot.options.portal_id]
    contact = portal.of_type("contacts")[handoff.contact_id or ""]
    assert MARKER in (contact.properties["chat_transcript"] or "")
    status, out, _ = await run(house, "contact", contact.id, "--vendors", "--json")
    assert (status, json.loads(out)["counts"]["transcripts"]) == (0, 1)
    assert not contact.properties["chat_transcript"]
    assert contact.properties["email"] == f"{MARKER}@example.com"


async def test_a_contact_that_hubspot_erases_ends_the_chat_and_is_erased_here(
    house: House,
) -> None:
    chat, _ = await said_everywhere(house)
    stage = house.stage
    async with open_house(settings_of(house), work=False) as beside:
        (handoff,) = await beside.services.handoffs.find()
        hubspot = beside.services.hubspot.of((await beside.services.installations.all())[0])
        await hubspot.erase_contact(handoff.contact_id or "")
        assert await reached(lambda: not chat.active, WITHIN_S)
        assert await settled(beside.services.ledger, (ERASE_CONTACT,))
        audit = await beside.storage.audit.list(action="erased")
        assert f"contact:{handoff.contact_id}" in {one.subject for one in audit}
        assert await beside.services.people.user(handoff.installation_id, handoff.user_id) is None
    assert files_with(house.folder, MARKER) == []
    assert (at_hubspot(house, archived=True), at_botpress(house)) == ([], [])
    assert chat.counts["hitlStopped"] == 1
    assert stage.hubspot.world.portals[stage.hubspot.options.portal_id].threads == {}


async def test_deleting_a_contact_has_to_be_meant(house: House) -> None:
    for arguments in (("contact", "7", "--delete-contact"), ("handoff", "7", "--delete-contact")):
        status, _, err = await run(house, *arguments)
        assert (status, "needs --vendors" in err) == (2, True)


async def settled(ledger: Ledger, kinds: tuple[str, ...]) -> bool:
    """Whether all deliveries of these kinds come to be done."""
    for _ in range(1_000):
        found = [one for kind in kinds for one in await ledger.find(DeliveryFilter(kind=kind))]
        if len({one.kind for one in found}) == len(kinds) and all(
            one.state is DeliveryState.DONE for one in found
        ):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_hubspots_privacy_deletion_erases_by_itself(house: House) -> None:
    _, thread_id = await said_everywhere(house)
    house.stage.hubspot.agents.privacy_delete(thread_id)
    async with open_house(settings_of(house), work=False) as beside:
        ledger = beside.services.ledger
        found = list[Delivery]()
        for _ in range(1_000):
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
        assert [one.action for one in await beside.storage.audit.list(action="erased")] == [
            "erased"
        ]
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
        handoff = await beside.storage.handoffs.find()
        assert (handoff[0].user_name, handoff[0].title) == (None, None)
    assert files_with(house.folder, MARKER) == []
