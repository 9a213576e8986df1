"""What is derived from the code: the pages of docs/reference, and .env.example."""

from __future__ import annotations

from pathlib import Path

from scripts.reference.actions import actions_page
from scripts.reference.commands import commands_page
from scripts.reference.configuration import configuration_page
from scripts.reference.errors import errors_page
from scripts.reference.events import events_page
from scripts.reference.http import http_page
from scripts.reference.metrics import metrics_page
from scripts.reference.routing import routing_page
from scripts.reference.settings import env_example, settings_page
from scripts.reference.texts import texts_page

ROOT = Path(__file__).parents[2]


def outputs() -> dict[Path, str]:
    """Every file and what belongs into it."""
    pages = ROOT / "docs" / "reference"
    return {
        pages / "settings.md": settings_page(),
        pages / "actions.md": actions_page(),
        pages / "commands.md": commands_page(),
        pages / "configuration.md": configuration_page(),
        pages / "errors.md": errors_page(),
        pages / "events.md": events_page(),
        pages / "http.md": http_page(),
        pages / "metrics.md": metrics_page(),
        pages / "routing.md": routing_page(),
        pages / "texts.md": texts_page(),
        ROOT / ".env.example": env_example(),
    }
