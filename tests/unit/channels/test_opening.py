"""The opening that a start wrote is known again, whoever reads it, and no other is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.rooms import handoff

from hubspot_hitl.channels.opening import is_opening_of, opening_of
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.texts import TEXTS
from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.installation import Installation

HANDOFF = handoff(user_name="Ada", title="Order 7")
OTHERS = (
    replace(HANDOFF, title="Order 77"),
    replace(HANDOFF, title="Order"),
    replace(HANDOFF, user_name="Ada L"),
    replace(HANDOFF, session='{"subject": "Return"}'),
)


def configured(**values: object) -> Installation:
    return Installation("i1", "bot", "int", "hubspot", Configuration.model_validate(values))


@pytest.mark.parametrize("language", sorted(TEXTS))
@pytest.mark.parametrize("session", ["{}", '{"subject": "Refund"}'])
@pytest.mark.parametrize("title", ["Order 7", None])
def test_an_opening_is_known_in_the_agents_language(
    language: str, session: str, title: str | None
) -> None:
    opened = replace(HANDOFF, session=session, title=title)
    for installation, one in (
        (configured(agentLanguage=language), opened),
        (configured(), replace(opened, language=language)),
    ):
        for description in (None, "Late\nPriority: high"):
            assert is_opening_of(installation, one, opening_of(installation, one, description))


@pytest.mark.parametrize("language", sorted(TEXTS))
@pytest.mark.parametrize("other", OTHERS)
def test_the_opening_of_another_is_not_taken_for_it(language: str, other: Handoff) -> None:
    installation = configured(agentLanguage=language)
    text = opening_of(installation, other, "Late")
    assert is_opening_of(installation, other, text)
    assert not is_opening_of(installation, HANDOFF, text)


def test_a_masked_opening_is_known() -> None:
    installation = configured(redaction="mask", redactionPatterns=[r"Order \d+\s*"])
    text = opening_of(installation, HANDOFF, "Late")
    assert "Order 7" not in text
    assert is_opening_of(installation, HANDOFF, text)
