"""The opening of a handoff's thread, as it is written and as it is known again. Pure."""

from __future__ import annotations

from hubspot_hitl.handoff.opening import opening_head, opening_text
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.words import agents_words
from hubspot_hitl.privacy.masking import mask_text


def opening_of(installation: Installation, handoff: Handoff, description: str | None) -> str:
    """What the agent reads first: who asks for help, and why."""
    text = opening_text(
        handoff.user_name,
        handoff.title,
        description,
        subject=_subject(handoff),
        words=agents_words(installation, handoff),
    )
    return mask_text(installation.configuration, text)


def is_opening_of(installation: Installation, handoff: Handoff, text: str) -> bool:
    """Whether a text is this handoff's opening, whatever its description.

    The description is left out: a routing rule may have added its priority to it.
    """
    head = opening_head(
        handoff.user_name,
        handoff.title,
        subject=_subject(handoff),
        words=agents_words(installation, handoff),
    )
    return text.startswith(mask_text(installation.configuration, f"{head}\n"))


def _subject(handoff: Handoff) -> str | None:
    return HitlSession.model_validate_json(handoff.session).subject
