"""docs/reference/settings.md and .env.example."""

from __future__ import annotations

import textwrap

from pydantic.fields import FieldInfo
from scripts.reference.note import NOTE, limits, shown

from hubspot_hitl.settings import ALIASES, GROUPS, Settings, StandaloneSettings
from hubspot_hitl.settings.environment import SettingRow, describe, is_secret

UNITS = {"_S": "s", "_MS": "ms", "_DAYS": "days", "_MINUTES": "min", "_BYTES": "bytes"}
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
        "The environment wins over the file `.env` in the working directory, and that over the",
        "default. An empty value counts as unset. A *secret*, and `HITL_DATABASE_URL`, can come",
        "from a file instead: append `_FILE` to the name and give the path. `hubspot-hitl config`",
        "prints every value and its source, with secrets masked. With a value that cannot work the",
        "server does not start: the message names the variable, and the exit status is 2.",
        "",
        "What a bot owner sets for one installation is in [configuration.md](configuration.md).",
    ]
    for title, settings in _sections():
        lines += ["", f"## {title}", "", "| variable | default | meaning |", "|---|---|---|"]
        for row, field in settings:
            aliases = "".join(f", `{name}`" for name in ALIASES.get(row.name, ()))
            secret = " *Secret.*" if is_secret(field) else ""
            meaning = f"{row.description}{limits(field)}{secret}"
            lines.append(f"| `{row.name}`{aliases} | {_default(row)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _default(row: SettingRow) -> str:
    """The default with its unit, which the end of the name tells."""
    if not row.value:
        return ""
    unit = UNITS.get(row.name[row.name.rindex("_") :], "")
    return f"`{shown(row.value)}` {unit}".rstrip()


def env_example() -> str:
    """.env.example: every variable, commented out, at its default."""
    lines = [
        "# Copy to .env and uncomment what you change. The environment wins over this file.",
        "# A secret can also come from a file: HITL_CONSOLE_TOKEN_FILE=/run/secrets/console.",
    ]
    for title, settings in _sections():
        lines += ["", f"# --- {title}"]
        for row, _ in settings:
            lines += ["", *(f"# {line}" for line in textwrap.wrap(row.description, 96))]
            lines.append(f"#{row.name}={shown(row.value)}")
    return "\n".join(lines) + "\n"
