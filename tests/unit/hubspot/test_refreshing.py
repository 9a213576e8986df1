from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from tests.unit.hubspot.fake_clock import FakeClock
from tests.unit.hubspot.test_portals import installation

from hubspot_hitl.errors import AuthorizationLost, VendorFault
from hubspot_hitl.hubspot.refreshing import EVERY_S, TokenPortals, TokenRefresher
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.store.connections import VaultConnections
from hubspot_hitl.store.memory import MemoryInstallations, MemoryLeases, MemoryVault


@dataclass(slots=True)
class FakeTokens:
    asked: int = 0
    failing: Exception | None = None

    async def refresh_now(self) -> float:
        self.asked += 1
        if self.failing is not None:
            raise self.failing
        return 1800.0


@dataclass(slots=True)
class FakePortals:
    tokens_of: dict[str, FakeTokens] = field(default_factory=dict[str, FakeTokens])

    def of(self, installation: Installation) -> FakeClient:
        return FakeClient(self.tokens_of.setdefault(installation.id, FakeTokens()))


@dataclass(frozen=True, slots=True)
class FakeClient:
    tokens: FakeTokens


@dataclass(slots=True)
class Bench:
    clock: FakeClock = field(default_factory=lambda: FakeClock(auto=True))
    portals: FakePortals = field(default_factory=FakePortals)
    installations: MemoryInstallations = field(default_factory=MemoryInstallations)
    connections: VaultConnections = field(default_factory=lambda: VaultConnections(MemoryVault()))
    leases: MemoryLeases = field(default_factory=MemoryLeases)

    def replica(self) -> TokenRefresher:
        portals: TokenPortals = self.portals  # type: ignore[assignment]  # only what is asked for
        return TokenRefresher(
            portals,
            self.installations,
            self.connections,
            self.leases,
            self.clock,
            jitter=lambda: 0.5,
        )


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.installations.remember(installation("one"))
    return bench


async def test_of_two_replicas_one_refreshes(bench: Bench) -> None:
    assert [await bench.replica().round(), await bench.replica().round()] == [1, 0]
    assert bench.portals.tokens_of["one"].asked == 1


async def test_the_next_refresh_comes_twenty_minutes_later(bench: Bench) -> None:
    refresher = bench.replica()
    await refresher.round()
    await bench.clock.sleep(EVERY_S - 1)
    early = await refresher.round()
    await bench.clock.sleep(1)

    assert (early, await refresher.round()) == (0, 1)


async def test_the_state_tells_when_the_token_ends(bench: Bench) -> None:
    await bench.replica().round()
    state = await bench.connections.token_state("one")

    assert state.refreshed_ms == bench.clock.now_ms()
    assert state.expires_ms == bench.clock.now_ms() + 1_800_000


async def test_a_lost_grant_is_remembered_until_a_refresh_works_again(bench: Bench) -> None:
    lost = AuthorizationLost("gone", vendor="hubspot", operation="oauth.refresh")
    bench.portals.tokens_of["one"] = FakeTokens(failing=lost)
    with capture_logs() as lines:
        await bench.replica().round()
    told = (await bench.connections.token_state("one")).problem
    bench.portals.tokens_of["one"].failing = None
    await bench.replica().refresh(installation("one"))

    assert told == "authorization_lost"
    assert [(line["event"], line["cure"]) for line in lines] == [
        ("portal_connection_lost", "connect the portal again")
    ]
    assert (await bench.connections.token_state("one")).problem is None


async def test_a_passing_fault_is_no_problem_of_the_owner_nor_of_the_neighbour(
    bench: Bench,
) -> None:
    await bench.installations.remember(installation("two"))
    fault = VendorFault("503", vendor="hubspot", operation="oauth.refresh", status=503)
    bench.portals.tokens_of["one"] = FakeTokens(failing=fault)

    assert await bench.replica().round() == 1
    assert (await bench.connections.token_state("one")).problem is None


async def test_an_installation_without_a_grant_is_passed_over(bench: Bench) -> None:
    await bench.installations.remember(installation("one", refreshToken=""))

    assert await bench.replica().round() == 0
