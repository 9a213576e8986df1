"""`hubspot-hitl rules`: checks routing rules, and tells what they would do for a contact.

A dry run: nothing is written to HubSpot and no handoff starts.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from hubspot_hitl.cli.chosen import Json
from hubspot_hitl.cli.standalone import standalone_installation
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.crm.routing.choosing import Asked
from hubspot_hitl.crm.routing.conditions import Problem
from hubspot_hitl.crm.routing.rehearsal import Told
from hubspot_hitl.crm.routing.rehearsal import check as check_rules
from hubspot_hitl.crm.routing.rehearsal import explain as explain_rules
from hubspot_hitl.crm.routing.rule_checks import check_facts
from hubspot_hitl.crm.routing.rules import read_rules
from hubspot_hitl.crm.settings import Upkeep, keep_up
from hubspot_hitl.errors import BadConfiguration, CallerError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.ports.services import Services
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import Settings, from_environment, standalone_from_environment
from hubspot_hitl.settings.environment import secrets_of

app = typer.Typer()
rules = typer.Typer(help="Check routing rules, and see what they would do.", no_args_is_help=True)
app.add_typer(rules, name="rules")

RulesFile = Annotated[
    Path | None,
    typer.Option("--rules", help="A file with rules, - for standard input; else the installed."),
]
InstallationId = Annotated[
    str | None,
    typer.Option("--installation", help="An installation of the database, by its webhook id."),
]


@rules.command()
def check(
    rules_file: RulesFile = None,
    installation: InstallationId = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask HubSpot.")] = False,
    json_: Json = False,
) -> None:
    """Check routing rules and show what is wrong, and where. Exit status 1 if anything is.

    Properties and options are checked against the portal of --installation or of the HUBSPOT_
    variables; with --offline, the form alone is checked.
    """
    settings = from_environment()
    configure_logging_from(settings)
    if offline:
        text = _text(rules_file)
        found, problems = read_rules(text)
        problems = (*problems, *check_facts(found, {}))
    else:
        problems = asyncio.run(_check(settings, rules_file, installation))
    if json_:
        shown = [
            {"place": one.place, "message": one.message, "warning": one.warning} for one in problems
        ]
        tell(json.dumps({"ok": not _wrong(problems), "problems": shown}))
    else:
        for one in problems:
            tell(f"{'warning' if one.warning else 'error'}: {one.place}: {one.message}")
        if not problems:
            tell("the rules are fine")
    if _wrong(problems):
        raise typer.Exit(1)


@rules.command()
def explain(
    contact: Annotated[
        str | None, typer.Option(help="The contact by email or id; without one, an anonymous user.")
    ] = None,
    rules_file: RulesFile = None,
    installation: InstallationId = None,
    title: Annotated[str | None, typer.Option(help="The handoff's title.")] = None,
    description: Annotated[str | None, typer.Option(help="The handoff's description.")] = None,
    json_: Json = False,
) -> None:
    """Show which rule would count for a contact right now, and why the others would not."""
    settings = from_environment()
    configure_logging_from(settings)
    asked = Asked(title=title, description=description)
    told = asyncio.run(_explain(settings, rules_file, installation, contact, asked))
    tell(json.dumps(told.as_json(), default=str) if json_ else told.as_text())


@rules.command()
def drift(
    installation: Annotated[
        str, typer.Option("--installation", help="An installation of the database.")
    ],
    json_: Json = False,
) -> None:
    """Read the portal's fields again: show what changed since the last time, and what it breaks.

    The status is 1 when a rule, an outcome rule or a mapped property no longer fits the portal.
    """
    settings = from_environment()
    configure_logging_from(settings)
    found = asyncio.run(_drift(settings, installation))
    changes = [one.sentence() for one in found.changes]
    broken = [{"place": one.place, "message": one.message} for one in found.problems]
    if json_:
        tell(json.dumps({"changes": changes, "broken": broken}))
    else:
        lines = [f"changed: {one}" for one in changes]
        lines += [f"broken: {one['place']}: {one['message']}" for one in broken]
        tell("\n".join(lines or ["nothing changed, and everything fits"]))
    if broken:
        raise typer.Exit(1)


async def _drift(settings: Settings, installation_id: str) -> Upkeep:
    async with _place(settings, None, installation_id) as place:
        return await keep_up(place.services, place.installation)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the rules are for. `own_history`: whether our handoffs are in the database."""

    services: Services
    installation: Installation
    own_history: bool


@asynccontextmanager
async def _place(
    settings: Settings, rules_file: Path | None, installation_id: str | None
) -> AsyncGenerator[_Place]:
    """The installation of the database, or the one of the HUBSPOT_ variables."""
    from hubspot_hitl.house import open_house  # slow to import; `check --offline` needs none of it

    with tempfile.TemporaryDirectory() as folder:
        if installation_id is None:
            # Nothing of ours is needed: what the house wants to keep goes with the folder.
            settings = settings.model_copy(
                update={"data_dir": Path(folder), "database_url": f"sqlite:///{folder}/dry.db"}
            )
        async with open_house(settings, work=False) as house:
            services = house.services
            if installation_id is None:
                values = standalone_from_environment()
                for secret in secrets_of(values):
                    remember_secret(secret)
                found = standalone_installation(values)
            else:
                kept = await services.installations.get(installation_id)
                if kept is None:
                    raise CallerError(f"the database has no installation {installation_id!r}")
                found = kept
            if rules_file is not None or installation_id is None:
                text = _text(rules_file)
                changed = found.configuration.model_copy(update={"routing_rules": text})
                found = replace(found, configuration=changed)
            yield _Place(services, found, installation_id is not None)


async def _check(
    settings: Settings, rules_file: Path | None, installation_id: str | None
) -> tuple[Problem, ...]:
    async with _place(settings, rules_file, installation_id) as place:
        return await check_rules(place.services, place.installation)


async def _explain(
    settings: Settings,
    rules_file: Path | None,
    installation_id: str | None,
    contact: str | None,
    asked: Asked,
) -> Told:
    async with _place(settings, rules_file, installation_id) as place:
        return await explain_rules(
            place.services, place.installation, contact, asked, own_history=place.own_history
        )


def _text(rules_file: Path | None) -> str:
    if rules_file is None:
        _wrong_use("name a file with --rules, or an --installation")
    if str(rules_file) == "-":
        return sys.stdin.read()
    try:
        return rules_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(
            f"{str(rules_file)!r} cannot be read: {type(error).__name__}"
        ) from None


def _wrong_use(message: str) -> NoReturn:
    tell(message, err=True)
    raise typer.Exit(2)


def _wrong(problems: tuple[Problem, ...]) -> bool:
    return any(not one.warning for one in problems)
