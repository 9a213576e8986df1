"""Internal comments of ours in a thread, each written once although HubSpot knows no such thing."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from hubspot_hitl.handoff.marks import has_mark, marked
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

LOOK_BACK = 100


async def comments_in(
    services: Services, installation: Installation, thread_id: str
) -> Sequence[str]:
    """The latest comments of a thread: what a delivery that may have begun looks through."""
    hubspot = services.hubspot.of(installation)
    entries = await hubspot.thread_messages(thread_id, newest_first=True, limit=LOOK_BACK)
    return [entry.text for entry in entries if entry.type == "COMMENT"]


async def write_comment(
    services: Services, installation: Installation, thread_id: str, text: str, mark: str
) -> None:
    """Write a comment with its mark.

    That HubSpot keeps signs without width is unverified. So its answer is looked at: where the mark
    did not arrive, the following comments of this installation carry theirs as words.
    """
    visibly = installation.id in services.marks_dropped
    told = marked(text, mark, visibly=visibly)
    kept = await services.hubspot.of(installation).comment(thread_id, told)
    if kept is not None and not visibly and not has_mark(kept, mark):
        services.marks_dropped.add(installation.id)
        log.warning("comment_mark_dropped", installation=installation.id)
