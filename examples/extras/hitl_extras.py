"""A job on a schedule and a summary by a language model, offered to hubspot-hitl by entry points.

`pip install ./examples/extras`, then `HITL_JOBS=lead-enrichment` and `HITL_SUMMARISER=my-model`.
"""

from __future__ import annotations

from collections.abc import Sequence

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.handoff.summary import Spoken
from hubspot_hitl.ports.crm_records import CrmType, Filter, Operator, Search
from hubspot_hitl.ports.services import Job, Services

UNKNOWN = Search(
    groups=((Filter("hs_lead_status", Operator.NOT_HAS_PROPERTY),),),
    properties=("email",),
)


async def enrich(services: Services) -> str:
    """Mark the contacts nobody has looked at as new leads; running it twice changes nothing."""
    marked = 0
    for installation in await services.installations.all():
        crm = services.crm.of(installation)
        for contact in await crm.search_all(CrmType.CONTACT, UNKNOWN, limit=200):
            await crm.update(CrmType.CONTACT, contact.id, {"hs_lead_status": "NEW"})
            marked += 1
    return f"{marked} contact(s) marked"


LEAD_ENRICHMENT = Job("lead-enrichment", "0 */4 * * *", enrich, zone="Europe/Berlin")


class Summariser:
    """Asks a model of yours; what it raises is logged, and the chat is quoted instead."""

    async def summarise(self, handoff: Handoff, spoken: Sequence[Spoken]) -> str:
        """Two sentences about the chat. `spoken` is oldest first, already masked."""
        words = "\n".join(f"{one.by}: {one.text}" for one in spoken)
        return await ask_model(f"Summarise in two sentences:\n{words}")


async def ask_model(prompt: str) -> str:
    """Put the call of your model's API here."""
    return f"(a model's answer to {len(prompt)} characters)"
