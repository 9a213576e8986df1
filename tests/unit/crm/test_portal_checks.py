"""What a save is refused for: settings that name what the portal does not have, or never work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from tests.crm_portal import CrmPortal, installation, open_portal, services_of
from tests.fakes import FakeClock

from hubspot_hitl.crm.settings import check_against_portal, check_crm_settings
from hubspot_hitl.errors import BadConfiguration
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.twins.wire import Json


@pytest.fixture
async def at() -> AsyncIterator[CrmPortal]:
    async with open_portal() as portal:
        yield portal


def rules(*found: Json) -> str:
    return json.dumps(found)


async def save(at: CrmPortal, wanted: Installation) -> None:
    """What `register` checks of the CRM's settings."""
    check_crm_settings(wanted.configuration)
    await check_against_portal(services_of(at, FakeClock()), wanted)


@pytest.mark.parametrize(
    ("settings", "place", "cure"),
    [
        ({"contactProperties": '{"shoe": "=42"}'}, "contactProperties.shoe", "discoverFields"),
        (
            {"contactProperties": '{"createdate": "=1"}'},
            "contactProperties.createdate",
            "read-only",
        ),
        ({"contactProperties": '{"lifecyclestage": "=gold"}'}, "lifecyclestage", "'customer'"),
        ({"contactMatching": "email, shoe"}, "contactMatching", "'shoe'"),
        (
            {"outcomeRules": rules({"name": "a", "then": {"deal": {"stage": "Won"}}})},
            r"outcomeRules\[0\]\.then\.deal",
            "'Closed Won'",
        ),
        (
            {"outcomeRules": rules({"name": "a", "then": {"lifecycleStage": "gold"}})},
            r"outcomeRules\[0\]\.then\.lifecycleStage",
            "'customer'",
        ),
        (
            {"routingRules": rules({"name": "a", "then": {"ticket": {"stage": "Nowhere"}}})},
            r"rules\[0\]\.then\.ticket",
            "'Escalations': 'Urgent'",
        ),
        (
            {"routingRules": rules({"name": "a", "then": {"assign": {"team": "Nobody"}}})},
            r"rules\[0\]\.then\.assign",
            "no team 'Nobody'",
        ),
        (
            {"routingRules": rules({"name": "a", "then": {"assign": {"agent": "no@e.org"}}})},
            r"rules\[0\]\.then\.assign",
            "no user of the portal",
        ),
        (
            {"routingRules": rules({"name": "a", "when": {"$ref": "#"}, "then": {}})},
            r"rules\[0\]\.when\.\$ref",
            "cannot refer to others",
        ),
        (
            {"routingRules": rules({"name": "a", "when": {"clock.hour": 25}, "then": {}})},
            r"rules\[0\]\.when\.clock\.hour",
            "from 0 to 23",
        ),
        (
            {
                "routingRules": rules(
                    {"name": "a", "when": {"queue.agentPresence": "online"}, "then": {}}
                )
            },
            "agentPresence",
            "it takes 'unknown'",
        ),
    ],
)
async def test_a_save_that_cannot_work_is_refused_with_its_place_and_the_cure(
    at: CrmPortal, settings: Json, place: str, cure: str
) -> None:
    at.portal.teams["Sales"] = ["1111"]
    wanted = installation(at.twin.options, **settings)
    with pytest.raises(BadConfiguration, match=place) as caught:
        await save(at, wanted)
    assert cure in str(caught.value)


async def test_a_save_that_fits_the_portal_is_taken(at: CrmPortal) -> None:
    at.portal.teams["Sales"] = ["1111"]
    agent = next(iter(at.portal.agents.values())).email
    found = [
        {"name": "a", "when": {"clock.hour": 9}, "then": {"assign": {"team": "sales"}}},
        {"name": "b", "then": {"assign": {"agent": agent}, "ticket": {"stage": "urgent"}}},
    ]
    outcome = {"name": "won", "then": {"deal": {"stage": "closed won"}, "lifecycleStage": "lead"}}
    wanted = installation(
        at.twin.options,
        routingRules=rules(*found),
        outcomeRules=rules(outcome),
        contactProperties='{"lifecyclestage": "=lead", "jobtitle": "user.name"}',
        contactMatching="website, email",
    )
    await save(at, wanted)
