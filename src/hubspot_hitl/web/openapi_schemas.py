"""The schemas of the answers in the OpenAPI description."""

from __future__ import annotations

Json = dict[str, object]

_TEXT: Json = {"type": "string"}
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 100}
_TEXT_OR_NULL: Json = {"type": ["string", "null"]}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_FLAG: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}


def _object(properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


_PROBES: Json = {
    "Alive": _object({"alive": {"const": True}}),
    "Ready": _object(
        {
            "ready": {"const": True},
            "waiting": _COUNT,
            "dead": _COUNT,
            "oldest_waiting_ms": _COUNT,
            "warnings": _TEXTS,
        }
    ),
    "NotReady": _object({"ready": {"const": False}, "reason": _TEXT}),
}
_CONNECTIONS: Json = {
    "Connection": _object(
        {
            "installation": _TEXT,
            "connected": _FLAG,
            "username": _TEXT,
            "portalName": _TEXT,
            "connectionName": _TEXT,
            "authMethod": _TEXT_OR_NULL,
            "scopes": _TEXTS,
            "missingScopes": _TEXTS,
            "connectedAt": _TEXT_OR_NULL,
            "tokenRefreshedAt": _TEXT_OR_NULL,
            "tokenExpiresAt": _TEXT_OR_NULL,
            "problem": _TEXT_OR_NULL,
            "cure": _TEXT_OR_NULL,
        }
    ),
    "Connected": _object({"status": {"const": "CONNECTED"}, "portalId": _TEXT, "scopes": _TEXTS}),
    "Disconnected": _object({"disconnected": {"const": True}}),
    "Envelope": _object(
        {
            "result": _FLAG,
            "errors": {"type": "array", "items": _object({"code": _TEXT, "message": _TEXT})},
        }
    ),
}
_WIDGET: Json = {
    "Registration": {
        "type": "object",
        "required": ["firstName", "lastName", "email"],
        "properties": {
            "firstName": _NAME,
            "lastName": _NAME,
            "email": {"type": "string", "minLength": 3, "maxLength": 320},
            "installation": {
                "type": ["string", "null"],
                "description": "The webhook id in Botpress; needed where there are several",
            },
        },
    },
    "Registered": _object(
        {
            "customerId": _TEXT,
            "customerToken": _TEXT_OR_NULL,
            "channelId": _TEXT,
            "apiKey": _TEXT,
        }
    ),
    "Refused": _object({"error": _TEXT}),
}
_PROBLEM: Json = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "error"],
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "error": {"type": "string", "description": "The error's stable code"},
        },
    },
}

SCHEMAS: Json = {**_PROBES, **_CONNECTIONS, **_WIDGET, **_PROBLEM}
"""Name -> JSON Schema."""
