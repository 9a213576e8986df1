"""What the bot owner reads when HubSpot refused a value: the field, the rule, the way out.

HubSpot is asked first and its fields are looked up only after a refusal: a check of our own before
the call would refuse what was added to the portal a minute ago.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from hubspot_hitl.crm.fields import by_name, fields_of
from hubspot_hitl.errors import ActionRefused, VendorError
from hubspot_hitl.integration.installation import Installation
from hubspot_hitl.ports.crm_records import CrmType, FieldProblem, FieldsRefused, Property
from hubspot_hitl.ports.services import Services

MAX_OPTIONS: Final = 20
_UNKNOWN: Final = frozenset({"PROPERTY_DOESNT_EXIST"})
_OPTION: Final = frozenset({"INVALID_OPTION"})


async def explained(
    services: Services, installation: Installation, type_: CrmType, error: VendorError
) -> ActionRefused:
    """The refusal to raise in place of `error`; never fails itself."""
    if not isinstance(error, FieldsRefused):
        return ActionRefused(error.message)
    try:
        fields = by_name(await fields_of(services, installation, type_))
    except VendorError:
        return ActionRefused(error.message)
    cures = [_cure(type_, one, fields.get(one.name), tuple(fields)) for one in error.problems]
    return ActionRefused(" ".join([error.message + ".", *(cure for cure in cures if cure)]))


def _cure(
    type_: CrmType, problem: FieldProblem, known: Property | None, names: tuple[str, ...]
) -> str:
    if problem.rule in _UNKNOWN or known is None:
        near = get_close_matches(problem.name, names, n=3, cutoff=0.7)
        if not near:
            return "discoverFields lists the properties there are." if names else ""
        return f"Did you mean {' or '.join(map(repr, near))}?"
    if problem.rule in _OPTION and known.options:
        values = [one.value for one in known.options if not one.hidden]
        more = f" and {len(values) - MAX_OPTIONS} more" if len(values) > MAX_OPTIONS else ""
        shown = ", ".join(map(repr, values[:MAX_OPTIONS]))
        return f"{problem.name!r} takes {shown}{more}."
    if not known.writable:
        return f"Leave {problem.name!r} out: HubSpot sets it."
    return f"{known.label!r} of a {type_.one} holds a {known.type}."
