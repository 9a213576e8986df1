"""What every page begins with."""

NOTE = "Written by `scripts/build_reference.py`; do not edit by hand."


def shown(value: str) -> str:
    """A default as the environment and JSON write it."""
    return value.lower() if value in {"True", "False"} else value
