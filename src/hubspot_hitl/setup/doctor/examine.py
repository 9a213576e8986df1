"""Looks at everything a handoff needs and says what is wrong, why, and how to mend it.

`examine` runs a literal list of checks over the process and another over each installation. It
changes nothing. What needs a token is not asked once the token is refused: the answer would repeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from hubspot_hitl.errors import CallerError, StoreUnavailable, VendorError
from hubspot_hitl.integration.installation import STANDALONE, Installation
from hubspot_hitl.integration.readiness import require_ready
from hubspot_hitl.ports.services import Services
from hubspot_hitl.setup.doctor.findings import Finding, fine, problem
from hubspot_hitl.setup.doctor.portal_checks import PORTAL_CHECKS, Patient, check_botpress, of_error
from hubspot_hitl.setup.doctor.reach_checks import Reach, check_public_url
from hubspot_hitl.setup.doctor.round_trip import round_trip, write_to_bot
from hubspot_hitl.setup.doctor.sunsets import Use, coming

MAX_SKEW_MS: Final = 60_000
LATE_MS: Final = 300_000
NEAR_DAYS: Final = 120


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What only the process knows. `vendor_ms` tells HubSpot's clock (epoch ms), None if it can't.

    `keys_at` is where the key ring lies; without `reach` our own addresses are not called.
    `vendor_urls` are the addresses under which HubSpot and Botpress are called.
    """

    public_url: str | None
    webhook_route: Literal["botpress", "direct"]
    signing_secret: bool
    console_token: bool
    botpress_token: bool
    keys_at: Literal["settings", "file", "database"]
    oauth_version: str
    features: tuple[str, ...]
    vendor_ms: Callable[[], Awaitable[int | None]]
    reach: Reach | None = None
    vendor_urls: tuple[str, ...] = ()


HouseCheck = Callable[[Services, Surroundings], Awaitable[Sequence[Finding]]]


async def check_settings(services: Services, around: Surroundings) -> Sequence[Finding]:
    """The settings that have to fit each other."""
    found: list[Finding] = []
    url = around.public_url
    if (
        url
        and not url.startswith("https://")
        and (around.webhook_route == "direct" or not _near(url))
    ):
        found.append(problem("public_url_not_https", f"the public URL is {url}"))
    for plain in around.vendor_urls:
        if not plain.startswith(("https://", "wss://")) and not _near(plain):
            found.append(problem("vendor_url_not_https", f"a vendor is called at {plain}"))
    every = await services.installations.all()
    alone = bool(every) and all(one.id == STANDALONE for one in every)
    if not around.signing_secret and not alone:
        found.append(problem("no_signing_secret", "Botpress's signatures are not checked"))
    if not around.console_token:
        found.append(problem("no_console_token", "the operators' console is closed"))
    if not around.botpress_token and not alone:
        found.append(problem("no_botpress_token", "there is no Botpress token"))
    return found or [fine("settings", "the settings fit each other")]


def _near(url: str) -> bool:
    """Whether the address is of this machine: HubSpot sends browsers there without TLS too."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


async def check_reach(services: Services, around: Surroundings) -> Sequence[Finding]:
    """Whether this server answers at its public URL."""
    return [] if around.reach is None else [await check_public_url(around.public_url, around.reach)]


async def check_keys(services: Services, around: Surroundings) -> Sequence[Finding]:
    """Where the key ring lies."""
    if around.keys_at == "database":
        return [
            problem("keys_in_database", "the keys are in the database, beside what they encrypt")
        ]
    return [fine("keys", f"the key ring is in the {around.keys_at}")]


async def check_clock(services: Services, around: Surroundings) -> Sequence[Finding]:
    """Our clock against HubSpot's."""
    before_ms = services.clock.now_ms()
    vendor_ms = await around.vendor_ms()
    if vendor_ms is None:
        return [problem("hubspot_unreachable", "the clock could not be compared with HubSpot's")]
    skew_ms = (before_ms + services.clock.now_ms()) // 2 - vendor_ms
    if abs(skew_ms) > MAX_SKEW_MS:
        return [problem("clock_skewed", f"the clock differs from HubSpot's by {skew_ms} ms")]
    return [fine("clock", "the clock agrees with HubSpot's")]


async def check_ledger(services: Services, around: Surroundings) -> Sequence[Finding]:
    """What died and what waits too long."""
    try:
        health = await services.ledger.health()
    except StoreUnavailable as error:
        return [problem("database_unavailable", error.message)]
    found: list[Finding] = []
    if health.dead:
        found.append(
            problem("dead_letters", f"{health.dead} dead letter{'' if health.dead == 1 else 's'}")
        )
    oldest_ms = health.oldest_ready_ms
    age_ms = services.clock.now_ms() - oldest_ms if oldest_ms is not None else 0
    if age_ms > LATE_MS:
        found.append(problem("deliveries_waiting", f"a delivery has waited for {age_ms // 1000} s"))
    return found or [fine("ledger", f"no dead letters, {health.ready} deliveries to come")]


async def check_calendar(services: Services, around: Surroundings) -> Sequence[Finding]:
    """HubSpot's announced endings of what is in use here."""
    uses: list[Use] = ["v3"]
    if "crm" in around.features:
        uses.append("crm")
    if around.oauth_version == "v1":
        uses.append("oauth_v1")
    tokens = [one.configuration.refresh_token for one in await services.installations.all()]
    if any(token.get_secret_value().strip().startswith("pat-") for token in tokens):
        uses.append("private_app")
    found: list[Finding] = []
    for one in coming(uses):
        days = one.days_left(services.clock.now_ms())
        what = f"{one.day.isoformat()}: {one.what}; {one.cure}"
        if one.use in _ENDS and days <= 0:
            found.append(problem("sunset_past", what))
        elif one.use in _ENDS and days <= NEAR_DAYS:
            found.append(problem("sunset_near", what))
        else:
            found.append(fine("calendar", what))
    return found


_ENDS: Final[frozenset[Use]] = frozenset({"oauth_v1", "v3"})
"""What stops working, or may; the others only change."""

HOUSE_CHECKS: Final[tuple[HouseCheck, ...]] = (
    check_settings,
    check_reach,
    check_keys,
    check_clock,
    check_ledger,
    check_calendar,
)
"""What is looked at once, in this order."""


async def examine(
    services: Services,
    around: Surroundings,
    installations: Sequence[Installation],
    *,
    trip: bool = False,
) -> list[Finding]:
    """Every finding, those of the process first. Without an installation it says so.

    With `trip` a marked message goes into each installation's inbox and back.
    """
    found: list[Finding] = []
    for check in HOUSE_CHECKS:
        found.extend(await check(services, around))
    if not installations:
        found.append(
            problem("no_installation", "no installation is known; only the process was looked at")
        )
    for installation in installations:
        found.extend(await examine_installation(services, around, installation, trip=trip))
    return found


async def examine_installation(
    services: Services, around: Surroundings, installation: Installation, *, trip: bool = False
) -> list[Finding]:
    """The findings of one installation."""
    patient = Patient(services, installation, around.features, around.reach)
    found: list[Finding] = []
    if around.botpress_token and installation.id != STANDALONE:
        found.append(await check_botpress(patient))
    try:
        require_ready(installation.configuration)
    except CallerError as error:
        return [*found, problem("not_configured", error.message, installation.id)]
    try:
        patient.info = await services.hubspot.of(installation).portal()
    except (VendorError, CallerError) as error:
        return [*found, of_error(error, installation.id)]
    for check in PORTAL_CHECKS:
        try:
            found.extend(await check(patient))
        except (VendorError, CallerError) as error:
            found.append(of_error(error, installation.id))
    if trip:
        found.extend(await round_trip(patient))
    if trip and around.botpress_token and installation.id != STANDALONE:
        found.append(await write_to_bot(patient))
    return found
