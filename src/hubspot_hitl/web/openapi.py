"""The OpenAPI description of what machines may ask of this server.

Botpress's operations and HubSpot's webhooks are described by their vendors; here they appear with
their paths and answers only.
"""

from __future__ import annotations

from hubspot_hitl import __version__

Json = dict[str, object]


def description() -> Json:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hubspot-hitl",
            "version": __version__,
            "description": "Hands Botpress conversations to human agents in HubSpot.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def _paths() -> Json:
    down = {"503": _json("The database is away", "Problem")}
    problems = {
        "400": _json("The body is not an event", "Problem"),
        "401": _json("The signature is missing or wrong", "Problem"),
        **down,
    }
    return {
        "/livez": _get("Whether the process runs", {"200": _json("It does", "Alive")}),
        "/readyz": _get(
            "Whether deliveries can be accepted",
            {"200": _json("They can", "Ready"), "503": _json("They cannot", "NotReady")},
        ),
        "/health": _get(
            "Answers ok, for Botpress's probe", {"200": {"description": "The process runs"}}
        ),
        "/metrics": _get(
            "Prometheus metrics",
            {
                "200": {
                    "description": "Text format",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **down,
            },
        ),
        "/openapi.json": _get(
            "This description",
            {
                "200": {
                    "description": "OpenAPI 3.1",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
            },
        ),
        "/hubspot/webhooks/{webhook_id}": _post(
            "HubSpot's webhooks for one installation",
            {"200": {"description": "Written down"}, **problems,
             "404": _json("No such installation", "Problem")},
            [{"name": "webhook_id", "in": "path", "required": True, "schema": {"type": "string"}}],
        ),
        "/hubspot/webhooks": _post(
            "HubSpot's webhooks of an app that several installations share",
            {"200": {"description": "Written down"}, **problems},
        ),
    }  # fmt: skip


def _get(summary: str, responses: Json) -> Json:
    return {"get": {"summary": summary, "responses": responses}}


def _post(summary: str, responses: Json, parameters: list[Json] | None = None) -> Json:
    operation: Json = {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": ["array", "object"]}}},
        },
        "responses": responses,
    }
    return {"post": operation | ({"parameters": parameters} if parameters else {})}


def _json(text: str, schema: str) -> Json:
    kind = "application/problem+json" if schema == "Problem" else "application/json"
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": text, "content": {kind: {"schema": reference}}}


def _schemas() -> Json:
    count: Json = {"type": "integer", "minimum": 0}
    return {
        "Alive": _object({"alive": {"const": True}}),
        "Ready": _object(
            {"ready": {"const": True}, "waiting": count, "dead": count, "oldest_waiting_ms": count}
        ),
        "NotReady": _object({"ready": {"const": False}, "reason": {"type": "string"}}),
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "required": ["type", "title", "status", "error"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "error": {"type": "string", "description": "The error's stable code"},
            },
        },
    }


def _object(properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}
