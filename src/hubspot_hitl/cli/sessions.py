"""`hubspot-hitl sessions`: the console's list and flight recorder, in a terminal.

Reads the database that the settings name, also while a server runs on it; changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hubspot_hitl.cli.chosen import JsonLines, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.ports.flight import CallMade
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter
from hubspot_hitl.ports.services import Services
from hubspot_hitl.web.console.bundle import bundle as bundled
from hubspot_hitl.web.console.recorder import Recording, Step, record, step_of
from hubspot_hitl.web.console.render import at_text, day_text, span_text

app = typer.Typer()
sessions = typer.Typer(help="Handoffs: list, show, follow, pack for support.", no_args_is_help=True)
app.add_typer(sessions, name="sessions")

LOOK_EVERY_S = 1.0
_STYLES = {"done": "green", "ready": "yellow", "dead": "bold red", "cancelled": "dim"}

AnyId = Annotated[str, typer.Argument(help="Any id of either side: handoff, thread, conversation.")]


@sessions.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="Any id of either side, or a name.")] = "",
    open_: Annotated[bool, typer.Option("--open", help="Only those that go on.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json_: JsonLines = False,
) -> None:
    """List handoffs, newest first."""

    async def main() -> None:
        async with looking() as house:
            found = await house.services.handoffs.find(
                text=text or None, active=True if open_ else None, limit=limit
            )
        if json_:
            for one in found:
                typer.echo(json.dumps(brief(one)))
        else:
            Console().print(_table(found))

    run_loop(main)


@sessions.command()
def show(handoff: AnyId, json_: JsonLines = False) -> None:
    """Show one handoff: ids, times, every delivery, what is due next."""
    found = _recorded(handoff)
    if json_:
        steps = [step_json(step) for step in found.steps]
        attempts = [asdict(one) for one in found.journeys]
        typer.echo(json.dumps({**brief(found.handoff), "deliveries": steps, "attempts": attempts}))
        return
    console = Console(highlight=False)
    for name, value in brief(found.handoff).items():
        console.print(Text.assemble((f"{name:>16}  ", "bold"), str(value if value else "-")))
    console.print()
    for step in found.steps:
        console.print(_line(step), soft_wrap=True)
        for attempt in found.attempts(step):
            for call in attempt.calls:
                console.print(_call(call), soft_wrap=True)
    for step in found.due:
        console.print(f"due {at_text(step.delivery.due_ms)}  {step.delivery.kind}", style="yellow")


@sessions.command()
def tail(
    handoff: Annotated[str, typer.Argument(help="Only this handoff; all by default.")] = "",
    json_: JsonLines = False,
) -> None:
    """Follow deliveries as they are written down and done, until Ctrl-C."""

    async def main() -> None:
        async with looking() as house:
            console = Console(highlight=False)
            async for step in follow(house.services, handoff or None):
                if json_:
                    typer.echo(json.dumps(step_json(step)))
                else:
                    console.print(_line(step), soft_wrap=True)

    try:
        run_loop(main)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@sessions.command()
def bundle(
    handoff: AnyId,
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
) -> None:
    """Write a zip for support: ids, times, errors; no names, texts or secrets."""
    found = _recorded(handoff)
    target = out or Path(f"handoff-{found.handoff.id}.zip")
    target.write_bytes(bundled(found))
    typer.echo(f"Wrote {target}")


async def follow(services: Services, handoff_id: str | None) -> AsyncIterator[Step]:
    """Deliveries that are new or changed since the last look, oldest first, for ever."""
    known: dict[int, tuple[str, int]] = {}
    first = True
    while True:
        found = await services.ledger.find(DeliveryFilter(handoff_id=handoff_id, limit=500))
        for delivery in reversed(found):
            mark = (delivery.state.value, delivery.attempts)
            if known.get(delivery.seq) != mark and not first:
                yield step_of(delivery)
            known[delivery.seq] = mark
        first = False
        eldest = min((delivery.seq for delivery in found), default=0)
        known = {seq: mark for seq, mark in known.items() if seq >= eldest}
        await services.clock.sleep(LOOK_EVERY_S)


def _recorded(handoff_id: str) -> Recording:
    """The recording of a handoff; ends the command with status 1 when there is none."""

    async def look() -> Recording | None:
        async with looking() as house:
            return await record(house.services, handoff_id)

    found = asyncio.run(look())
    if found is None:
        typer.echo(f"There is no handoff {handoff_id!r}.", err=True)
        raise typer.Exit(1)
    return found


def brief(one: Handoff) -> dict[str, object]:
    """A handoff as a person or a script wants it: ids of both sides, state, times."""
    return {
        "id": one.id,
        "state": one.state,
        "user": one.user_name,
        "title": one.title,
        "installation": one.installation_id,
        "conversation": one.conversation_id,
        "thread": one.thread_id,
        "contact": one.contact_id,
        "agent": one.agent_actor_id,
        "began": _iso(one.created_ms),
        "assigned": _iso(one.assigned_ms),
        "firstReply": _iso(one.first_reply_ms),
        "ended": _iso(one.ended_ms),
        "endReason": one.end_reason,
    }


def step_json(step: Step) -> dict[str, object]:
    """A delivery without its body."""
    one: Delivery = step.delivery
    return {
        "seq": one.seq,
        "kind": one.kind,
        "direction": step.direction,
        "state": one.state.value,
        "handoff": one.handoff_id,
        "failures": one.attempts,
        "accepted": _iso(one.accepted_ms),
        "due": _iso(one.due_ms),
        "finished": _iso(one.finished_ms),
        "tookMs": step.took_ms,
        "error": one.error_code,
        "note": one.note,
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else at_text(at_ms).replace(" ", "T") + "Z"


def _line(step: Step) -> Text:
    one = step.delivery
    arrow = "<-" if step.direction == "to_user" else "->"
    told = one.error_code or one.note or ""
    return Text.assemble(
        (f"{at_text(one.accepted_ms)[11:]}  ", "dim"),
        (f"{one.seq:>6} {arrow} ", "dim"),
        (f"{one.kind:<24}", "bold"),
        (f"{one.state.value:<10}", _STYLES[one.state.value]),
        (f"{span_text(step.took_ms):>10}  ", "dim"),
        f"{step.summary[:60]}  " if step.summary else "",
        (told, "red" if one.error_code else "dim"),
    )


def _call(call: CallMade) -> Text:
    good = call.outcome == "ok"
    return Text.assemble(
        (f"{at_text(call.at_ms)[11:]}          {call.vendor} {call.operation}  ", "dim"),
        (f"{call.status or ''} {call.outcome} ", "dim" if good else "red"),
        (f"{span_text(call.took_ms)}  {call.correlation_id or ''}", "dim"),
    )


def _table(found: Sequence[Handoff]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("began", "state", "user", "thread", "agent", "end", "id"):
        table.add_column(name, overflow="fold")
    for one in found:
        row = (
            day_text(one.created_ms),
            str(one.state),
            one.user_name or "",
            one.thread_id or "",
            one.agent_actor_id or "",
            one.end_reason or "",
            one.id,
        )
        table.add_row(*map(Text, row))  # a stranger's name is no markup
    return table
