from __future__ import annotations

import pytest

from hubspot_hitl.botpress.memory import MemoryRuntime
from hubspot_hitl.errors import InvalidPayload, VendorNotFound
from hubspot_hitl.ports.botpress import BotRuntime


@pytest.fixture
def runtime() -> MemoryRuntime:
    return MemoryRuntime()


def test_it_is_a_bot_runtime(runtime: MemoryRuntime) -> None:
    port: BotRuntime = runtime
    assert port is runtime


async def test_only_discriminating_tags_decide_the_match(runtime: MemoryRuntime) -> None:
    first, made = await runtime.get_or_create_user(
        {"id": "1", "email": "a@x.example"}, discriminate_by=["id"]
    )
    again, made_again = await runtime.get_or_create_user(
        {"id": "1", "email": "b@x.example"}, discriminate_by=["id"]
    )
    assert (made, made_again) == (True, False)
    assert again == first


async def test_without_discriminating_tags_all_must_match(runtime: MemoryRuntime) -> None:
    await runtime.get_or_create_conversation("hitl", {"id": "1", "a": "b"}, discriminate_by=[])
    _, made = await runtime.get_or_create_conversation(
        "hitl", {"id": "1", "a": "c"}, discriminate_by=[]
    )
    _, found = await runtime.get_or_create_conversation("hitl", {"a": "b"}, discriminate_by=[])
    assert (made, found) == (True, False)


async def test_conversations_of_other_channels_do_not_match(runtime: MemoryRuntime) -> None:
    for channel in ("hitl", "other"):
        _, made = await runtime.get_or_create_conversation(
            channel, {"id": "1"}, discriminate_by=["id"]
        )
        assert made


async def test_a_message_is_sent_once(runtime: MemoryRuntime) -> None:
    user, _ = await runtime.get_or_create_user({"id": "1"}, discriminate_by=["id"])
    place, _ = await runtime.get_or_create_conversation("hitl", {"id": "t"}, discriminate_by=["id"])
    sent = [
        await runtime.get_or_create_message(
            place.id, user.id, "text", {"text": "hi"}, {"id": "hs_1"}, discriminate_by=["id"]
        )
        for _ in range(2)
    ]
    assert [created for _, created in sent] == [True, False]
    await runtime.update_message(sent[0][0], {"read": "yes"})
    [message] = runtime.messages.values()
    assert message.tags == {"id": "hs_1", "read": "yes"}


async def test_an_update_changes_what_is_given_and_an_empty_tag_goes(
    runtime: MemoryRuntime,
) -> None:
    user, _ = await runtime.get_or_create_user({"id": "1"}, discriminate_by=["id"], name="Ann")
    changed = await runtime.update_user(user.id, picture_url="https://x.example/a.png")
    assert (changed.name, changed.picture_url) == ("Ann", "https://x.example/a.png")
    place, _ = await runtime.get_or_create_conversation("hitl", {"id": "t"}, discriminate_by=["id"])
    await runtime.update_conversation(place.id, {"id": "", "b": "c"})
    assert (await runtime.get_conversation(place.id)).tags == {"b": "c"}


async def test_unknown_ids_are_not_found(runtime: MemoryRuntime) -> None:
    with pytest.raises(VendorNotFound):
        await runtime.get_user("user_x")
    with pytest.raises(VendorNotFound):
        await runtime.update_conversation("conv_x", {})
    with pytest.raises(VendorNotFound):
        await runtime.update_message("msg_x", {})


async def test_a_lookup_by_an_empty_tag_is_refused(runtime: MemoryRuntime) -> None:
    with pytest.raises(InvalidPayload):
        await runtime.get_or_create_user({"id": ""}, discriminate_by=["id"])


async def test_events_are_found_by_what_they_say(runtime: MemoryRuntime) -> None:
    payload = {"conversationId": "c", "userId": "u"}
    made = await runtime.create_event("hitlAssigned", payload, conversation_id="c")
    assert await runtime.find_event("hitlAssigned", "c") == made
    assert await runtime.find_event("hitlAssigned", "c", {"userId": "u"}) == made
    assert await runtime.find_event("hitlAssigned", "c", {"userId": "v"}) is None
    assert await runtime.find_event("hitlStopped", "c") is None


async def test_a_state_is_replaced_as_a_whole(runtime: MemoryRuntime) -> None:
    assert await runtime.get_state("user", "u", "s") is None
    await runtime.set_state("user", "u", "s", {"a": 1})
    await runtime.set_state("user", "u", "s", {"b": 2})
    assert await runtime.get_state("user", "u", "s") == {"b": 2}
