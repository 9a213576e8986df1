"""Write what is derived from the settings: docs/reference/settings.md and .env.example."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path

from hubspot_hitl.environment import is_secret
from hubspot_hitl.settings import ALIASES, Settings, StandaloneSettings, describe

ROOT = Path(__file__).parents[1]
SECTIONS = (
    (Settings, "The process"),
    (StandaloneSettings, "One HubSpot installation, for the scripts and for running stand-alone"),
)


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "Written by `scripts/build_reference.py`; do not edit by hand.",
        "",
        "Order of strength: the environment, then the file `.env` in the working directory, then",
        "the default. An empty value counts as unset. What is marked *secret* can also come from",
        "a file: append `_FILE` to its name and give the path. `hubspot-hitl config` prints every",
        "value with its source, secrets masked. A value that cannot work stops the start with a",
        "message that names the variable, exit status 2.",
    ]
    for model, title in SECTIONS:
        lines += ["", f"## {title}", "", "| variable | default | meaning |", "|---|---|---|"]
        fields = list(model.model_fields.values())
        for row, field in zip(describe(model()), fields, strict=True):
            aliases = "".join(f", `{name}`" for name in ALIASES.get(row.name, ()))
            default = f"`{_value(row.value)}`" if row.value else ""
            secret = " *Secret.*" if is_secret(field) else ""
            lines.append(f"| `{row.name}`{aliases} | {default} | {row.description}{secret} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """.env.example: every variable, commented out, at its default."""
    lines = [
        "# Copy to .env and uncomment what you change. The environment is stronger than this file.",
        "# A secret can also come from a file: HITL_CONSOLE_TOKEN_FILE=/run/secrets/console.",
    ]
    for model, title in SECTIONS:
        lines += ["", f"# --- {title}"]
        for row in describe(model()):
            lines += ["", *(f"# {line}" for line in textwrap.wrap(row.description, 96))]
            lines.append(f"#{row.name}={_value(row.value)}")
    return "\n".join(lines) + "\n"


def _value(value: str) -> str:
    return value.lower() if value in {"True", "False"} else value


def outputs() -> dict[Path, str]:
    """Every file this script writes."""
    return {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / ".env.example": env_example(),
    }


def main() -> None:
    """Write the files."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for path, text in outputs().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
