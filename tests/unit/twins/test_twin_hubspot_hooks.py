"""The webhooks of the HubSpot twin: kinds, shapes, signatures, retries, batches, faults."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from tests.unit.twins.conftest import THREADS, HubClient, Received, Sink

from hubspot_hitl.twins.faults import Fault, FaultKind


def expected_v3(hub: HubClient, sink: Sink, request: Received) -> str:
    stamp = request.headers["X-HubSpot-Request-Timestamp"].encode()
    source = b"POST" + sink.url.encode() + request.raw + stamp
    key = hub.twin.options.client_secret.encode()
    return base64.b64encode(hmac.digest(key, source, hashlib.sha256)).decode()


async def test_an_agents_message_is_one_signed_object_to_the_channels_hook(
    hub: HubClient, sink: Sink
) -> None:
    hub.twin.deliver_to(None)
    thread_id = await hub.thread()
    message_id = hub.twin.agents.reply(thread_id, hub.agent, "Hi", "<p>Hi</p>")
    await hub.twin.settled()
    (request,) = sink.received
    event = request.json
    assert request.headers["X-HubSpot-Signature-v3"] == expected_v3(hub, sink, request)
    assert "X-HubSpot-Signature" not in request.headers
    assert event["type"] == "OUTGOING_CHANNEL_MESSAGE_CREATED"
    assert (event["portalId"], event["channelId"]) == ("1234567", hub.channel_id)
    assert event["channelIntegrationThreadIds"] == ["thread-1"]
    assert (event["message"]["id"], event["message"]["status"]) == (message_id, "SENT")
    assert (event["message"]["text"], event["message"]["richText"]) == ("Hi", "<p>Hi</p>")


async def test_app_events_are_a_signed_array_with_v1_and_v3(hub: HubClient, sink: Sink) -> None:
    await hub.thread()
    await hub.twin.settled()
    request = sink.received[0]
    secret = hub.twin.options.client_secret.encode()
    assert request.headers["X-HubSpot-Signature-Version"] == "v1"
    assert (
        request.headers["X-HubSpot-Signature"] == hashlib.sha256(secret + request.raw).hexdigest()
    )
    assert request.headers["X-HubSpot-Signature-v3"] == expected_v3(hub, sink, request)
    assert [event["subscriptionType"] for event in request.json] == [
        "conversation.creation",
        "conversation.newMessage",
    ]
    assert all(event["attemptNumber"] == 0 for event in request.json)
    assert all("text" not in event for event in request.json)


@pytest.mark.parametrize(
    ("verbs", "kind", "name", "value"),
    [
        (["assign"], "conversation.propertyChange", "assignedTo", "A-1111"),
        (["assign", "unassign"], "conversation.propertyChange", "assignedTo", ""),
        (["close"], "conversation.propertyChange", "status", "CLOSED"),
        (["close", "reopen"], "conversation.propertyChange", "status", "OPEN"),
        (["archive"], "conversation.deletion", None, None),
        (["archive", "restore"], "conversation.propertyChange", "isArchived", "FALSE"),
        (["delete"], "conversation.deletion", None, None),
        (["privacy-delete"], "conversation.privacyDeletion", None, None),
        (["comment"], "conversation.newMessage", None, None),
    ],
)
async def test_each_verb_causes_its_event(
    hub: HubClient, sink: Sink, verbs: list[str], kind: str, name: str | None, value: str | None
) -> None:
    thread_id = await hub.thread()
    for verb in verbs:
        body = {"agent": hub.agent, "text": "note"}
        answer = await hub.call("POST", f"/_twin/threads/{thread_id}/{verb}", body)
        assert answer.status == 200
    await hub.twin.settled()
    event = sink.app_events()[-1]
    assert (event["subscriptionType"], event["objectId"]) == (kind, int(thread_id))
    assert (event.get("propertyName"), event.get("propertyValue")) == (name, value)
    assert event["sourceId"] == "userId:1111"


async def test_transfer_and_spam_cause_no_event_but_show_in_the_thread(
    hub: HubClient, sink: Sink
) -> None:
    thread_id = await hub.thread()
    await hub.twin.settled()
    before = len(sink.app_events())
    hub.twin.agents.transfer(thread_id, hub.inbox("HELP_DESK"))
    hub.twin.agents.mark_spam(thread_id)
    await hub.twin.settled()
    found = (await hub.call("GET", f"{THREADS}/{thread_id}")).json
    assert len(sink.app_events()) == before
    assert (found["inboxId"], found["spam"]) == (hub.inbox("HELP_DESK"), True)


async def test_a_comment_is_told_as_a_comment(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    hub.twin.agents.comment(thread_id, hub.agent, "psst")
    await hub.twin.settled()
    assert sink.app_events()[-1]["messageType"] == "COMMENT"
    assert sink.channel_events() == []


async def test_inactive_subscriptions_send_nothing(hub: HubClient, sink: Sink) -> None:
    for subscription in hub.twin.world.subscriptions.values():
        subscription.active = False
    await hub.thread()
    await hub.twin.settled()
    assert sink.received == []


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302])
async def test_any_answer_but_2xx_is_tried_again(hub: HubClient, sink: Sink, status: int) -> None:
    sink.statuses = [status, status]
    await hub.thread()
    await hub.twin.settled()
    attempts = [one.json[0]["attemptNumber"] for one in sink.received]
    assert attempts == [0, 1, 2]
    assert hub.twin.world.hooks.deliveries[0].state == "delivered"


async def test_a_hook_is_given_up_after_ten_retries(hub: HubClient, sink: Sink) -> None:
    sink.statuses = [500] * 99
    await hub.thread()
    await hub.twin.settled()
    assert len(sink.received) == 11
    assert hub.twin.world.hooks.deliveries[0].state == "dead"


async def test_nobody_listening_is_a_failed_attempt(hub: HubClient) -> None:
    hub.twin.options.hook_retries = 1
    hub.twin.deliver_to("http://127.0.0.1:9/")
    await hub.thread()
    await hub.twin.settled()
    assert hub.twin.world.hooks.deliveries[0].attempts == ["ClientConnectorError"] * 2


async def test_events_travel_in_batches_of_at_most_a_hundred(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    await hub.twin.settled()
    sink.received.clear()
    for number in range(150):
        hub.twin.agents.comment(thread_id, hub.agent, f"{number}")
    await hub.twin.settled()
    assert [len(one.json) for one in sink.received] == [100, 50]


async def test_a_batch_fault_holds_events_until_a_hundred_wait(hub: HubClient, sink: Sink) -> None:
    hub.twin.faults.add(Fault(FaultKind.BATCH, ("webhook.app.*",), seconds=60))
    thread_id = await hub.thread()
    for number in range(98):
        hub.twin.agents.comment(thread_id, hub.agent, f"{number}")
    await hub.twin.settled()
    assert [len(one.json) for one in sink.received] == [100]


async def test_redelivery_repeats_the_same_event(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    hub.twin.faults.add(Fault(FaultKind.REDELIVER, ("webhook.channel.*",), copies=10))
    message_id = hub.twin.agents.reply(thread_id, hub.agent, "Hi")
    await hub.twin.settled()
    ids = [event["message"]["id"] for event in sink.channel_events()]
    assert ids == [message_id] * 11


async def test_silence_loses_the_hook_but_not_the_message(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    hub.twin.faults.add(Fault(FaultKind.SILENCE, ("webhook.channel.*",), times=1))
    for text in ("lost", "told"):
        hub.twin.agents.reply(thread_id, hub.agent, text)
    await hub.twin.settled()
    assert [event["message"]["text"] for event in sink.channel_events()] == ["told"]
    assert [line["text"] for line in hub.twin.transcript(thread_id)][1:] == ["lost", "told"]


async def test_reordering_follows_the_seed(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    hub.twin.faults.set(Fault(FaultKind.REORDER, ("webhook.channel.*",), seconds=0.05), seed=7)
    for number in range(6):
        hub.twin.agents.reply(thread_id, hub.agent, f"{number}")
    await hub.twin.settled()
    texts = [event["message"]["text"] for event in sink.channel_events()]
    assert sorted(texts) == list("012345")
    assert texts != sorted(texts)


async def test_auto_assignment_happens_with_the_publish_call(hub: HubClient, sink: Sink) -> None:
    hub.twin.options.auto_assign = "round_robin"
    first, second = await hub.thread(), await hub.thread(integrationThreadId="two")
    threads = hub.twin.world.threads
    await hub.twin.settled()
    assert [threads[one].assigned_to for one in (first, second)] == ["A-1111", "A-1112"]
    assert "assignedTo" in [event.get("propertyName") for event in sink.app_events()]


async def test_a_long_reply_arrives_truncated_with_its_original_kept(
    hub: HubClient, sink: Sink
) -> None:
    hub.twin.options.truncate_after = 5
    thread_id = await hub.thread()
    message_id = hub.twin.agents.reply(thread_id, hub.agent, "Hello world", "<b>Hello world</b>")
    await hub.twin.settled()
    told = sink.channel_events()[0]["message"]
    path = f"{THREADS}/{thread_id}/messages/{message_id}/original-content"
    original = (await hub.call("GET", path)).json
    assert (told["text"], told["truncationStatus"]) == ("Hello", "TRUNCATED")
    assert (original["text"], original["richText"]) == ("Hello world", "<b>Hello world</b>")


async def test_a_reply_carries_files_and_quick_replies(hub: HubClient, sink: Sink) -> None:
    thread_id = await hub.thread()
    file = hub.twin.agents.attach(thread_id, "a.png", b"png", "image/png", "IMAGE")
    hub.twin.agents.reply(thread_id, hub.agent, "Look", None, [file], ["yes", "no"])
    await hub.twin.settled()
    sent, quick = sink.channel_events()[0]["message"]["attachments"]
    async with hub.session.get(sent["url"]) as response:
        assert await response.read() == b"png"
    assert [one["value"] for one in quick["quickReplies"]] == ["yes", "no"]
