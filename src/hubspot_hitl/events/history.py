"""Shows the agent what was said before the handoff, as internal comments."""

from __future__ import annotations

import structlog

from hubspot_hitl.handoff.transcript import Facts, marker_in, transcript
from hubspot_hitl.integration.actions import HitlSession
from hubspot_hitl.ports.ledger import Delivery, Done, Outcome
from hubspot_hitl.ports.reading import handoff_of, installation_of
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

HISTORY = "handoff.history"
LOOK_BACK = 100


async def handle_history(services: Services, it: Delivery) -> Outcome:
    """Write the history into the thread, in as many comments as it needs, each once.

    HubSpot's comments have no idempotency id: a delivery that began before reads the thread and
    writes only the parts whose marker is not there. So a crash between HubSpot's commit and ours
    doubles nothing, as long as the thread can be read.
    """
    installation = await installation_of(services, it)
    handoff = await handoff_of(services, it)
    if installation.configuration.history_mode == "off" or handoff.thread_id is None:
        return Done(note="history is switched off")
    session = HitlSession.model_validate_json(handoff.session)
    facts = Facts(
        handoff_id=handoff.id,
        name=handoff.user_name,
        reason=session.reason,
        title=handoff.title,
        description=handoff.description,
        language=handoff.language,
        origin=session.page_url,
    )
    parts = transcript(it.body["messageHistory"], facts)
    hubspot = services.hubspot.of(installation)
    present: set[tuple[str, int, int]] = set()
    if it.started or it.attempts:
        entries = await hubspot.thread_messages(
            handoff.thread_id, newest_first=True, limit=LOOK_BACK
        )
        found = (marker_in(entry.text) for entry in entries if entry.type == "COMMENT")
        present = {marker for marker in found if marker is not None}
    else:
        await services.ledger.mark_started(it)
    missing = [part for part in parts if marker_in(part) not in present]
    for part in missing:
        await hubspot.comment(handoff.thread_id, part)
    return Done(note=f"{len(missing)} comment(s) of {len(parts)} written")
