"""`hubspot-hitl sessions`: the console's list and flight recorder, in a terminal.

Reads the database that the settings name, also while a server runs on it; changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import JsonLines, reading
from hubspot_hitl.cli.lines import print_lines
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.session_text import brief, rows, step_json, step_line, story, summed_up
from hubspot_hitl.cli.telling import harmless, tell
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.ports.ledger import DeliveryFilter
from hubspot_hitl.ports.services import Services
from hubspot_hitl.web.console.bundle import bundle as bundled
from hubspot_hitl.web.console.recorder import Recording, Step, record, step_of

app = typer.Typer()
sessions = typer.Typer(
    help="What happened to a conversation: list, show, follow, pack for support.",
    no_args_is_help=True,
)
app.add_typer(sessions, name="sessions")

LOOK_EVERY_S = 1.0
MOST_NAMED = 5
FOUND_BY = (
    "Handoffs are found by the user's name, and by the ids of thread, contact, HITL conversation,"
    " Botpress user and message; `hubspot-hitl sessions list` shows the newest."
)

AnyId = Annotated[
    str,
    typer.Argument(
        help="The user's name, or an id: thread, contact, handoff, conversation, user, message."
    ),
]


@sessions.command("list")
def list_(
    text: Annotated[str, typer.Argument(help="The user's name, or an id of either side.")] = "",
    open_: Annotated[bool, typer.Option("--open", help="Only open ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    json_: JsonLines = False,
) -> None:
    """List handoffs, newest first."""

    async def main() -> None:
        async with reading() as house:
            found = await house.services.handoffs.find(
                text=text or None, active=True if open_ else None, limit=limit
            )
        if json_:
            for one in found:
                tell(json.dumps(brief(one)))
        elif found:
            print_lines(*rows(found))
        else:
            tell("There is no such handoff." if text or open_ else "There is none yet.")

    run_loop(main)


@sessions.command()
def show(handoff: AnyId, json_: JsonLines = False) -> None:
    """Show one handoff: its state, what went wrong and the cure, every delivery, what is due."""
    found, summary = _recorded(handoff)
    if json_:
        steps = [step_json(step) for step in found.steps]
        attempts = [asdict(one) for one in found.journeys]
        whole = {"summary": summary, "deliveries": steps, "attempts": attempts}
        tell(json.dumps({**brief(found.handoff), **whole}))
        return
    print_lines(*map(Text, summary), Text())
    for name, value in brief(found.handoff).items():
        print_lines(Text.assemble((f"{name:>16}  ", "bold"), str(value if value else "-")))
    print_lines(Text(), *story(found))


@sessions.command()
def tail(
    handoff: Annotated[str, typer.Argument(help="Any id of one handoff; all by default.")] = "",
    json_: JsonLines = False,
) -> None:
    """Follow deliveries as they arrive and finish, until Ctrl-C."""

    async def main() -> None:
        async with reading() as house:
            handoff_id = await _id_of(house.services, handoff) if handoff else None
            async for step in follow(house.services, handoff_id):
                if json_:
                    tell(json.dumps(step_json(step)))
                else:
                    print_lines(step_line(step))

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
    found, _ = _recorded(handoff)
    target = out or Path(f"handoff-{found.handoff.id}.zip")
    try:
        target.write_bytes(bundled(found))
    except OSError as error:
        raise BadSettings(
            f"{str(target)!r} cannot be written ({error.strerror}): name another file by --out"
        ) from error
    tell(f"Wrote {target}")


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


def _recorded(any_id: str) -> tuple[Recording, list[str]]:
    """The recording of a handoff, and it summed up; ends the command when there is none."""
    taken: list[tuple[Recording, list[str]]] = []

    async def look() -> None:
        async with reading() as house:
            found = await record(house.services, await _id_of(house.services, any_id))
            if found is not None:
                taken.append((found, summed_up(found, house.services.clock.now_ms())))

    run_loop(look)
    if not taken:
        raise _unknown(any_id)
    return taken[0]


async def _id_of(services: Services, any_id: str) -> str:
    """Our id of the handoff that is meant; ends the command unless it is one.

    Several of one contact, or of people of that name, are listed instead: the newest of them may
    well be another person's.
    """
    own = await services.handoffs.get(any_id)
    if own is not None:
        return own.id
    found = await services.handoffs.find(text=any_id, limit=MOST_NAMED + 1)
    threads = [one for one in found if any_id in (one.thread_id, one.conversation_id)]
    if not found:
        return await _of_message(services, any_id)
    if len(found) == 1 or threads:
        return (threads or list(found))[0].id
    count = f"More than {MOST_NAMED}" if len(found) > MOST_NAMED else str(len(found))
    tell(f"{count} handoffs fit {any_id!r}; name one by its id:", err=True)
    for row in rows(found[:MOST_NAMED]):
        tell(harmless(row.plain), err=True)
    raise typer.Exit(FINDING)


async def _of_message(services: Services, message_id: str) -> str:
    """Our id of the handoff in which a message was said; ends the command when there is none."""
    (said,) = await services.ledger.find(DeliveryFilter(key_part=message_id, limit=1)) or (None,)
    if said is None or said.handoff_id is None:
        raise _unknown(message_id)
    return said.handoff_id


def _unknown(any_id: str) -> typer.Exit:
    tell(f"There is no handoff {any_id!r}. {FOUND_BY}", err=True)
    return typer.Exit(FINDING)
