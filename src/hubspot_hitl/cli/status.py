"""`hubspot-hitl status`: which installations there are, and how they stand. Asks no vendor."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import typer

from hubspot_hitl.cli.chosen import InstallationId, Json, chosen, reading
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.house import House
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.circuits import awaited
from hubspot_hitl.ports.ledger import DeliveryFilter, DeliveryState
from hubspot_hitl.setup.progress import progress

app = typer.Typer()

MOST = 10_000


@app.command()
def status(installation: InstallationId = None, json_: Json = False) -> None:
    """List the installations: portal, connection, token, open handoffs, what waits or failed."""
    rows: list[dict[str, Any]] = []

    async def main() -> None:
        async with reading() as house:
            rows.extend([await _row(house, one) for one in await chosen(house, installation)])

    run_loop(main)
    if json_:
        tell(json.dumps({"installations": rows}))
        return
    for row in rows:
        tell(
            f"{row['installation']}  portal {row['portalId'] or 'unknown'}"
            f"  {'connected' if row['connected'] else 'not connected'}"
            f"  token until {row['tokenExpiresAt'] or 'unknown'}"
            f"  open handoffs {row['openHandoffs']}  dead letters {row['deadLetters']}"
        )
        for vendor, count in row["waitingFor"].items():
            tell(f"  {vendor} does not answer: {count} deliveries wait for it")
        for code, error in row["failing"].items():
            tell(f"  tried again: {error} [{code}]")
        if row["setup"]:
            tell(f"  {row['setup']}")
        if row["cure"]:
            tell(f"  {row['problem']}: {row['cure']}")
        if row["reminder"]:
            tell(f"  {row['reminder']}")
    if not rows:
        tell("no installation is known here yet", err=True)


async def _row(house: House, one: Installation) -> dict[str, Any]:
    """What is known here; counts end at `MOST`."""
    found = (await house.connections.status(one.id)).as_json()
    services = house.services
    active = await services.handoffs.find(installation_id=one.id, active=True, limit=MOST)
    dead = await services.ledger.find(
        DeliveryFilter(installation_id=one.id, states=(DeliveryState.DEAD,), limit=MOST)
    )
    ready = await services.ledger.find(
        DeliveryFilter(installation_id=one.id, states=(DeliveryState.READY,), limit=MOST)
    )
    parked = Counter(vendor for it in ready if (vendor := awaited(it.note)))
    return {
        "installation": one.id,
        "portalId": found["username"] or one.portal_id,
        "connected": found["connected"],
        "tokenExpiresAt": found["tokenExpiresAt"],
        "problem": found["problem"],
        "cure": found["cure"],
        "reminder": found["reminder"],
        "setup": await progress(services, one.id),
        "openHandoffs": len(active),
        "deadLetters": len(dead),
        "waitingFor": dict(parked),
        "failing": {it.error_code: it.error or it.kind for it in ready if it.error_code},
    }
