"""`POST /registrations`: a web widget tells who its visitor is, and gets what it needs to chat.

Off until a token is set. The contact is looked up by email and created only when HubSpot says that
there is none; the id of the channel that is answered is the contact's.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

import structlog
from aiohttp import web
from cachetools import TTLCache
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hubspot_hitl.errors import HitlError, VendorError
from hubspot_hitl.handoff.identity import email_of
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.integration.wire import problems_of
from hubspot_hitl.ports.crm_records import CrmType
from hubspot_hitl.ports.services import Services
from hubspot_hitl.web import keys
from hubspot_hitl.web.access import holds_token
from hubspot_hitl.web.peers import peer_of
from hubspot_hitl.web.problems import problem

log = structlog.get_logger(__name__)

COUNTS: Final = web.AppKey("registrations", TTLCache[tuple[str, int], int])
MINUTE_S: Final = 60
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class Registration(BaseModel):
    """What the widget sends. Whoever carries the token may name the installation."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    firstName: _Name  # noqa: N815 - the name on the wire
    lastName: _Name  # noqa: N815
    email: Annotated[str, Field(min_length=3, max_length=320)]
    installation: str | None = None


def counts() -> TTLCache[tuple[str, int], int]:
    """How often each address has asked in each minute; bounded."""
    return TTLCache[tuple[str, int], int](maxsize=10_000, ttl=2 * MINUTE_S)


def name_of(text: str) -> str:
    """A name with its white space made `_`.

    >>> name_of(" Mary  Ann ")
    'Mary_Ann'
    """
    return re.sub(r"\s+", "_", text.strip())


async def register(request: web.Request) -> web.Response:
    """Answer `customerId`, `customerToken`, `channelId` and `apiKey`.

    `customerToken` identifies the visitor to HubSpot's own widget, null where the portal's plan has
    none; `apiKey` is the installation's public id. Failures are 500 with `error`, the caller's own
    faults 4xx.
    """
    settings, services = request.app[keys.SETTINGS], request.app[keys.SERVICES]
    if settings.registrations_token is None:
        return problem(404, "not_found")
    # Also for wrong tokens, so that nobody tries many.
    peer = peer_of(request, settings.trusted_proxies)
    most = settings.registrations_per_minute
    if not _within_limit(request.app[COUNTS], peer, most, services.clock.now_ms()):
        return _error(429, "too many registrations: wait a minute", {"Retry-After": "60"})
    if not holds_token(request, settings.registrations_token):
        return _error(401, "the token is missing or wrong")
    try:
        wanted = Registration.model_validate_json(await request.read())
    except ValidationError as error:
        return _error(400, problems_of(error))
    email = email_of(wanted.email)
    first, last = name_of(wanted.firstName), name_of(wanted.lastName)
    if email is None or not first or not last:
        return _error(400, "firstName, lastName and a valid email are needed")
    installation = await _installation(services, wanted.installation)
    if installation is None:
        return _error(400, "installation does not name an installation of this server")
    try:
        return web.json_response(await _registered(services, installation, first, last, email))
    except HitlError as error:
        log.warning("registration_failed", installation=installation.id, error=error.code)
        return _error(500, error.message)


async def _registered(
    services: Services, installation: Installation, first: str, last: str, email: str
) -> dict[str, str | None]:
    crm = services.crm.of(installation)
    found = await crm.find_or_create(
        CrmType.CONTACT,
        email,
        by="email",
        properties={"email": email, "firstname": first, "lastname": last},
    )
    try:
        token = await crm.visitor_token(email, first_name=first, last_name=last)
    except VendorError as error:
        log.info("visitor_token_not_made", installation=installation.id, error=error.code)
        token = None
    return {
        "customerId": f"{first}-{last}".lower(),
        "customerToken": token,
        "channelId": found.object.id,
        "apiKey": installation.id,
    }


async def _installation(services: Services, name: str | None) -> Installation | None:
    """The one that is named, else the only one."""
    if name is not None:
        return await services.installations.get(name)
    every = await services.installations.all()
    return every[0] if len(every) == 1 else None


def _within_limit(seen: TTLCache[tuple[str, int], int], peer: str, most: int, now_ms: int) -> bool:
    """Count the request of its address."""
    key = (peer, now_ms // (MINUTE_S * 1000))
    seen[key] = seen.get(key, 0) + 1
    return seen[key] <= most


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": message}, status=status, headers=headers)
