"""What changed in a portal's fields between two looks. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot, Property


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that changed: `what` is added, removed, type, options, read-only or label."""

    type: CrmType
    name: str
    what: str
    detail: str = ""

    def sentence(self) -> str:
        """For a person.

        >>> FieldChange(CrmType.DEAL, "tier", "removed").sentence()
        "deal property 'tier' was removed"
        """
        place = f"{self.type.one} property {self.name!r}"
        match self.what:
            case "added" | "removed":
                return f"{place} was {self.what}"
            case _:
                return f"{place}: {self.what} changed ({self.detail})"


def drift(before: FieldSnapshot, after: FieldSnapshot) -> tuple[FieldChange, ...]:
    """The differences, by name; none when nothing that matters changed."""
    old = {one.name: one for one in before.properties}
    new = {one.name: one for one in after.properties}
    found: list[FieldChange] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(FieldChange(after.type, name, "removed"))
        elif name not in old:
            found.append(FieldChange(after.type, name, "added", new[name].type))
        else:
            found += _changes(after.type, old[name], new[name])
    return tuple(found)


def _changes(type_: CrmType, old: Property, new: Property) -> list[FieldChange]:
    found: list[FieldChange] = []
    kinds = (f"{old.type}/{old.field_type}", f"{new.type}/{new.field_type}")
    if kinds[0] != kinds[1]:
        found.append(FieldChange(type_, new.name, "type", f"{kinds[0]} -> {kinds[1]}"))
    if old.writable != new.writable:
        words = {True: "writable", False: "read-only"}
        found.append(
            FieldChange(
                type_, new.name, "read-only", f"{words[old.writable]} -> {words[new.writable]}"
            )
        )
    gone = sorted({o.value for o in old.options} - {o.value for o in new.options})
    fresh = sorted({o.value for o in new.options} - {o.value for o in old.options})
    if gone or fresh:
        told = [f"gone: {', '.join(gone)}"] if gone else []
        told += [f"new: {', '.join(fresh)}"] if fresh else []
        found.append(FieldChange(type_, new.name, "options", "; ".join(told)))
    if old.label != new.label:
        found.append(FieldChange(type_, new.name, "label", f"{old.label!r} -> {new.label!r}"))
    return found
