from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.rooms import Rooms, installation, open_rooms

from hubspot_hitl.errors import (
    AuthorizationLost,
    BadConfiguration,
    HitlError,
    MissingScope,
    VendorFault,
    VendorRefused,
    VendorThrottled,
)
from hubspot_hitl.ports.ledger import NewDelivery
from hubspot_hitl.setup.doctor.examine import (
    LATE_MS,
    Surroundings,
    check_calendar,
    check_clock,
    check_keys,
    check_ledger,
    check_settings,
)
from hubspot_hitl.setup.doctor.findings import MEANINGS, Severity, fine, problem
from hubspot_hitl.setup.doctor.portal_checks import of_error
from hubspot_hitl.setup.doctor.sunsets import CALENDAR

GUIDE = Path(__file__).parents[4] / "docs" / "how-to" / "doctor.md"


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms() as rooms:
        yield rooms


def around(vendor_ms: int | None = None, **more: object) -> Surroundings:
    async def tell() -> int | None:
        return vendor_ms

    values: dict[str, object] = {
        "public_url": None,
        "webhook_route": "botpress",
        "signing_secret": True,
        "console_token": True,
        "botpress_token": True,
        "keys_at": "file",
        "oauth_version": "2026-03",
        "features": ("handoff",),
    }
    return Surroundings(vendor_ms=tell, **(values | more))  # type: ignore[arg-type]  # any field


async def test_a_clock_that_is_wrong_is_an_error(rooms: Rooms) -> None:
    now_ms = rooms.clock.now_ms()
    for skew_ms, code in ((0, "clock"), (-50_000, "clock"), (61_000, "clock_skewed")):
        (found,) = await check_clock(rooms.services, around(now_ms - skew_ms))
        assert found.code == code
    assert (await check_clock(rooms.services, around()))[0].code == "hubspot_unreachable"


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://api.hubapi.com", False),
        ("wss://tunnel.botpress.cloud", False),
        ("http://127.0.0.1:9000", False),
        ("http://[::1]:9000", False),
        ("http://proxy.inside.example", True),
        ("http://localhost.example", True),
        ("ws://tunnel.example", True),
    ],
)
async def test_a_vendor_that_is_called_without_tls_is_warned_of(
    rooms: Rooms, url: str, warned: bool
) -> None:
    found = await check_settings(rooms.services, around(vendor_urls=(url,)))
    assert ("vendor_url_not_https" in {one.code for one in found}) is warned


async def test_keys_beside_what_they_seal_are_warned_of(rooms: Rooms) -> None:
    (found,) = await check_keys(rooms.services, around(keys_at="database"))
    assert (found.code, found.severity) == ("keys_in_database", Severity.WARNING)


def test_every_meaning_has_a_cause_and_a_cure() -> None:
    for code, meaning in MEANINGS.items():
        assert meaning.severity is not Severity.OK
        assert meaning.cause, code
        assert meaning.cure, code


def test_the_guide_lists_every_code_with_its_severity() -> None:
    text = GUIDE.read_text().split("## Codes")[1]
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line[:3] == "| `"}
    assert rows.keys() == {f"`{code}`" for code in MEANINGS}
    for code, meaning in MEANINGS.items():
        assert (
            f"| {meaning.severity.value} | {meaning.cause} | {meaning.cure} |" in rows[f"`{code}`"]
        )


def test_a_finding_shows_its_cure() -> None:
    shown = problem("channel_missing", "none there", "hook").as_text()
    assert shown.startswith("error    channel_missing  [hook]  none there")
    assert "cure:  run `hubspot-hitl apply`" in shown
    assert fine("keys", "all well").as_text() == "ok       keys  all well"


async def test_an_ending_is_near_then_past_for_those_it_hits(
    rooms: Rooms,
) -> None:
    for day, code in (
        ("2026-01-01", "calendar"),
        ("2027-02-01", "sunset_near"),
        ("2027-02-16", "sunset_past"),
    ):
        at_ms = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000
        rooms.clock.advance((at_ms - rooms.clock.now_ms()) / 1000)
        found, _ = await check_calendar(rooms.services, around(oauth_version="v1"))
        assert found.code == code


def test_the_calendar_is_in_order() -> None:
    assert [one.day for one in CALENDAR] == sorted(one.day for one in CALENDAR)


async def test_a_delivery_that_nobody_works_on_is_warned_of(rooms: Rooms) -> None:
    waiting = NewDelivery("key", "lane", "kind", "hook", {})
    await rooms.services.ledger.accept([waiting])
    assert [one.code for one in await check_ledger(rooms.services, around())] == ["ledger"]

    rooms.clock.advance(LATE_MS / 1000 + 1)

    (found,) = await check_ledger(rooms.services, around())
    assert (found.code, found.severity) == ("deliveries_waiting", Severity.WARNING)


async def test_the_end_of_private_apps_is_told_to_who_uses_one(rooms: Rooms) -> None:
    await rooms.services.installations.remember(installation(refreshToken="pat-na1-of-a-test"))
    found, legacy = await check_calendar(rooms.services, around())
    assert found.what.startswith("2026-10-26: no new legacy private apps")
    assert legacy.what.startswith("2027-09-01: HubSpot stops supporting its APIs v1 to v3")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthorizationLost("no", vendor="hubspot", operation="oauth.refresh"), "connection_failed"),
        (MissingScope("no", vendor="hubspot", operation="inboxes.list"), "permission_denied"),
        (MissingScope("no", vendor="hubspot", operation="channels.list"), "developer_key_refused"),
        (VendorThrottled("no", vendor="hubspot", operation="inboxes.list"), "rate_limited"),
        (VendorFault("no", vendor="hubspot", operation="inboxes.list"), "hubspot_unreachable"),
        (VendorRefused("no", vendor="hubspot", operation="inboxes.list"), "hubspot_refused"),
        (BadConfiguration("no"), "not_configured"),
    ],
)
def test_each_failure_has_its_code(error: HitlError, code: str) -> None:
    assert of_error(error, "hook").code == code
