from __future__ import annotations

import asyncio
import io
import json
import os
import re
import socket
import zipfile
from pathlib import Path

import pytest
from tests.commands import begin_command, run_command
from tests.flows.conftest import WITHIN_S, House
from tests.flows.console_desk import dead_letter
from tests.flows.conversation import agent, entries

from hubspot_hitl.cli.sessions import FOUND_BY
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.store import migrations
from hubspot_hitl.store.engine.database import open_database
from hubspot_hitl.store.migrations import migrate
from hubspot_hitl.twins.faults import Fault, FaultKind
from hubspot_hitl.twins.stage import reached
from hubspot_hitl.web import keys


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
    async with asyncio.timeout(60):
        process = await begin_command("sessions", "tail", thread_id, "--json", env=beside(house))
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


async def test_what_went_wrong_and_what_to_do_comes_first(desk: House) -> None:
    seq, thread_id = await dead_letter(desk)
    status, text = await command(desk, "sessions", "show", thread_id)
    first = text.partition("\n\n")[0].splitlines()
    assert status == 0
    assert first[0].startswith("Nobody has taken it: the user asked")
    assert first[1].startswith("The user's last words have had no answer for ")
    assert "The user's messages: 1, 0 of them delivered." in first
    assert re.search(rf"Delivery {seq} .* not authorized.* deliveries replay {seq}$", first[-1])
    assert (
        f"deliveries replay {seq}"
        in json.loads((await command(desk, "sessions", "show", thread_id, "--json"))[1])["summary"][
            -1
        ]
    )
    assert (await command(desk, "report"))[0] == 1
    status, text = await command(desk, "deliveries", "list")
    assert status == 1
    assert re.search(rf"^ +{seq}  dead .*\n +vendor_refused: .*not authorized", text, re.MULTILINE)


async def test_what_was_refused_or_became_a_comment_is_not_told_as_delivered(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "hello")
    house.stage.hubspot.agents.reply(thread_id, agent(house), "hi")
    await house.until(chat, thread_id, user=1, agent=1)
    house.stage.hubspot.agents.close(thread_id)
    assert await reached(lambda: not chat.active, WITHIN_S)
    house.stage.hubspot.agents.reply(thread_id, agent(house), "one more thing")
    assert await reached(lambda: refused(house, thread_id), WITHIN_S)
    _, text = await command(house, "sessions", "show", thread_id)
    assert "The user's messages: 1, all delivered." in text
    assert "The agent's messages: 2, 1 of them delivered." in text


def refused(house: House, thread_id: str) -> bool:
    told = house.stage.hubspot.journal.since(0, "status")
    return any(one.get("status") == "FAILED" for one in told)


async def test_what_waits_is_told_once_with_the_code_of_its_cure(house: House) -> None:
    chat, thread_id = await house.handoff()
    assert await reached(
        lambda: bool(entries(house, thread_id, "COMMENT")), WITHIN_S
    )  # the history
    house.stage.hubspot.faults.add(Fault(FaultKind.GRANT_REVOKED))
    for words in ("first", "second", "third"):
        house.stage.botpress.plugin.say(chat, words)
    assert house.runner is not None
    ledger = house.runner.app[keys.SERVICES].ledger
    waiting = DeliveryFilter(states=(DeliveryState.READY,), newest_first=False)
    async with asyncio.timeout(60):
        while True:
            found = [one for one in await ledger.find(waiting) if one.handoff_id and not one.timer]
            if len(found) >= 3 and found[0].error_code:
                break
            await asyncio.sleep(0.02)
    message_id = found[-1].dedup_key.rpartition(":")[2]

    _, text = await command(house, "sessions", "show", message_id)

    (told,) = [line for line in text.splitlines() if line.startswith("Delivery ")]
    assert told.startswith(f"Delivery {found[0].seq} ({found[0].kind}) has waited for ")
    behind = f"Behind it: {len(found) - 1} more."
    assert told.endswith(f"connect the portal again [authorization_lost]. {behind}")
    assert thread_id in text
    assert "connect the portal again [authorization_lost]" in (await command(house, "status"))[1]


async def test_the_words_of_strangers_do_not_reach_the_terminals_controls(house: House) -> None:
    chat, thread_id = await house.handoff()
    house.stage.botpress.plugin.say(chat, "\x1b[2Jgone\x1b]0;title\x07\u202eback")
    await house.until(chat, thread_id, user=1)
    _, text = await command(house, "sessions", "show", thread_id)
    assert "\N{REPLACEMENT CHARACTER}[2Jgone" in text
    assert not set("\x1b\x07\u202e") & set(text)


async def test_a_name_that_several_have_asks_which_is_meant(house: House) -> None:
    for number in (1, 21):
        await house.handoff(number)
    _, text = await command(house, "sessions", "list", "--json")
    listed = [json.loads(line) for line in text.splitlines()]
    status, text = await command(house, "sessions", "bundle", "1")  # in both names
    assert (status, text.splitlines()[0][:14]) == (1, "2 handoffs fit")
    assert all(one["thread"] in text for one in listed)
    assert not [name for name in await asyncio.to_thread(os.listdir, house.folder) if "zip" in name]
    status, text = await command(house, "sessions", "show", str(listed[1]["conversation"]))
    assert (status, str(listed[1]["id"]) in text) == (0, True)


async def test_the_keys_that_scripts_read_stay(house: House) -> None:
    _, thread_id = await house.handoff()
    _, text = await command(house, "sessions", "show", thread_id, "--json")
    shown = json.loads(text)
    listed = json.loads((await command(house, "sessions", "list", "--json"))[1])
    assert sorted(listed) == [
        "agent", "assigned", "began", "contact", "conversation", "endReason", "ended",
        "firstAssigned", "firstReply", "id", "installation", "state", "thread", "title", "user",
    ]  # fmt: skip
    assert sorted(set(shown) - set(listed)) == ["attempts", "deliveries", "summary"]
    assert sorted(shown["deliveries"][0]) == [
        "accepted", "direction", "due", "error", "failures", "finished", "handoff", "kind", "note",
        "seq", "state", "tookMs",
    ]  # fmt: skip
    (row,) = json.loads((await command(house, "status", "--json"))[1])["installations"]
    assert sorted(row) == [
        "connected", "cure", "deadLetters", "failing", "installation", "openHandoffs", "portalId",
        "problem", "reminder", "setup", "tokenExpiresAt", "waitingFor",
    ]  # fmt: skip
    report = json.loads((await command(house, "report", "--json"))[1])
    assert sorted(report) == [
        "bucketSeconds", "durations", "ledger", "outcomes", "rate", "span", "until",
    ]  # fmt: skip
    portal = house.stage.hubspot.options.portal_id
    assert portal in (await command(house, "status"))[1]
    await house.close()  # what was used of the rate limit is written down each minute, and now
    assert f"Portal {portal}: at most" in (await command(house, "report", "--span", "hour"))[1]


async def test_a_bundle_that_cannot_be_written_says_why(house: House) -> None:
    _, thread_id = await house.handoff()
    target = house.folder / "missing" / "x.zip"
    status, text = await command(house, "sessions", "bundle", thread_id, "--out", str(target))
    assert status == 2
    assert "No such file or directory" in text
    assert "--out" in text


@pytest.mark.parametrize(
    "words",
    [("sessions", "list"), ("sessions", "tail"), ("status",), ("report",), ("deliveries", "list")],
)
async def test_looking_in_the_wrong_place_is_told_and_leaves_nothing_there(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    env = {
        "HITL_DATA_DIR": str(tmp_path),
        "HITL_DATABASE_URL": f"sqlite:///{tmp_path}/wrong.db",
    }
    said = await run_command(*words, env=env, folder=tmp_path)
    assert (said.status, said.out) == (2, "")
    assert f"no database yet at '{tmp_path}/wrong.db'" in said.err
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_an_empty_database_is_no_fault(tmp_path: Path) -> None:
    env = {"HITL_DATA_DIR": str(tmp_path), "HITL_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    await migrate(env["HITL_DATABASE_URL"])
    for words, out in (
        ("sessions list", "There is none yet.\n"),
        ("sessions list --json", ""),
        ("sessions list x", "There is no such handoff.\n"),
        ("deliveries list", "There is no such delivery.\n"),
        ("status --json", '{"installations": []}\n'),
    ):
        said = await run_command(*words.split(), env=env, folder=tmp_path)
        assert (said.status, said.out) == (0, out)
    for words in ("sessions tail x", "sessions show x --json"):
        said = await run_command(*words.split(), env=env, folder=tmp_path)
        assert (said.status, said.out, said.err) == (
            1,
            "",
            f"There is no handoff 'x'. {FOUND_BY}\n",
        )


async def test_a_command_of_a_newer_version_leaves_an_older_database_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {"HITL_DATA_DIR": str(tmp_path), "HITL_DATABASE_URL": f"sqlite:///{tmp_path}/old.db"}
    with monkeypatch.context() as before:
        before.setattr(migrations, "HEAD", "0004")
        await migrate(env["HITL_DATABASE_URL"])
    said = await run_command("sessions", "list", env=env, folder=tmp_path)
    assert said.status == 2
    assert "has schema '0004'" in said.err
    database = open_database(env["HITL_DATABASE_URL"])
    await database.start()
    assert await migrations.current_revision(database) == "0004"
    await database.close()


async def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held and not listening: nobody answers here
        port = held.getsockname()[1]
        env = {"HITL_DATABASE_URL": f"postgresql://operator:hidden@127.0.0.1:{port}/hitl"}
        said = await run_command("sessions", "list", "--json", env=env, folder=tmp_path)
    assert (said.status, said.out) == (1, "")
    assert f"127.0.0.1:{port}/hitl cannot be used" in said.err
    assert "hidden" not in said.err
