"""`hubspot-hitl erase`: removes what a person said and was called, and gives a receipt for it."""

from __future__ import annotations

import asyncio
import getpass
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.house import open_house
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.privacy.erase import Erasure, erase
from hubspot_hitl.privacy.receipt import is_genuine
from hubspot_hitl.privacy.target import Target
from hubspot_hitl.privacy.vendors import BOTH
from hubspot_hitl.settings import Settings, from_environment

app = typer.Typer()


class Kind(StrEnum):
    """Whose content is meant by the id."""

    contact = "contact"
    user = "user"
    handoff = "handoff"


@app.command(name="erase")
def command(
    kind: Annotated[Kind | None, typer.Argument(help="What the id is of.")] = None,
    id_: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="Id of the HubSpot contact, the Botpress user or the handoff."
        ),
    ] = None,
    vendors: Annotated[
        bool, typer.Option("--vendors", help="Also at Botpress and HubSpot.")
    ] = False,
    contact: Annotated[
        bool,
        typer.Option(
            "--delete-contact", help="With --vendors, also delete the CRM contact for good."
        ),
    ] = False,
    installation: Annotated[
        str | None, typer.Option(help="The installation (webhook id) whose contact is meant.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the signed receipt as one JSON object.")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(help="Check a receipt that was printed, and erase nothing.")
    ] = None,
) -> None:
    """Erase messages, names and queue entries of a person or a handoff; the counts stay.

    Works while the server runs. Exit status: 1 when something was left or a receipt is not
    genuine.
    """
    settings = from_environment()
    configure_logging_from(settings)
    if verify is not None:
        _say_whether_genuine(asyncio.run(_is_genuine(settings, _read(verify))), json_)
        return
    if kind is None or not id_:
        tell("say what to erase: contact, user or handoff, and its id", err=True)
        raise typer.Exit(2)
    if contact and (not vendors or kind is Kind.handoff):
        tell("--delete-contact needs --vendors, and a contact or a user", err=True)
        raise typer.Exit(2)
    target = Target(kind.value, id_, installation)
    wanted = Wanted(vendors=vendors, contact=contact, dry_run=dry_run)
    erasure = asyncio.run(_erase(settings, target, wanted))
    _show(erasure, json_)
    if not erasure.complete:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far it goes."""

    vendors: bool
    contact: bool
    dry_run: bool


async def _erase(settings: Settings, target: Target, wanted: Wanted) -> Erasure:
    async with open_house(settings, work=False) as house:
        return await erase(
            house.services,
            target,
            by=f"cli:{getpass.getuser()}",
            vendors=BOTH if wanted.vendors else (),
            contacts=wanted.contact,
            dry_run=wanted.dry_run,
        )


def _show(erasure: Erasure, json_: bool) -> None:
    if json_:
        tell(json.dumps(erasure.document))
        return
    receipt = erasure.receipt
    verb = "would erase" if receipt.dry_run else "erased"
    tell(f"{verb} {receipt.target.kind} {receipt.target.id}")
    for name, count in receipt.counts.items():
        tell(f"  {name:<17} {count}")
    for what in receipt.left:
        tell(f"left: {what}", err=True)
    if not receipt.dry_run:
        tell(f"receipt {receipt.id} is in the audit trail; --json prints it when erasing")


async def _is_genuine(settings: Settings, document: object) -> bool:
    async with open_house(settings, work=False) as house:
        evidence = house.services.evidence
        return evidence is not None and is_genuine(document, evidence.keys)


def _say_whether_genuine(genuine: bool, json_: bool) -> None:
    if json_:
        tell(json.dumps({"genuine": genuine}))
    elif genuine:
        tell("genuine: made with a key of this installation and not changed since")
    else:
        tell("not genuine: changed, or signed with a key that is not in the key ring")
    if not genuine:
        raise typer.Exit(1)


def _read(path: Path) -> object:
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidPayload(
            f"the receipt {str(path)!r} cannot be read ({error.strerror})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidPayload(f"{str(path)!r} holds no receipt: it is not JSON") from error
    return document
