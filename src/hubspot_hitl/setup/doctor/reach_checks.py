"""Whether HubSpot's calls reach this server and are believed: the public URL, a signed webhook."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.doctor.findings import Finding, fine, problem

NO_EVENTS = b"[]"
_GATEWAY = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reach:
    """Calls to our own addresses; each returns the status, None when nobody answers.

    `get(url)`; `post_signed(url, body, client secret, epoch ms)` as HubSpot posts a webhook.
    """

    get: Callable[[str], Awaitable[int | None]]
    post_signed: Callable[[str, bytes, str, int], Awaitable[int | None]]


async def check_public_url(public_url: str | None, reach: Reach) -> Finding:
    """Whether a server of ours answers at the public URL."""
    if public_url is None:
        return fine("public_url", "no public URL is set: Botpress reaches the published address")
    status = await reach.get(f"{public_url.rstrip('/')}/livez")
    if status is None:
        return problem("public_url_unreachable", f"nobody answers at {public_url}")
    if status != 200:
        return problem("public_url_wrong", f"{public_url}/livez answers {status}")
    return fine("public_url", f"{public_url} answers")


async def check_webhook(services: Services, installation: Installation, reach: Reach) -> Finding:
    """Post a webhook without events to the channel's address, signed rightly and then wrongly.

    The first must be taken, the second refused: only then is the address that HubSpot signs the one
    that the server checks.
    """
    url = services.policy.channel_webhook(installation)
    secret = installation.configuration.client_secret.get_secret_value()
    status = await reach.post_signed(url, NO_EVENTS, secret, services.clock.now_ms())
    if status is None or status in _GATEWAY:
        answer = "nobody answers" if status is None else f"{status} is answered"
        return problem("webhook_unreachable", f"{answer} at {url}", installation.id)
    if status == 401:
        return problem(
            "webhook_signature_refused",
            f"a rightly signed call to {url} is refused",
            installation.id,
        )
    if not 200 <= status < 300:
        return problem("webhook_refused", f"{url} answers {status}", installation.id)
    forged = await reach.post_signed(url, NO_EVENTS, f"{secret}-forged", services.clock.now_ms())
    if forged is not None and 200 <= forged < 300:
        return problem("webhook_unchecked", f"{url} takes a forged call too", installation.id)
    return fine("webhook", f"a signed webhook to {url} is taken", installation.id)
