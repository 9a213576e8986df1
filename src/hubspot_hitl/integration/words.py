"""The texts of one handoff: the owner's, those of its routing rule, in its readers' languages."""

from __future__ import annotations

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.routed_texts import routed_texts
from hubspot_hitl.handoff.texts import Texts, Words
from hubspot_hitl.integration.installation import Installation


def texts_of(installation: Installation, handoff: Handoff) -> Texts:
    """The texts of a handoff: the owner's replacements, and those of the rule that routed it."""
    return Texts({**installation.configuration.texts, **routed_texts(handoff.session)})


def agents_words(installation: Installation, handoff: Handoff) -> Words:
    """The texts that stand for content, in the agents' language; none can be switched off."""
    language = installation.configuration.agent_language or handoff.language
    return Words(texts_of(installation, handoff), language)
