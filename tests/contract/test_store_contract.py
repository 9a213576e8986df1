"""One suite over every store: in memory, SQLite, PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.databases import ENGINES, migrated_database
from tests.fakes import FakeClock

from hubspot_hitl.errors import IllegalMove, Stale, UnknownInstallation
from hubspot_hitl.handoff.records import EndReason, Handoff, HandoffState, Person
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import ChannelBinding, Installation
from hubspot_hitl.ports.audit import Audit, Nonces
from hubspot_hitl.ports.privacy import Artifact, ArtifactKind, Artifacts
from hubspot_hitl.ports.store import Handoffs, Installations, People, Vault
from hubspot_hitl.store import memory
from hubspot_hitl.store.artifacts import SqlArtifacts
from hubspot_hitl.store.audit import SqlAudit
from hubspot_hitl.store.engine.database import Database
from hubspot_hitl.store.handoffs import SqlHandoffs
from hubspot_hitl.store.installations import SqlInstallations
from hubspot_hitl.store.nonces import SqlNonces
from hubspot_hitl.store.people import SqlPeople
from hubspot_hitl.store.secrets.keyring import KeyRing, new_key
from hubspot_hitl.store.secrets.vault import SqlVault


@dataclass(frozen=True)
class Store:
    handoffs: Handoffs
    people: People
    installations: Installations
    vault: Vault
    audit: Audit
    nonces: Nonces
    artifacts: Artifacts
    clock: FakeClock


def memory_store() -> Store:
    clock = FakeClock()
    return Store(
        memory.MemoryHandoffs(),
        memory.MemoryPeople(),
        memory.MemoryInstallations(),
        memory.MemoryVault(),
        memory.MemoryAudit(clock),
        memory.MemoryNonces(),
        memory.MemoryArtifacts(),
        clock,
    )


def sql_store(database: Database) -> Store:
    clock, keys = FakeClock(), KeyRing.from_text(f"k:{new_key()}")
    return Store(
        SqlHandoffs(database),
        SqlPeople(database),
        SqlInstallations(database, keys, clock),
        SqlVault(database, keys),
        SqlAudit(database, clock),
        SqlNonces(database),
        SqlArtifacts(database),
        clock,
    )


@pytest.fixture(params=["memory", *ENGINES])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield memory_store()
        return
    async with migrated_database(request.param, tmp_path) as database:
        yield sql_store(database)


def handoff(number: int = 1, **changes: Any) -> Handoff:
    one = Handoff(
        id=f"h{number}",
        installation_id="i1",
        user_id=f"u{number}",
        start_key=f"start-{number}",
        integration_thread_id=f"it{number}",
        state=HandoffState.STARTING,
        created_ms=1_000 + number,
        inbox_id="inbox",
        channel_id="channel",
        channel_account_id="account",
    )
    return replace(one, **changes)


def installation(id_: str = "i1", **changes: Any) -> Installation:
    configuration = Configuration(
        app_id="77", client_secret=SecretStr("s3cret"), refresh_token=SecretStr("r3fresh")
    )
    one = Installation(id_, "bot", "integration", "hubspot", configuration)
    return replace(one, **changes)


# handoffs


async def test_a_handoff_comes_back_as_it_was_saved(store: Store) -> None:
    await store.handoffs.open(handoff())
    full = handoff(
        state=HandoffState.RESOLVED,
        conversation_id="c1",
        thread_id="t1",
        contact_id="contact",
        user_name="Zoë",
        title="A title",
        description="",
        language="nl",
        agent_actor_id="A-1",
        agent_user_id="au",
        announced=("A-1", "A-2"),
        assigned_ms=1,
        first_assigned_ms=1,
        first_reply_ms=2,
        last_agent_ms=4,
        ended_ms=2**53,
        end_reason=EndReason.AGENT_CLOSED,
        session='{"a": 1}',
    )

    saved = await store.handoffs.save(full)

    assert saved == replace(full, version=1)
    assert await store.handoffs.get("h1") == saved
    found = (await store.handoffs.find())[0]
    assert found == saved
    assert {type(getattr(found, one.name)) for one in fields(found)} == {
        str, int, tuple, HandoffState, EndReason,
    }  # fmt: skip


async def test_twenty_concurrent_starts_of_one_conversation_open_one_handoff(store: Store) -> None:
    wanted = [handoff(number, start_key="same") for number in range(20)]
    opened = await asyncio.gather(*(store.handoffs.open(one) for one in wanted))
    assert len({one.id for one in opened}) == 1
    assert len(await store.handoffs.find()) == 1


async def test_opening_the_same_handoff_again_changes_nothing(store: Store) -> None:
    await store.handoffs.open(handoff())
    ended = await store.handoffs.save(handoff(state=HandoffState.CANCELLED))
    assert await store.handoffs.open(handoff()) == ended


async def test_an_ended_handoff_frees_its_start_key(store: Store) -> None:
    await store.handoffs.open(handoff(1, start_key="same"))
    await store.handoffs.save(handoff(1, start_key="same", state=HandoffState.FAILED))
    second = await store.handoffs.open(handoff(2, start_key="same"))
    assert second.id == "h2"


async def test_start_keys_of_two_installations_do_not_meet(store: Store) -> None:
    await store.handoffs.open(handoff(1, start_key="same"))
    other = await store.handoffs.open(handoff(2, start_key="same", installation_id="i2"))
    assert other.id == "h2"


async def test_reopening_beside_another_active_handoff_is_illegal(store: Store) -> None:
    await store.handoffs.open(handoff(1, start_key="same"))
    ended = await store.handoffs.save(handoff(1, start_key="same", state=HandoffState.RESOLVED))
    await store.handoffs.open(handoff(2, start_key="same"))
    with pytest.raises(IllegalMove, match="h1"):
        await store.handoffs.save(replace(ended, state=HandoffState.ASSIGNED))
    assert await store.handoffs.get("h1") == ended


async def test_of_concurrent_saves_of_one_version_exactly_one_wins(store: Store) -> None:
    opened = await store.handoffs.open(handoff())
    outcomes = await asyncio.gather(
        *(store.handoffs.save(replace(opened, title=f"{number}")) for number in range(8)),
        return_exceptions=True,
    )
    won = [one for one in outcomes if isinstance(one, Handoff)]
    assert len(won) == 1
    assert [type(one) for one in outcomes if not isinstance(one, Handoff)] == [Stale] * 7
    assert await store.handoffs.get("h1") == won[0]


async def test_saving_a_handoff_that_was_never_opened_is_stale(store: Store) -> None:
    with pytest.raises(Stale, match="h1"):
        await store.handoffs.save(handoff())


async def test_handoffs_are_found_by_the_ids_of_both_sides(store: Store) -> None:
    for number in (1, 2, 3):
        await store.handoffs.open(handoff(number))
        await store.handoffs.save(
            handoff(number, conversation_id=f"c{number}", thread_id=f"t{number}")
        )

    by_conversation = await store.handoffs.by_conversation("i1", "c2")
    by_threads = await store.handoffs.by_threads("i1", ["t1", "t3", "t1", "stranger"])
    by_ours = await store.handoffs.by_integration_threads("i1", ["it2", "stranger"])

    assert by_conversation is not None
    assert by_conversation.id == "h2"
    assert {key: one.id for key, one in by_threads.items()} == {"t1": "h1", "t3": "h3"}
    assert {key: one.id for key, one in by_ours.items()} == {"it2": "h2"}
    assert await store.handoffs.by_threads("i1", []) == {}


async def test_a_neighbour_finds_nothing_by_our_ids(store: Store) -> None:
    await store.handoffs.open(handoff())
    await store.handoffs.save(handoff(conversation_id="c1", thread_id="t1"))
    assert await store.handoffs.by_conversation("i2", "c1") is None
    assert await store.handoffs.by_threads("i2", ["t1"]) == {}
    assert await store.handoffs.by_integration_threads("i2", ["it1"]) == {}
    assert not await store.handoffs.starting("i2", 0)


async def test_of_two_handoffs_in_one_thread_the_active_one_is_found(store: Store) -> None:
    await store.handoffs.open(handoff(1, created_ms=5_000))
    await store.handoffs.open(handoff(2, created_ms=1_000))
    done = HandoffState.RESOLVED
    await store.handoffs.save(handoff(1, created_ms=5_000, thread_id="t", state=done))
    active = await store.handoffs.save(handoff(2, created_ms=1_000, thread_id="t"))
    assert await store.handoffs.by_threads("i1", ["t"]) == {"t": active}


async def test_an_unknown_thread_is_found_as_soon_as_it_is_ours(store: Store) -> None:
    opened = await store.handoffs.open(handoff())
    assert await store.handoffs.by_threads("i1", ["t1"]) == {}
    saved = await store.handoffs.save(replace(opened, thread_id="t1"))
    assert await store.handoffs.by_threads("i1", ["t1"]) == {"t1": saved}


async def test_a_start_in_flight_is_known_until_it_is_over(store: Store) -> None:
    assert not await store.handoffs.starting("i1", 0)
    opened = await store.handoffs.open(handoff())
    assert await store.handoffs.starting("i1", 0)
    assert await store.handoffs.starting("i1", opened.created_ms, opened.created_ms)
    assert not await store.handoffs.starting("i1", opened.created_ms + 1)
    assert not await store.handoffs.starting("i1", 0, opened.created_ms - 1)
    await store.handoffs.save(replace(opened, state=HandoffState.PENDING))
    assert not await store.handoffs.starting("i1", 0)


async def test_all_handoffs_of_a_person_are_found_and_nobody_elses(store: Store) -> None:
    for number in range(1, 121):
        await store.handoffs.open(handoff(number, user_id="u", contact_id="7"))
    await store.handoffs.save(handoff(120, user_id="u", contact_id="7", state=HandoffState.FAILED))
    await store.handoffs.open(handoff(200, user_id="v", contact_id="8", thread_id="7"))
    await store.handoffs.open(handoff(201, user_id="u", installation_id="i2"))

    every = await store.handoffs.of_user("i1", "u")
    active = await store.handoffs.of_user("i1", "u", active=True)

    assert [one.id for one in every[:2]] == ["h120", "h119"]
    assert (len(every), len(active)) == (120, 119)
    assert {one.id for one in await store.handoffs.of_user("i1", "u", active=False)} == {"h120"}
    assert len(await store.handoffs.of_person("user_id", "u")) == 121
    assert len(await store.handoffs.of_person("contact_id", "7")) == 120


async def test_handoffs_are_listed_newest_first_in_pages(store: Store) -> None:
    for number in range(1, 6):
        await store.handoffs.open(handoff(number))
    first = await store.handoffs.find(limit=2)
    second = await store.handoffs.find(limit=2, before_ms=first[-1].created_ms)
    assert [one.id for one in (*first, *second)] == ["h5", "h4", "h3", "h2"]


async def test_handoffs_are_searched_by_state_installation_id_and_name(store: Store) -> None:
    await store.handoffs.open(handoff(1, user_name="Ada 100%"))
    await store.handoffs.open(handoff(2, user_name="Bob", installation_id="i2"))
    await store.handoffs.save(handoff(1, user_name="Ada 100%", state=HandoffState.EXPIRED))

    async def ids(**search: Any) -> list[str]:
        return [one.id for one in await store.handoffs.find(**search)]

    assert await ids(active=True) == ["h2"]
    assert await ids(active=False) == ["h1"]
    assert await ids(installation_id="i2") == ["h2"]
    assert await ids(text="ada") == ["h1"]
    assert await ids(text="0%") == ["h1"]
    assert await ids(text="%") == ["h1"]
    assert await ids(text="it2") == ["h2"]
    assert await store.handoffs.count_by_state() == {"expired": 1, "starting": 1}


# people


async def test_a_person_is_remembered_and_replaced(store: Store) -> None:
    person = Person("i1", "u1", "Zoë", "z@example.org", "+31", "https://p", "A-1", "nl", 5)
    await store.people.remember(person)
    assert await store.people.user("i1", "u1") == person
    assert await store.people.agent("i1", "A-1") == person
    await store.people.remember(Person("i1", "u1", name="Zo"))
    assert await store.people.user("i1", "u1") == Person("i1", "u1", name="Zo")
    assert await store.people.agent("i1", "A-1") is None
    assert await store.people.user("i2", "u1") is None


async def test_of_two_mirrors_of_an_agent_the_one_seen_last_counts(store: Store) -> None:
    await store.people.remember(Person("i1", "old", actor_id="A-1", seen_ms=1))
    await store.people.remember(Person("i1", "new", actor_id="A-1", seen_ms=2))
    found = await store.people.agent("i1", "A-1")
    assert found is not None
    assert found.user_id == "new"


# installations


async def test_an_installation_comes_back_with_its_secrets(store: Store) -> None:
    one = installation(portal_id="42", webhook_url="https://example.org/i1")
    assert await store.installations.remember(one) == one
    assert await store.installations.get("i1") == one
    assert list(await store.installations.all()) == [one]
    assert await store.installations.get("stranger") is None


async def test_what_was_learned_stays_when_botpress_says_nothing_about_it(store: Store) -> None:
    await store.installations.remember(installation(webhook_url="https://example.org/i1"))
    await store.installations.set_portal("i1", "42")
    changed = Configuration(app_id="78", client_secret=SecretStr("other"))

    told = await store.installations.remember(installation(configuration=changed))

    assert (told.portal_id, told.webhook_url) == ("42", "https://example.org/i1")
    assert told.configuration == changed
    assert await store.installations.get("i1") == told


async def test_installations_are_found_by_app_and_portal(store: Store) -> None:
    await store.installations.remember(installation("i1", portal_id="1"))
    await store.installations.remember(installation("i2", portal_id="2"))
    await store.installations.remember(installation("i3"))
    by_app = await store.installations.by_app("77", None)
    by_portal = await store.installations.by_app("77", "2")
    assert [one.id for one in by_app] == ["i1", "i2", "i3"]
    assert [one.id for one in by_portal] == ["i2"]
    assert list(await store.installations.by_app("99", None)) == []


async def test_a_removed_installation_is_gone_until_it_is_told_again(store: Store) -> None:
    binding = ChannelBinding("channel", "account", "inbox", "identifier")
    await store.installations.remember(installation(portal_id="1"))
    await store.installations.set_bindings("i1", [binding])
    await store.installations.remove("i1")

    assert await store.installations.get("i1") is None
    assert list(await store.installations.all()) == []
    assert list(await store.installations.by_app("77", None)) == []
    assert list(await store.installations.bindings("i1")) == []
    with pytest.raises(UnknownInstallation):
        await store.installations.set_bindings("i1", [binding])

    assert await store.installations.removed("i1")
    again = await store.installations.remember(installation())
    assert not await store.installations.removed("i1")
    assert again == installation()
    assert await store.installations.get("i1") == installation()


async def test_an_installation_that_was_never_known_was_not_removed(store: Store) -> None:
    await store.installations.remove("i1")
    assert not await store.installations.removed("i1")


async def test_bindings_are_replaced_and_keep_their_order(store: Store) -> None:
    await store.installations.remember(installation())
    first = ChannelBinding("channel", "z", "inbox1", "identifier1", default=True)
    second = ChannelBinding("channel", "a", "inbox2", "identifier2")
    await store.installations.set_bindings("i1", [first, second])
    assert list(await store.installations.bindings("i1")) == [first, second]
    await store.installations.set_bindings("i1", [second])
    assert list(await store.installations.bindings("i1")) == [second]


# vault, audit, nonces


async def test_secrets_are_kept_replaced_and_forgotten(store: Store) -> None:
    await store.vault.put("a", "x", b"1")
    await store.vault.put("a", "x", b"\x00\xff2")
    await store.vault.put("a", "y", b"")
    await store.vault.put("b", "x", b"3")
    assert await store.vault.get("a", "x") == b"\x00\xff2"
    assert await store.vault.get("a", "y") == b""
    await store.vault.delete("a", "x")
    assert await store.vault.get("a", "x") is None
    await store.vault.delete("a")
    assert await store.vault.get("a", "y") is None
    assert await store.vault.get("b", "x") == b"3"


async def test_the_audit_trail_is_an_unbroken_chain(store: Store) -> None:
    await asyncio.gather(
        *(store.audit.append("cli", "replay", f"delivery:{n}", {"n": (n, "é")}) for n in range(10))
    )
    entries = await store.audit.list()
    report = await store.audit.verify()

    assert [one.seq for one in entries] == list(range(10, 0, -1))
    assert entries[0].prev_hash == entries[1].hash
    assert (report.intact, report.checked, report.head) == (True, 10, entries[0].hash)


async def test_the_audit_trail_is_searched_and_paged(store: Store) -> None:
    for number in range(4):
        await store.audit.append("cli", "replay" if number % 2 else "discard", "delivery:1")
    await store.audit.append("cli", "replay", "delivery:2")
    found = await store.audit.list(action="replay", subject="delivery:1")
    page = await store.audit.list(before_seq=3, limit=1)
    assert [one.seq for one in found] == [4, 2]
    assert [one.seq for one in page] == [2]
    assert page[0].at_ms == store.clock.now_ms()


async def test_an_empty_audit_trail_is_intact(store: Store) -> None:
    report = await store.audit.verify()
    assert (report.intact, report.checked) == (True, 0)


async def test_a_name_can_be_used_once_however_many_try(store: Store) -> None:
    tries = await asyncio.gather(*(store.nonces.use("state:1", 10_000) for _ in range(20)))
    assert sorted(tries) == [False] * 19 + [True]
    assert await store.nonces.use("state:2", 20_000)


async def test_expired_names_are_purged(store: Store) -> None:
    await store.nonces.use("old", 10_000)
    await store.nonces.use("young", 20_000)
    assert await store.nonces.purge(15_000) == 1
    assert await store.nonces.use("old", 30_000)
    assert not await store.nonces.use("young", 30_000)


async def test_a_forgotten_user_is_gone_and_an_agent_stays(store: Store) -> None:
    await store.people.remember(Person("i1", "u1", name="Ada"))
    await store.people.remember(Person("i1", "a1", name="Agent", actor_id="A-1"))
    assert await store.people.forget("i1", "u1")
    assert await store.people.user("i1", "u1") is None
    assert not await store.people.forget("i1", "u1")
    assert not await store.people.forget("i1", "a1")
    assert await store.people.user("i1", "a1") is not None


# artifacts


async def test_an_artifact_is_known_by_its_handoff_until_it_is_dropped(store: Store) -> None:
    file = Artifact("i1", ArtifactKind.HUBSPOT_FILE, "1", "h1")
    note = Artifact("i1", ArtifactKind.HUBSPOT_NOTE, "1", "h1")
    for one in (note, file, file, Artifact("i2", ArtifactKind.HUBSPOT_FILE, "1", "h2")):
        await store.artifacts.add(one)
    assert await store.artifacts.of("h1") == [file, note]
    await store.artifacts.drop(file)
    await store.artifacts.drop(file)
    assert await store.artifacts.of("h1") == [note]
    assert len(await store.artifacts.of("h2")) == 1
