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

from hubspot_hitl.cli.channels import standalone_installation
from hubspot_hitl.crm.conditions import Problem
from hubspot_hitl.crm.contact_link import ContactLink
from hubspot_hitl.crm.fields import fields_of
from hubspot_hitl.crm.routing import Asked, Verdict, facts_of, judge
from hubspot_hitl.crm.rule_checks import TYPES, check_facts, check_inboxes
from hubspot_hitl.crm.rules import Rules, Then, read_rules, rules_of
from hubspot_hitl.errors import BadConfiguration, CallerError, VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.logs import configure_logging_from
from hubspot_hitl.ports.crm import CrmType, FieldSnapshot
from hubspot_hitl.ports.services import Services
from hubspot_hitl.redaction import remember_secret
from hubspot_hitl.settings import (
    Settings,
    from_environment,
    secrets_of,
    standalone_from_environment,
)

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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@rules.command()
def check(
    rules_file: RulesFile = None,
    installation: InstallationId = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask HubSpot.")] = False,
    json_: Json = False,
) -> None:
    """Tell everything that is wrong with routing rules, with its place; then the status is 1.

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
        typer.echo(json.dumps({"ok": not _wrong(problems), "problems": shown}))
    else:
        for one in problems:
            typer.echo(f"{'warning' if one.warning else 'error'}: {one.place}: {one.message}")
        if not problems:
            typer.echo("the rules are fine")
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
    """Hold every rule against a contact as of now, and say which one counts and why."""
    settings = from_environment()
    configure_logging_from(settings)
    asked = Asked(title=title, description=description)
    told = asyncio.run(_explain(settings, rules_file, installation, contact, asked))
    typer.echo(json.dumps(told.as_json(), default=str) if json_ else told.as_text())


@dataclass(frozen=True, slots=True)
class Told:
    """What became of each rule."""

    verdicts: tuple[Verdict, ...]
    facts: dict[str, object]
    unknown: dict[str, str]

    @property
    def chosen(self) -> Verdict | None:
        """The first rule that fits."""
        return next((one for one in self.verdicts if one.fits), None)

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        chosen = self.chosen
        return {
            "rule": chosen.rule.name if chosen else None,
            "then": chosen.rule.then.model_dump(mode="json", exclude_defaults=True)
            if chosen
            else None,
            "rules": [
                {"name": one.rule.name, "fits": one.fits, "reasons": list(one.reasons)}
                for one in self.verdicts
            ],
            "facts": self.facts,
            "unknown": self.unknown,
        }

    def as_text(self) -> str:
        """For a person."""
        lines = [
            f"{number}. {one.rule.name}: "
            + ("fits" if one.fits else f"no: {'; '.join(one.reasons)}")
            for number, one in enumerate(self.verdicts, start=1)
        ]
        chosen = self.chosen
        if chosen is None:
            return "\n".join([*lines, "no rule counts: the default inbox, nobody assigned"])
        return "\n".join([*lines, f"{chosen.rule.name!r} counts: {outcome(chosen.rule.then)}"])


def outcome(then: Then) -> str:
    """What a rule does, in a line."""
    shown = then.model_dump(mode="json", exclude_defaults=True)
    parts = [
        f"{name} {json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in shown.items()
    ]
    return ", ".join(parts) or "nothing"


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
    from hubspot_hitl.app import open_house  # slow to import; `check --offline` needs none of it

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
        configuration = place.installation.configuration
        found, problems = read_rules(configuration.routing_rules)
        try:
            inboxes = configuration.inbox_ids
        except ValueError:
            inboxes = ()
        wrong = check_inboxes(found, inboxes) if inboxes else []
        snapshots, unread = await _snapshots(place, found)
        return (*problems, *wrong, *check_facts(found, snapshots), *unread)


async def _snapshots(
    place: _Place, found: Rules
) -> tuple[dict[CrmType, FieldSnapshot], list[Problem]]:
    snapshots: dict[CrmType, FieldSnapshot] = {}
    unread: list[Problem] = []
    for root, type_ in TYPES.items():
        if not found.names(root):
            continue
        try:
            snapshots[type_] = await fields_of(place.services, place.installation, type_)
        except VendorError as error:
            unread.append(Problem(root, f"could not be checked: {error.message}", warning=True))
    return snapshots, unread


async def _explain(
    settings: Settings,
    rules_file: Path | None,
    installation_id: str | None,
    contact: str | None,
    asked: Asked,
) -> Told:
    async with _place(settings, rules_file, installation_id) as place:
        found = rules_of(place.installation.configuration.routing_rules)
        link = ContactLink()
        if contact is not None:
            link = ContactLink(await _contact_id(place, contact.strip()))
            asked = replace(asked, contact=link, email=contact if "@" in contact else None)
        facts = facts_of(place.services, place.installation, found, asked)
        if not place.own_history:
            facts.skip("queue", "no database: name an --installation")
        verdicts: list[Verdict] = []
        await judge(found, facts, verdicts, stop=False)
        return Told(tuple(verdicts), facts.known, facts.unknown)


async def _contact_id(place: _Place, contact: str) -> str:
    found = await place.services.crm.of(place.installation).get(
        CrmType.CONTACT, contact, by="email" if "@" in contact else None
    )
    if found is None:
        raise CallerError(f"HubSpot has no contact {contact!r}")
    return found.id


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
    typer.echo(message, err=True)
    raise typer.Exit(2)


def _wrong(problems: tuple[Problem, ...]) -> bool:
    return any(not one.warning for one in problems)
