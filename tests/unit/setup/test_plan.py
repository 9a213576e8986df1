from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rooms import Rooms, installation, open_rooms

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.ports.hubspot_records import Channel, ChannelAccount, Inbox
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.ports.webhooks import Subscription
from hubspot_hitl.setup.apply import apply, plan_for
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.setup.desired import Actual, Desired
from hubspot_hitl.setup.ownership import Own, described
from hubspot_hitl.setup.plan import Verb, capabilities_differ, make_plan
from hubspot_hitl.setup.register import register
from hubspot_hitl.setup.subscriptions import (
    SUBSCRIPTIONS,
    SubscriptionPlan,
    missing_subscriptions,
    plan_subscriptions,
)

URL = "https://webhook.example/hook"
WANTED = Desired("Botpress", Own(URL, "hubspot-hitl:hook"), CAPABILITIES, ("1",))
SALES = Inbox("1", "Sales", "INBOX")


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(Policy(botpress_webhook_url="https://webhook.example")) as rooms:
        yield rooms


def verbs(actual: Actual) -> list[str]:
    return [f"{one.verb} {one.kind}" for one in make_plan(WANTED, actual).steps]


def test_an_empty_portal_needs_everything() -> None:
    assert verbs(Actual(inboxes=[SALES])) == ["create channel", "create account"]


def test_an_inbox_that_is_not_there_is_a_problem_that_names_those_that_are() -> None:
    plan = make_plan(WANTED, Actual(inboxes=[Inbox("7", "Other", "INBOX")]))
    assert plan.problems == ("the portal has no inbox '1'; it has 7 (Other)",)
    assert plan.drifted


def test_further_channels_of_ours_are_duplicates_and_others_are_strangers() -> None:
    channels = [
        Channel("10", "Botpress", URL, CAPABILITIES),
        Channel("9", "Botpress", URL, CAPABILITIES),
        Channel("3", "Shop", "https://shop.example/hook", {}),
    ]
    plan = make_plan(WANTED, Actual(channels, {}, [SALES]))
    assert [one.id for one in plan.having(Verb.DUPLICATE)] == ["10"]
    assert [one.id for one in plan.having(Verb.STRANGER)] == ["3"]


def test_other_capabilities_and_another_name_are_updated() -> None:
    channel = Channel("9", "Old", URL, {**CAPABILITIES, "maxFileAttachmentCount": 1})
    step = make_plan(WANTED, Actual([channel], {}, [SALES])).steps[0]
    assert (step.verb, step.changes) == (Verb.UPDATE, ("name", "capabilities"))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())))
def test_what_hubspot_adds_to_the_capabilities_is_no_difference(more: dict[str, object]) -> None:
    assert not capabilities_differ(CAPABILITIES, {**more, **CAPABILITIES})


def test_a_paused_subscription_counts_as_missing() -> None:
    there = [Subscription("1", kind, name, active=name is None) for kind, name in SUBSCRIPTIONS]
    assert len(missing_subscriptions(there)) == 2


def test_a_channel_of_ours_at_an_old_address_is_moved_and_a_strangers_is_not() -> None:
    old = "https://old.example/hook"
    marked = Channel("9", "Botpress", old, CAPABILITIES, described("hubspot-hitl:hook"))
    other = Channel("8", "Botpress", old, CAPABILITIES, described("hubspot-hitl:hook-2"))

    plan = make_plan(WANTED, Actual([marked, other], {}, [SALES]))

    assert (plan.steps[0].id, plan.steps[0].changes) == ("9", ("webhookUrl",))
    assert [one.id for one in plan.having(Verb.STRANGER)] == ["8"]


def test_a_channel_that_was_made_without_a_mark_gets_one() -> None:
    channel = Channel("9", "Botpress", URL, CAPABILITIES, "made by hand")
    step = make_plan(WANTED, Actual([channel], {}, [SALES])).steps[0]
    assert step.changes == ("description",)


async def test_a_changed_address_moves_the_channel_and_makes_none(rooms: Rooms) -> None:
    await register(rooms.services, installation(), URL)
    await register(rooms.services, installation(), "https://new.example/hook")

    (channel,) = rooms.portal.all_channels
    assert channel.webhook_url == "https://new.example/hook"
    assert rooms.portal.calls.count("create_channel") == 1


def test_what_a_person_has_to_do_is_told_and_is_no_drift() -> None:
    channel = Channel("9", "Botpress", URL, CAPABILITIES)
    account = ChannelAccount("1", "9", "1", "Botpress", authorized=True)
    there = Actual([channel], {"9": [account]}, [SALES])
    wanted = replace(WANTED, transcript=True, app_webhook_url="https://ours.test/h")

    plan = make_plan(wanted, there)

    assert not plan.drifted
    assert "crm.schemas.contacts.write" in plan.by_hand[0]
    assert "Set the target URL to https://ours.test/h and save." in plan.by_hand
    assert any("conversation.propertyChange (assignedTo)" in line for line in plan.by_hand)


def test_property_target_and_subscriptions_are_steps_where_the_api_serves_the_app() -> None:
    lacking = plan_subscriptions(None, [], ["https://ours.test/h"])
    there = Actual(inboxes=[SALES], transcript=False, webhooks=lacking)

    plan = make_plan(replace(WANTED, transcript=True), there)

    kinds = [one.kind for one in plan.having(Verb.CREATE)]
    assert kinds == ["channel", "account", "property", "webhooks", *["subscription"] * 7]
    assert plan.by_hand == ()


def test_a_strangers_target_is_shown_and_left() -> None:
    found = SubscriptionPlan("https://ours.test/h", "https://o.test", stranger="https://o.test")

    plan = make_plan(WANTED, Actual(inboxes=[SALES], webhooks=found))

    assert [one.kind for one in plan.having(Verb.STRANGER)] == ["webhooks"]
    assert "https://o.test, which is not ours" in plan.by_hand[0]


async def test_an_inbox_of_nowhere_is_refused_before_anything_is_written(rooms: Rooms) -> None:
    with pytest.raises(BadConfiguration, match="no inbox '77'"):
        await apply(rooms.services, installation(inboxId="77"))
    assert "create_channel" not in rooms.portal.calls


async def test_duplicates_are_deleted_only_when_told(rooms: Rooms) -> None:
    await register(rooms.services, installation(inboxId="1"), URL)
    ours = rooms.portal.all_channels[0]
    rooms.portal.all_channels.append(replace(ours, id="999"))
    one = await rooms.services.installations.get("hook")
    assert one is not None

    assert (await apply(rooms.services, one)).folded == ()
    assert (await plan_for(rooms.services, one)).drifted
    assert (await apply(rooms.services, one, fold=True)).folded == ("999",)
    assert [name for name in rooms.portal.calls if name.startswith("delete")] == [
        "delete_channel 999"
    ]
