"""docs/reference/http.md."""

from __future__ import annotations

import inspect
import re
from typing import cast

from scripts.reference.note import NOTE

from hubspot_hitl.web.routes import ROUTES


def http_page() -> str:
    """docs/reference/http.md."""
    lines = [
        "# HTTP API",
        "",
        NOTE,
        "",
        "Every route of the server, from its one list in `src/hubspot_hitl/web/routes.py`. What",
        "machines may ask is described in OpenAPI 3.1 at `/openapi.json`. Errors are problem+json",
        "(RFC 9457) with a code in `error`: [errors.md](errors.md). Who may call what, and how",
        "they prove it: [threat model](../security/threat-model.md#routes).",
        "",
        "| method | path | what it does |",
        "|---|---|---|",
    ]
    for route in ROUTES:
        method = "any" if route.method == "*" else route.method
        handler = cast("object", route.handler)
        words = inspect.cleandoc(getattr(handler, "__doc__", None) or "").split("\n\n")[0]
        words = words.replace("\n", " ").replace("|", "\\|") or (
            "A page of the console." if method == "GET" else "An action of the console."
        )
        path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        lines.append(f"| {method} | `{path}` | {words} |")
    return "\n".join(lines) + "\n"
