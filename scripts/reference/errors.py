"""docs/reference/errors.md."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

from scripts.reference.note import NOTE

import hubspot_hitl
from hubspot_hitl.errors import CallerError, HitlError, ServiceError, VendorError

_SKIPPED = ("hubspot_hitl.twins", "hubspot_hitl.store.env", "hubspot_hitl.store.versions")
_BRANCHES: tuple[tuple[type[HitlError], str], ...] = (
    (CallerError, "The caller must change something"),
    (VendorError, "HubSpot or Botpress must act, or we must wait"),
    (ServiceError, "The operator of this service must act"),
)


def errors_page() -> str:
    """docs/reference/errors.md."""
    lines = [
        "# Errors",
        "",
        NOTE,
        "",
        "The code is stable: it stands in logs (`error_code`), in problem+json answers (`error`),",
        "in `--json` output and in the dead letters. [Troubleshooting](../troubleshooting.md) says",
        "what to do about each.",
    ]
    for branch, title in _BRANCHES:
        lines += [
            "",
            f"## {title}",
            "",
            "| code | error | retry helps | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_error(one) for one in error_classes() if issubclass(one, branch)]
    return "\n".join(lines) + "\n"


def _error(error: type[HitlError]) -> str:
    meaning = inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    meaning = re.sub(r":class:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", meaning)
    helps = "yes" if error.retryable else "no"
    return f"| `{error.code}` | `{error.__name__}` | {helps} | {meaning} |"


def error_classes() -> list[type[HitlError]]:
    """Every error of this project that has a code of its own, in the order of the codes."""
    for module in pkgutil.walk_packages(hubspot_hitl.__path__, "hubspot_hitl."):
        if not module.name.startswith(_SKIPPED):
            import_module(module.name)
    found = {one for one in _below(HitlError) if "code" in vars(one)}
    return sorted(found, key=lambda one: one.code)


def _below(parent: type[HitlError]) -> Iterator[type[HitlError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("hubspot_hitl."):
            yield child
        yield from _below(child)
