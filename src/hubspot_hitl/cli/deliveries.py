"""`hubspot-hitl deliveries`: what waits, what died, and what to do about it.

Works on the database that the settings name, also while a server runs on it: a replayed delivery is
found by the running server within a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.text import Text

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import JsonLines, reading
from hubspot_hitl.cli.lines import print_lines
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.house import House
from hubspot_hitl.ports.circuits import awaited
from hubspot_hitl.ports.ledger import Delivery, DeliveryFilter, DeliveryState
from hubspot_hitl.web.console.render import day_text

app = typer.Typer()
deliveries = typer.Typer(
    help="Deliveries of the ledger: list, show, replay, discard, export.", no_args_is_help=True
)
app.add_typer(deliveries, name="deliveries")

ACTOR = "command line"
_AGE = re.compile(r"(\d{1,6})([smhd])")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

AnyId = Annotated[
    str,
    typer.Argument(
        help="A delivery's number, or any id of either side, also a message's; all by default."
    ),
]
States = Annotated[
    list[DeliveryState] | None, typer.Option("--state", help="Only these; may be repeated.")
]
Kind = Annotated[str | None, typer.Option("--kind", help="Only this kind, e.g. bot.message.")]
ErrorCode = Annotated[str | None, typer.Option("--error", help="Only this error code.")]
OlderThan = Annotated[str | None, typer.Option("--older-than", help="Accepted before: 90s, 15m.")]
NewerThan = Annotated[str | None, typer.Option("--newer-than", help="Accepted after: 2h, 1d.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@deliveries.command("list")
def list_(
    any_id: AnyId = "",
    state: States = None,
    kind: Kind = None,
    error: ErrorCode = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = 50,
    json_: JsonLines = False,
) -> None:
    """List deliveries, newest first; without --state those that wait or are dead.

    Exit status 1 when one of them is dead.
    """
    states = tuple(state or (DeliveryState.READY, DeliveryState.DEAD))
    found = _found(any_id, states, kind, error, older_than, newer_than, limit)
    if json_:
        for one in found:
            tell(json.dumps(brief(one)))
    elif found:
        print_lines(*_rows(found))
    else:
        tell("There is no such delivery.")
    if any(one.state is DeliveryState.DEAD for one in found):
        raise typer.Exit(FINDING)


@deliveries.command()
def show(number: Annotated[int, typer.Argument(help="The delivery's number.")]) -> None:
    """Show one delivery with its body, as JSON. The body may hold a person's words."""
    found = _found(str(number), (), None, None, None, None, 1)
    if not found:
        tell(f"error: there is no delivery {number}", err=True)
        raise typer.Exit(FINDING)
    tell(json.dumps({**brief(found[0]), "body": dict(found[0].body)}, indent=2))


@deliveries.command()
def export(
    any_id: AnyId = "",
    state: States = None,
    kind: Kind = None,
    error: ErrorCode = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = 100_000,
    bodies: Annotated[bool, typer.Option(help="With the bodies: people's words.")] = False,
) -> None:
    """Write deliveries as JSON lines, by default in every state and without their bodies."""
    for one in _found(any_id, tuple(state or ()), kind, error, older_than, newer_than, limit):
        more = {"body": dict(one.body)} if bodies else {}
        tell(json.dumps({**brief(one), **more}))


@deliveries.command()
def replay(
    any_id: Annotated[str, typer.Argument(help="A number, any id of either side, or `dead`.")],
    error: ErrorCode = None,
    kind: Kind = None,
    yes: Yes = False,
    json_: JsonLines = False,
) -> None:
    """Try dead deliveries again, at their old place in the lane. Repeating this is harmless."""
    _change("replay", any_id, (DeliveryState.DEAD,), kind, error, yes=yes, json_=json_)


@deliveries.command()
def discard(
    any_id: Annotated[str, typer.Argument(help="A number, any id of either side, or `dead`.")],
    error: ErrorCode = None,
    kind: Kind = None,
    yes: Yes = False,
    json_: JsonLines = False,
) -> None:
    """Give up dead or waiting deliveries for good: they will never be delivered."""
    waiting = () if any_id == "dead" else (DeliveryState.READY,)
    _change("discard", any_id, (DeliveryState.DEAD, *waiting), kind, error, yes=yes, json_=json_)


def _change(
    verb: str,
    any_id: str,
    states: tuple[DeliveryState, ...],
    kind: str | None,
    error: str | None,
    *,
    yes: bool,
    json_: bool,
) -> None:
    wanted = "" if any_id == "dead" else any_id
    found = _found(wanted, states, kind, error, None, None, 100_000)
    if not found:
        tell(f"error: nothing to {verb} fits {any_id!r}", err=True)
        raise typer.Exit(FINDING)
    if not yes:
        typer.confirm(f"{verb} {len(found)} deliveries?", abort=True)
    seqs = [one.seq for one in found]
    changed = 0

    async def main() -> None:
        nonlocal changed
        async with reading() as house:
            ledger = house.services.ledger
            changed = await (ledger.replay(seqs) if verb == "replay" else ledger.discard(seqs))
            await house.storage.audit.append(ACTOR, f"deliveries.{verb}", any_id, {"seqs": seqs})

    run_loop(main)
    tell(json.dumps({verb: changed, "seqs": seqs}) if json_ else f"{verb}: {changed}")


def _found(
    any_id: str,
    states: tuple[DeliveryState, ...],
    kind: str | None,
    error: str | None,
    older_than: str | None,
    newer_than: str | None,
    limit: int,
) -> list[Delivery]:
    found: list[Delivery] = []
    before_ms, after_ms = (age_ms(age) if age else None for age in (older_than, newer_than))

    async def main() -> None:
        async with reading() as house:
            services = house.services
            now_ms = services.clock.now_ms()
            filters = [
                replace(
                    target,
                    states=states,
                    kind=kind,
                    error_code=error,
                    accepted_before_ms=None if before_ms is None else now_ms - before_ms,
                    accepted_after_ms=None if after_ms is None else now_ms - after_ms,
                    limit=limit,
                )
                for target in await _targets(house, any_id)
            ]
            for one in filters:
                found.extend(await services.ledger.find(one))

    run_loop(main)
    return found[:limit]


async def _targets(house: House, any_id: str) -> list[DeliveryFilter]:
    """What an id may mean: a delivery's number, a handoff that has it on either side, a message."""
    if not any_id:
        return [DeliveryFilter()]
    handoffs = await house.services.handoffs.find(text=any_id)
    exact = [one for one in handoffs if any_id in _ids(one)]
    if exact:
        return [DeliveryFilter(handoff_id=one.id) for one in exact]
    message = DeliveryFilter(key_part=any_id)
    if any_id.isdigit():
        number = DeliveryFilter(seq=int(any_id)) if len(any_id) < 19 else message
        known = await house.services.ledger.find(replace(number, limit=1))
        return [number if known else message]
    return [DeliveryFilter(handoff_id=one.id) for one in handoffs] or [message]


def _ids(handoff: object) -> tuple[object, ...]:
    names = ("id", "conversation_id", "thread_id", "integration_thread_id", "user_id", "contact_id")
    return tuple(getattr(handoff, name) for name in names)


def age_ms(text: str) -> int:
    """The milliseconds of `90s`, `15m`, `2h` or `1d`. Raises BadSettings.

    >>> age_ms("15m")
    900000
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise BadSettings(f"{text!r} is not an age: write 90s, 15m, 2h or 1d")
    return int(match[1]) * _UNIT_MS[match[2]]


def brief(one: Delivery) -> dict[str, object]:
    """A delivery without its body. Times are epoch milliseconds."""
    return {
        "seq": one.seq,
        "state": one.state.value,
        "kind": one.kind,
        "lane": one.lane,
        "handoff_id": one.handoff_id,
        "installation_id": one.installation_id,
        "attempts": one.attempts,
        "accepted_ms": one.accepted_ms,
        "due_ms": one.due_ms,
        "finished_ms": one.finished_ms,
        "error_code": one.error_code,
        "error": one.error,
        "note": one.note,
        "dedup_key": one.dedup_key,
    }


def _rows(found: Sequence[Delivery]) -> Iterator[Text]:
    """A heading, and for each delivery a line with what is wrong under it."""
    yield Text(
        f"{'number':>7}  {'state':<9}  {'kind':<24}  {'tries':>5}  {'accepted':<19}  handoff",
        style="bold",
    )
    for one in found:
        yield Text(
            f"{one.seq:>7}  {one.state.value:<9}  {one.kind:<24}  {one.attempts:>5}"
            f"  {day_text(one.accepted_ms)}  {one.handoff_id or '-'}"
        )
        wrong = f"{one.error_code}: {one.error}" if one.error_code else one.note or ""
        if one.error_code and awaited(one.note):
            wrong = f"{one.note}; {wrong}"
        if wrong:
            style = "red" if one.state is DeliveryState.DEAD else "yellow"
            yield Text(f"         {wrong}", style=style)
