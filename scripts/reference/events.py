"""docs/reference/events.md."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import cast

from scripts.reference.note import NOTE

from hubspot_hitl.dispatch import DELIVERY_HANDLERS
from hubspot_hitl.hubspot import wire
from hubspot_hitl.integration.events import EVENTS
from hubspot_hitl.integration.schema import json_schema

_SUBSCRIPTIONS: Mapping[type[object], str] = {
    wire.OutgoingMessage: "the custom channel's webhook",
    wire.ChannelAccountChanged: "the custom channel's webhook",
    wire.ThreadPropertyChanged: "the app's subscription",
    wire.ThreadNewMessage: "the app's subscription",
    wire.ThreadCreated: "the app's subscription",
    wire.ThreadDeleted: "the app's subscription",
    wire.ContactErased: "the app's subscription",
}


def events_page() -> str:
    """docs/reference/events.md."""
    lines = [
        "# Events",
        "",
        NOTE,
        "",
        "## What the bot is told",
        "",
        "Events of the HITL interface, and one of ours. Other systems are told through",
        "[`eventsWebhook`](../how-to/events-webhook.md).",
        "",
        "| event | field | meaning |",
        "|---|---|---|",
    ]
    for name, spec in EVENTS.items():
        lines.append(f"| `{name}` | | {spec.description} |")
        lines += [f"| {row}" for row in _event_rows(json_schema(spec.payload))]
    lines += ["", "## What HubSpot tells", "", "| event | comes by | what it is |", "|---|---|---|"]
    for kind, (type_, _) in wire.EVENT_TYPES.items():
        lines.append(f"| `{kind}` | {_SUBSCRIPTIONS[type_]} | {_first_words(type_)} |")
    lines += [
        "",
        "## Kinds of delivery",
        "",
        "Each event and message becomes deliveries in the ledger. Their `kind` stands in the",
        "console, in `hubspot-hitl deliveries`, in logs and in the metrics' label `kind`.",
        "",
        "| kind | what its handler does |",
        "|---|---|",
    ]
    for kind, handler in sorted(DELIVERY_HANDLERS.items()):
        lines.append(f"| `{kind}` | {_first_words(handler)} |")
    return "\n".join(lines) + "\n"


def _event_rows(schema: Mapping[str, object]) -> Iterator[str]:
    for name, field in cast("dict[str, dict[str, object]]", schema["properties"]).items():
        yield f"| `{name}` | {field.get('description', '')} |"


def _first_words(thing: object) -> str:
    words = inspect.cleandoc(getattr(thing, "__doc__", None) or "").split("\n\n")[0]
    return words.replace("\n", " ").replace("|", "\\|")
