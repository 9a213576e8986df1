"""docs/reference/settings.md and .env.example."""

from __future__ import annotations

import textwrap

from pydantic.fields import FieldInfo
from scripts.reference.note import NOTE, shown

from hubspot_hitl.settings import ALIASES, GROUPS, Settings, StandaloneSettings
from hubspot_hitl.settings.environment import SettingRow, describe, is_secret

STANDALONE = "One HubSpot installation, for the scripts and for running stand-alone"


def _sections() -> list[tuple[str, list[tuple[SettingRow, FieldInfo]]]]:
    """Every heading with its settings."""
    rows = dict(zip(Settings.model_fields, describe(Settings()), strict=True))
    sections = [
        (
            (group.__doc__ or "").rstrip("."),
            [(rows[name], field) for name, field in group.model_fields.items()],
        )
        for group in GROUPS
    ]
    fields = StandaloneSettings.model_fields.values()
    alone = list(zip(describe(StandaloneSettings()), fields, strict=True))
    return [*sections, (STANDALONE, alone)]


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "Order of strength: the environment, then the file `.env` in the working directory, then",
        "the default. An empty value counts as unset. What is marked *secret* can also come from",
        "a file: append `_FILE` to its name and give the path; so can `HITL_DATABASE_URL`.",
        "`hubspot-hitl config` prints every value with its source, secrets masked. A value that",
        "cannot work stops the start with a message that names the variable, exit status 2.",
    ]
    for title, settings in _sections():
        lines += ["", f"## {title}", "", "| variable | default | meaning |", "|---|---|---|"]
        for row, field in settings:
            aliases = "".join(f", `{name}`" for name in ALIASES.get(row.name, ()))
            default = f"`{shown(row.value)}`" if row.value else ""
            secret = " *Secret.*" if is_secret(field) else ""
            lines.append(f"| `{row.name}`{aliases} | {default} | {row.description}{secret} |")
    return "\n".join(lines) + "\n"


def env_example() -> str:
    """.env.example: every variable, commented out, at its default."""
    lines = [
        "# Copy to .env and uncomment what you change. The environment is stronger than this file.",
        "# A secret can also come from a file: HITL_CONSOLE_TOKEN_FILE=/run/secrets/console.",
    ]
    for title, settings in _sections():
        lines += ["", f"# --- {title}"]
        for row, _ in settings:
            lines += ["", *(f"# {line}" for line in textwrap.wrap(row.description, 96))]
            lines.append(f"#{row.name}={shown(row.value)}")
    return "\n".join(lines) + "\n"
