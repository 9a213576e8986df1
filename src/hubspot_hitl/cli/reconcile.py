"""`hubspot-hitl reconcile`: compares open handoffs with their threads and repairs what was missed.

The server does the same on a schedule. The command works while it runs, on the same database: the
server finds what is to be done within a second.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import InstallationId, JsonLines, chosen, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.upkeep.compare import Finding
from hubspot_hitl.upkeep.reconcile import GRACE_MS, Reconciled
from hubspot_hitl.upkeep.reconcile import reconcile as compare

app = typer.Typer()


@app.command()
def reconcile(
    installation: InstallationId = None,
    grace: Annotated[
        float, typer.Option(min=0, help="Leave what is younger (seconds) to its webhook.")
    ] = GRACE_MS / 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what was missed.")] = False,
    json_: JsonLines = False,
) -> None:
    """Find missed replies, ends and assignments, and repair them; each repair is audited.

    Exit status 1 when --dry-run finds something.
    """
    found: list[tuple[str, Reconciled]] = []

    async def main() -> None:
        async with looking() as house:
            for one in await chosen(house, installation):
                grace_ms = round(grace * 1000)
                result = await compare(house.services, one, grace_ms=grace_ms, dry_run=dry_run)
                found.append((one.id, result))

    run_loop(main)
    for installation_id, result in found:
        _print(installation_id, result, dry_run=dry_run, json_=json_)
    if dry_run and any(result.findings for _, result in found):
        raise typer.Exit(FINDING)


def _print(installation_id: str, result: Reconciled, *, dry_run: bool, json_: bool) -> None:
    if json_:
        for finding in result.findings:
            tell(json.dumps({**brief(finding), "repaired": not dry_run}))
        return
    did = "to repair" if dry_run else "repaired"
    tell(
        f"{installation_id}: {result.handoffs} handoff(s) compared, {len(result.findings)} {did},"
        f" {result.busy} busy"
    )
    for finding in result.findings:
        tell(f"  {finding.cause.value}: handoff {finding.handoff_id}")


def brief(finding: Finding) -> dict[str, object]:
    """A finding for people and programs; the time is epoch milliseconds."""
    return {
        "cause": finding.cause.value,
        "handoff_id": finding.handoff_id,
        "thread_id": finding.thread_id,
        "occurred_ms": finding.at_ms,
        "installation_id": finding.delivery.installation_id,
        "dedup_key": finding.delivery.dedup_key,
    }
