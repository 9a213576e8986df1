"""Threads, their messages, actors and the agents' limits on the HubSpot twin."""

from __future__ import annotations

import pytest
from tests.unit.twins.conftest import CHANNELS, OPAQUE, THREADS, HubClient, Json

from hubspot_hitl.twins.hubspot import ApiError

BETA = "/conversations/conversations/2026-09-beta/threads"


@pytest.mark.parametrize("base", [THREADS, BETA])
async def test_a_thread_is_assigned_and_unassigned(hub: HubClient, base: str) -> None:
    path = f"{base}/{await hub.thread()}"
    assigned = await hub.call("PUT", f"{path}/assignee", {"actorId": hub.agent})
    removed = await hub.call("DELETE", f"{path}/assignee")
    assert (assigned.status, assigned.json["assignedTo"]) == (200, hub.agent)
    assert removed.status == 204
    assert "assignedTo" not in (await hub.call("GET", path)).json


@pytest.mark.parametrize("body", [{}, {"actorId": "A-9"}, {"actorId": "agent-1@portal.example"}])
async def test_only_an_agent_can_be_assigned(hub: HubClient, body: Json) -> None:
    path = f"{THREADS}/{await hub.thread()}/assignee"
    assert (await hub.call("PUT", path, body)).status == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "ARCHIVED"}, {"assignedTo": "A-1111"}, {"archived": True}, {"status": 1}],
)
async def test_a_bad_thread_update_is_refused(hub: HubClient, body: Json) -> None:
    assert (await hub.call("PATCH", f"{THREADS}/{await hub.thread()}", body)).status == 400


async def test_an_archived_thread_is_hidden_and_keeps_its_status(hub: HubClient) -> None:
    path = f"{THREADS}/{await hub.thread()}"
    archived = {"archived": "true"}
    assert (await hub.call("DELETE", path)).status == 204
    assert (await hub.call("GET", path)).status == 404
    assert (await hub.call("GET", path, params=archived)).json["archived"] is True
    closed = await hub.call("PATCH", path, {"status": "CLOSED"}, params=archived)
    restored = await hub.call("PATCH", path, {"archived": False}, params=archived)
    assert (closed.status, restored.status) == (400, 200)
    assert (await hub.call("GET", path)).status == 200


async def test_a_forgotten_thread_is_gone(hub: HubClient) -> None:
    thread_id = await hub.thread()
    hub.twin.agents.privacy_delete(thread_id)
    assert (await hub.call("GET", f"{THREADS}/{thread_id}")).status == 404
    assert await hub.thread() != thread_id


async def test_history_shows_assignment_status_and_inbox_changes(hub: HubClient) -> None:
    thread_id = await hub.thread()
    hub.twin.agents.assign(thread_id, hub.agent)
    hub.twin.agents.transfer(thread_id, hub.inbox("HELP_DESK"))
    hub.twin.agents.close(thread_id)
    path = f"{THREADS}/{thread_id}/messages"
    listed = (await hub.call("GET", path, params={"sort": "createdAt"})).json["results"]
    assert [one["type"] for one in listed] == [
        "MESSAGE",
        "ASSIGNMENT",
        "THREAD_INBOX_CHANGE",
        "THREAD_STATUS_CHANGE",
    ]
    newest = (await hub.call("GET", path, params={"limit": "1"})).json["results"]
    assert newest[0]["newStatus"] == "CLOSED"


async def test_a_comment_is_internal_and_needs_text(hub: HubClient) -> None:
    path = f"{THREADS}/{await hub.thread()}/messages"
    body: Json = {"type": "COMMENT", "text": "history", "attachments": []}
    made = await hub.call("POST", path, body)
    assert (made.status, made.json["type"]) == (201, "COMMENT")
    assert made.json["client"]["integrationAppId"] == 1160452
    for bad in ({"text": ""}, {"attachments": None}, {"type": "WHISPER"}):
        assert (await hub.call("POST", path, {**body, **bad})).status == 400


async def test_a_message_by_the_api_needs_an_agent_and_the_threads_account(hub: HubClient) -> None:
    path = f"{THREADS}/{await hub.thread()}/messages"
    body: Json = {
        "type": "MESSAGE",
        "text": "Hi",
        "attachments": [],
        "senderActorId": hub.agent,
        "channelId": hub.channel_id,
        "channelAccountId": hub.account_id,
        "recipients": [{"deliveryIdentifiers": [{"type": OPAQUE, "value": "user-1"}]}],
    }
    assert (await hub.call("POST", path, body)).status == 201
    wrong: list[Json] = [{"senderActorId": "V-1"}, {"channelAccountId": "1"}, {"recipients": []}]
    for bad in wrong:
        assert (await hub.call("POST", path, {**body, **bad})).status == 400


async def test_threads_are_listed_by_inbox_and_latest_message(hub: HubClient) -> None:
    first = await hub.thread()
    hub.twin.world.clock.now += 10  # type: ignore[attr-defined]  # the tests' own clock
    second = await hub.thread(integrationThreadId="two")
    moment = {"latestMessageTimestampAfter": "2026-05-28T20:26:45Z"}
    recent = await hub.call("GET", THREADS, params={"sort": "latestMessageTimestamp", **moment})
    every = await hub.call("GET", THREADS, params={"inboxId": hub.inbox()})
    assert [one["id"] for one in every.json["results"]] == [first, second]
    assert [one["id"] for one in recent.json["results"]] == [second]


@pytest.mark.parametrize(
    "params",
    [
        {"sort": "latestMessageTimestamp"},
        {"sort": "-id"},
        {"associatedContactId": "1"},
        {"latestMessageTimestampAfter": "soon"},
        {"limit": "501"},
    ],
)
async def test_a_bad_thread_query_is_refused(hub: HubClient, params: dict[str, str]) -> None:
    assert (await hub.call("GET", THREADS, params=params)).status == 400


async def test_actors_are_told_one_by_one_and_in_batches(hub: HubClient) -> None:
    base = "/conversations/v3/conversations/actors"
    thread_id = await hub.thread()
    visitor = f"V-{hub.twin.world.threads[thread_id].visitor_id}"
    one = await hub.call("GET", f"{base}/{hub.agent}")
    many = await hub.call("POST", f"{base}/batch/read", {"inputs": [hub.agent, visitor, "A-9"]})
    assert (one.json["type"], one.json["email"]) == ("AGENT", "agent-1@portal.example")
    assert (many.status, len(many.json["results"])) == (207, 2)
    assert (await hub.call("GET", f"{base}/A-9")).status == 404
    assert (await hub.call("POST", f"{base}/batch/read", {})).status == 400


async def test_agents_cannot_write_where_the_channel_forbids_it(hub: HubClient) -> None:
    thread_id = await hub.thread()
    capabilities = {"allowOutgoingMessages": False}
    path = f"{CHANNELS}/{hub.channel_id}"
    await hub.call("PATCH", path, {"capabilities": capabilities}, params=hub.app)
    with pytest.raises(ApiError, match="outgoing messages"):
        hub.twin.agents.reply(thread_id, hub.agent, "Hi")


async def test_agents_cannot_attach_what_the_channel_does_not_declare(hub: HubClient) -> None:
    thread_id = await hub.thread()
    place = {"type": "LOCATION", "latitude": 1.0, "longitude": 2.0}
    with pytest.raises(ApiError, match="LOCATION"):
        hub.twin.agents.reply(thread_id, hub.agent, "Here", None, [place])


async def test_a_closed_thread_still_takes_an_agents_late_reply(hub: HubClient) -> None:
    thread_id = await hub.thread()
    hub.twin.agents.close(thread_id)
    hub.twin.agents.reply(thread_id, hub.agent, "One more thing")
    assert hub.twin.world.threads[thread_id].status == "CLOSED"


async def test_unknown_agents_threads_and_verbs_are_refused(hub: HubClient) -> None:
    path = f"/_twin/threads/{await hub.thread()}"
    assert (await hub.call("POST", f"{path}/assign", {"agent": "A-9"})).status == 404
    assert (await hub.call("POST", f"{path}/assign", {})).status == 400
    assert (await hub.call("POST", f"{path}/dance", {})).status == 400
    assert (await hub.call("POST", "/_twin/threads/1/close", {})).status == 404
