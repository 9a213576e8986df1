"""What every page begins with, and how values are written."""

from __future__ import annotations

from pydantic.fields import FieldInfo

NOTE = "Written by `scripts/build_reference.py`; do not edit by hand."


def shown(value: str) -> str:
    """A default as the environment and JSON write it."""
    return value.lower() if value in {"True", "False"} else value


def limits(field: FieldInfo) -> str:
    """A sentence on the bounds of a number; nothing for a field that has none."""
    least, most = (
        next((getattr(one, name) for one in field.metadata if hasattr(one, name)), None)
        for name in ("ge", "le")
    )
    if most is not None:
        return f" At most {most:,}." if least is None else f" From {least:,} to {most:,}."
    return "" if least is None else f" At least {least:,}."
