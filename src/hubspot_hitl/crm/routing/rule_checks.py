"""Routing rules against the portal they are for: fields, options, types, inboxes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from hubspot_hitl.crm.drift import FieldChange
from hubspot_hitl.crm.fields import by_name
from hubspot_hitl.crm.routing.conditions import (
    DAYS,
    MOMENTS,
    NUMBERS,
    ROOTS,
    Mention,
    Problem,
    mentions,
)
from hubspot_hitl.crm.routing.hours import DAYS as DAY_NAMES
from hubspot_hitl.crm.routing.rules import Rules
from hubspot_hitl.crm.values import MANY
from hubspot_hitl.handoff.texts import TextKey
from hubspot_hitl.json_values import is_list, is_number
from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Option, Property

TYPES: Final = MappingProxyType(
    {"contact": CrmType.CONTACT, "company": CrmType.COMPANY, "deals": CrmType.DEAL}
)


def _own(name: str, type_: str, *values: str, many: bool = False) -> Property:
    options = tuple(Option(value, value) for value in values)
    return Property(name, name, type_, "checkbox" if many else "", options=options)


def _facts(*found: Property) -> Mapping[str, Property]:
    return MappingProxyType({one.name: one for one in found})


OWN_FACTS: Final[Mapping[str, Mapping[str, Property]]] = MappingProxyType(
    {
        "handoff": _facts(
            *(_own(name, "string") for name in ("title", "description", "subject", "reason")),
            *(
                _own(name, "string")
                for name in ("intent", "sentiment", "language", "pageUrl", "inbox")
            ),
            _own("priority", "enumeration", "low", "medium", "high", "urgent"),
            _own("hasEmail", "bool"),
            _own("hasPhone", "bool"),
        ),
        "clock": _facts(
            _own("now", "datetime"),
            _own("date", "date"),
            _own("time", "string"),
            _own("hour", "number"),
            _own("weekday", "enumeration", *DAY_NAMES),
            _own("open", "bool"),
            _own("openInboxes", "enumeration", many=True),
            _own("holiday", "bool"),
        ),
        "queue": _facts(
            *(_own(name, "number") for name in ("waiting", "open", "waitMinutes")),
            _own("minutesSinceAgentReply", "number"),
            _own("agentPresence", "enumeration", "unknown"),
        ),
    }
)
"""The facts that are ours, with their types; those of the CRM are the portal's properties."""
MOST_HOUR: Final = 23


def check_inboxes(rules: Rules, inboxes: Collection[str]) -> list[Problem]:
    """Rules that choose an inbox which is not connected, or a text that nobody says."""
    found: list[Problem] = []
    keys = {key.value for key in TextKey}
    for rule in rules.rules:
        if rule.then.inbox and rule.then.inbox not in inboxes:
            known = ", ".join(inboxes) or "none"
            message = f"inbox {rule.then.inbox!r} is not connected (Inbox ID names: {known})"
            found.append(Problem(f"{rule.place}.then.inbox", message))
        for key in rule.then.texts:
            if key.partition(".")[0] not in keys:
                near = _near(key, keys)
                found.append(Problem(f"{rule.place}.then.texts.{key}", f"there is no text{near}"))
    return found


def check_facts(rules: Rules, snapshots: Mapping[CrmType, FieldSnapshot]) -> list[Problem]:
    """Facts that do not exist, values that no property can have, comparisons that cannot be made.

    Types whose fields could not be read are left out.
    """
    found: list[Problem] = []
    for rule in rules.rules:
        for mention in mentions(rule.schema, f"{rule.place}.when", short=rule.short):
            own = OWN_FACTS.get(mention.root)
            if own is not None:
                if mention.name not in own:
                    near = _near(mention.name, own)
                    message = f"{mention.root} has no fact {mention.name!r}{near}"
                    found.append(Problem(mention.place, message))
                found += _against(mention, own) if mention.name in own else ()
                continue
            if mention.root not in TYPES:
                message = f"there are no such facts; the facts are {', '.join(ROOTS)}"
                found.append(Problem(mention.place, message))
                continue
            snapshot = snapshots.get(TYPES[mention.root])
            if snapshot is not None:
                found += _against(mention, by_name(snapshot))
    return list(dict.fromkeys(found))


def broken_by(rules: Rules, changes: Collection[FieldChange]) -> list[Problem]:
    """The rules that look at a field that is gone or changed its kind."""
    found: list[Problem] = []
    for change in changes:
        if change.what in ("added", "label", "read-only"):
            continue
        for rule in rules.rules:
            root = next((r for r, t in TYPES.items() if t is change.type), None)
            if root is not None and (root, change.name) in rule.needs:
                gone = change.what == "removed" or "gone:" in change.detail
                found.append(
                    Problem(
                        f"{rule.place}.when",
                        f"rule {rule.name!r}: {change.sentence()}",
                        warning=not gone,
                    )
                )
    return found


def _against(mention: Mention, fields: Mapping[str, Property]) -> Iterator[Problem]:
    field = fields.get(mention.name)
    if field is None:
        near = _near(mention.name, fields)
        yield Problem(mention.place, f"{mention.root} has no property {mention.name!r}{near}")
        return
    schema = mention.schema
    if NUMBERS & schema.keys() and field.type != "number":
        yield Problem(mention.place, f"{mention.name!r} is no number but a {field.type}")
    if (DAYS | MOMENTS) & schema.keys() and field.type not in ("date", "datetime"):
        yield Problem(mention.place, f"{mention.name!r} is no date but a {field.type}")
    listed = schema.get("enum")
    values = list(listed) if is_list(listed) else []
    values += [schema["const"]] if "const" in schema else []
    if field.type == "number":
        values += [schema[key] for key in ("minimum", "maximum") if key in schema]
    if field.field_type in MANY and values and not mention.member:
        yield Problem(mention.place, f"{mention.name!r} is a list of choices; use 'contains'")
        return
    for value in values:
        message = _impossible(field, value)
        if message:
            yield Problem(mention.place, message)


def _impossible(field: Property, value: object) -> str | None:
    if field == OWN_FACTS["clock"]["hour"] and is_number(value) and not 0 <= value <= MOST_HOUR:
        return f"{field.name!r} is a number from 0 to {MOST_HOUR}"
    match field.type:
        case "number" if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{field.name!r} is a number; write it without quotation marks"
        case "bool" if not isinstance(value, bool):
            return f"{field.name!r} is true or false; write it without quotation marks"
        case "enumeration" if field.options and not field.external_options:
            allowed = [option.value for option in field.options]
            if value not in allowed:
                shown = ", ".join(map(repr, allowed[:20]))
                return f"{field.name!r} never has this value; it takes {shown}"
        case _:
            pass
    return None


def _near(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
