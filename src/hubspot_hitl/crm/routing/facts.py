"""The facts that routing rules look at, fetched only when a rule asks, and only what rules name.

A source that fails is unknown: rules that need it do not fit, the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from hubspot_hitl.crm.contact_link import ContactLink
from hubspot_hitl.crm.fields import by_name, fields_of
from hubspot_hitl.crm.routing.hours import DAYS, BusinessHours, Hours
from hubspot_hitl.crm.routing.queue import queue_facts
from hubspot_hitl.crm.routing.rules import Rules
from hubspot_hitl.crm.values import typed_values
from hubspot_hitl.errors import HitlError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmObject, CrmType
from hubspot_hitl.ports.services import Services

log = structlog.get_logger(__name__)

CLOSED = "hs_is_closed"
OWNER = "hubspot_owner_id"
MAX_DEALS = 100
_LINKED = ("company", "deals")


@dataclass(slots=True)
class Facts:
    """The facts of one handoff that is about to start. `known` grows as rules ask.

    A user without a contact has no `contact`, no `company` and no `deals`, which is something else
    than not knowing.
    """

    services: Services
    installation: Installation
    rules: Rules
    link: ContactLink
    known: dict[str, object] = field(default_factory=dict[str, object])
    unknown: dict[str, str] = field(default_factory=dict[str, str])
    contact: CrmObject | None = None
    _asked: set[str] = field(default_factory=set[str])

    def skip(self, root: str, why: str) -> None:
        """Count a group of facts as unknown without asking."""
        self._asked.add(root)
        self.unknown[root] = why

    async def need(self, roots: frozenset[str]) -> frozenset[str]:
        """Fetch these groups of facts; returns those that cannot be known."""
        for root in sorted(roots, key=lambda one: one in _LINKED):
            if root in self._asked:
                continue
            self._asked.add(root)
            if root in ("contact", *_LINKED) and not self.link.known:
                self.unknown[root] = "contact_not_linked"
                continue
            try:
                await self._fetch(root)
            except HitlError as error:
                self.unknown[root] = error.code
                log.warning(
                    "routing_facts_unknown",
                    installation=self.installation.id,
                    facts=root,
                    error=error.code,
                )
        return roots & self.unknown.keys()

    async def _fetch(self, root: str) -> None:
        if root == "queue":
            self.known[root] = await queue_facts(self.services, self.installation.id)
        elif root in ("contact", *_LINKED):
            contact = await self.contact_record()
            if contact is None:
                return
            if root == "contact":
                self.known[root] = await self._typed(contact)
            elif root == "company":
                await self._company(contact)
            else:
                await self._deals(contact)

    async def contact_record(self) -> CrmObject | None:
        """The contact with its owner, all that rules name, and its links; read once."""
        if self.contact is None and self.link.id is not None:
            links = [CrmType.COMPANY] if self.rules.names("company") else []
            links += [CrmType.DEAL] if self.rules.names("deals") else []
            self.contact = await self.services.crm.of(self.installation).get(
                CrmType.CONTACT,
                self.link.id,
                properties=sorted({*self.rules.names("contact"), OWNER}),
                associations=links,
            )
        return self.contact

    async def _company(self, contact: CrmObject) -> None:
        ids = contact.associations.get(CrmType.COMPANY.value, ())
        if not ids:
            return
        company = await self.services.crm.of(self.installation).get(
            CrmType.COMPANY, ids[0], properties=self.rules.names("company")
        )
        if company is not None:
            self.known["company"] = await self._typed(company)

    async def _deals(self, contact: CrmObject) -> None:
        """The contact's open deals; an empty list when there is none."""
        ids = contact.associations.get(CrmType.DEAL.value, ())[:MAX_DEALS]
        deals: list[Mapping[str, object]] = []
        if ids:
            wanted = sorted({*self.rules.names("deals"), CLOSED})
            found = await self.services.crm.of(self.installation).read_batch(
                CrmType.DEAL, ids, properties=wanted
            )
            for deal in found.objects:
                if deal.properties.get(CLOSED) != "true":
                    deals.append(await self._typed(deal))
        self.known["deals"] = deals

    async def _typed(self, found: CrmObject) -> dict[str, object]:
        fields = by_name(await fields_of(self.services, self.installation, found.type))
        return {**typed_values(fields, found.properties)}


def clock_facts(now_ms: int, hours: BusinessHours, inboxes: tuple[str, ...]) -> dict[str, object]:
    """The facts of `clock`, by the hours of the default inbox; `open` only where hours are set."""
    first = hours.of(inboxes[0]) if inboxes else hours.default
    local = (first or Hours()).local(now_ms)
    facts: dict[str, object] = {
        "now": local.isoformat(timespec="seconds"),
        "date": local.date().isoformat(),
        "time": local.strftime("%H:%M"),
        "hour": local.hour,
        "weekday": DAYS[local.weekday()],
    }
    if first is not None:
        facts["open"] = first.open(now_ms)
        facts["holiday"] = first.holiday(now_ms)
    timed = [(one, hours.of(one)) for one in inboxes]
    facts["openInboxes"] = [one for one, its in timed if its is None or its.open(now_ms)]
    return facts
