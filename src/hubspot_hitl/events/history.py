"""Shows the agent what was said before the handoff, as internal comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hubspot_hitl.handoff.transcript import history_comments
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

HISTORY = "handoff.history"
LOOK_BACK = 100


async def handle_history(services: Services, it: Delivery) -> Outcome:
    """Write the history into the thread, in as many comments as it needs, each once.

    HubSpot's comments have no idempotency id: a delivery that began before looks for the marker of
    each comment in the thread before it writes it. A crash between HubSpot's commit and ours can
    therefore not double a comment, as long as the thread can be read.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if installation.configuration.history_mode == "off" or handoff.thread_id is None:
        return Done(note="history is switched off")
    comments = history_comments(
        handoff, cast(Sequence[Mapping[str, object]], it.body["messageHistory"])
    )
    hubspot = services.hubspot.of(installation)
    present = ""
    if it.started or it.attempts:
        entries = await hubspot.thread_messages(
            handoff.thread_id, newest_first=True, limit=LOOK_BACK
        )
        present = "\n".join(entry.text for entry in entries if entry.type == "COMMENT")
    else:
        await services.ledger.mark_started(it)
    missing = [comment for comment in comments if comment.marker not in present]
    for comment in missing:
        await hubspot.comment(handoff.thread_id, comment.text)
    return Done(note=f"{len(missing)} comment(s) of {len(comments)} written")
