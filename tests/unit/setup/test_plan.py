from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rooms import Rooms, installation, open_rooms

from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.ports.hubspot import Channel, Inbox
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.ports.webhooks import Subscription
from hubspot_hitl.setup.apply import apply, plan_for
from hubspot_hitl.setup.capabilities import CAPABILITIES
from hubspot_hitl.setup.desired import SUBSCRIPTIONS, Actual, Desired, missing_subscriptions
from hubspot_hitl.setup.plan import Verb, capabilities_differ, make_plan
from hubspot_hitl.setup.register import register

URL = "https://webhook.example/hook"
WANTED = Desired("Botpress", URL, CAPABILITIES, ("1",))
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
