from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rooms import installation

from hubspot_hitl.clock import SystemClock
from hubspot_hitl.errors import VendorError
from hubspot_hitl.hubspot.client import HubSpotClient
from hubspot_hitl.hubspot.portals import HubSpotPortals
from hubspot_hitl.hubspot.transport import open_session
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.ports.services import Policy
from hubspot_hitl.ports.webhooks import Subscription
from hubspot_hitl.setup.subscriptions import (
    WANTED,
    apply_subscriptions,
    own_urls,
    plan_subscriptions,
    read_subscriptions,
)
from hubspot_hitl.twins.hubspot.app import HubSpotTwin
from hubspot_hitl.twins.hubspot.options import HubSpotOptions

OURS = "https://webhook.example/hook"


async def client_of(twin: HubSpotTwin, portals: HubSpotPortals, key: str) -> HubSpotClient:
    options = twin.options
    values = {
        "developerApiKey": key,
        "appId": options.app_id,
        "clientId": options.client_id,
        "clientSecret": options.client_secret,
        "refreshToken": options.refresh_token,
    }
    one = replace(installation(), configuration=Configuration.model_validate(values))
    return portals.of(one)


async def test_target_and_subscriptions_are_made_once_on_the_twin() -> None:
    twin = HubSpotTwin(HubSpotOptions(default_subscriptions=False))
    await twin.start()
    async with open_session() as session:
        portals = HubSpotPortals(twin.url, lambda: session, SystemClock())
        api = await client_of(twin, portals, twin.options.developer_api_key)
        first = await apply_subscriptions(api, [OURS])
        second = await apply_subscriptions(api, [OURS])
        found = await api.subscriptions()
    await twin.stop()

    assert first.set_target
    assert first.create == WANTED
    assert not second.drifted
    assert {(one.event_type, one.property_name) for one in found if one.active} == set(WANTED)


async def test_a_wrong_developer_key_changes_nothing() -> None:
    twin = HubSpotTwin(HubSpotOptions(default_subscriptions=False))
    await twin.start()
    async with open_session() as session:
        portals = HubSpotPortals(twin.url, lambda: session, SystemClock())
        api = await client_of(twin, portals, "wrong-developer-key")
        with pytest.raises(VendorError) as caught:
            await apply_subscriptions(api, [OURS])
    await twin.stop()

    assert "wrong-developer-key" not in str(caught.value)
    assert twin.world.hook_settings is None


async def test_a_target_can_be_cleared_and_read_as_none() -> None:
    twin = HubSpotTwin()
    await twin.start()
    async with open_session() as session:
        portals = HubSpotPortals(twin.url, lambda: session, SystemClock())
        api = await client_of(twin, portals, twin.options.developer_api_key)
        await api.set_webhook_target(OURS)
        before = await api.webhook_target()
        await api.clear_webhook_target()
        plan = await read_subscriptions(api, [OURS])
    await twin.stop()

    assert before == OURS
    assert plan.set_target


def test_a_strangers_target_is_left_alone_with_all_that_hangs_on_it() -> None:
    plan = plan_subscriptions("https://crm.other.example/in", [], [OURS])

    assert (plan.set_target, plan.create, plan.activate) == (False, (), ())
    assert plan.drifted
    assert "left alone" in plan.lines()[0]


def test_a_target_of_our_other_route_is_moved() -> None:
    direct = "https://hitl.example/hubspot/webhooks"

    assert plan_subscriptions(direct, [], [OURS, direct]).set_target


def test_paused_subscriptions_are_switched_on_and_others_never_touched() -> None:
    there = [
        Subscription("1", "conversation.newMessage", None, active=False),
        Subscription("2", "contact.creation", None, active=False),
    ]

    plan = plan_subscriptions(OURS, there, [OURS])

    assert [one.id for one in plan.activate] == ["1"]
    assert len(plan.create) == len(WANTED) - 1


def test_the_direct_route_shares_one_address_among_all_installations() -> None:
    policy = Policy(public_url="https://hitl.example", webhook_route="direct")

    assert own_urls(installation(), policy)[0] == "https://hitl.example/hubspot/webhooks"
    assert own_urls(installation(), Policy())[0].startswith("https://webhook.botpress.cloud/")
