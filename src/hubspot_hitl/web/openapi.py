"""The OpenAPI description of what machines may ask of this server.

Botpress's operations and HubSpot's webhooks are described by their vendors; here they appear with
their paths and answers only. The console is for people and is left out, but for its figures.
"""

from __future__ import annotations

from hubspot_hitl import __version__
from hubspot_hitl.web.openapi_schemas import SCHEMAS

Json = dict[str, object]

BEARER = "consoleToken"
WIDGET = "registrationsToken"
_INSTALLATION: Json = {"type": "string", "description": "The webhook id in Botpress"}


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
        "paths": {
            **_machines(),
            **_vendors(),
            **_consent(),
            **_connections(),
            **_platform(),
            **_widget(),
        },
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "HITL_CONSOLE_TOKEN; the header x-api-key serves as well",
                },
                WIDGET: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "HITL_REGISTRATIONS_TOKEN",
                },
            },
        },
    }


def _machines() -> Json:
    text: Json = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/livez": _get("Whether the process runs", {"200": _json("It does", "Alive")}),
        "/readyz": _get(
            "Whether deliveries can be accepted",
            {"200": _json("They can", "Ready"), "503": _json("They cannot", "NotReady")},
        ),
        "/health": _get(
            "Answers ok, for Botpress's probe", {"200": {"description": "It runs", **text}}
        ),
        "/metrics": _get(
            "Prometheus metrics",
            {"200": {"description": "Text format", **text}, **_problems("503")},
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
    }


def _vendors() -> Json:
    taken: Json = {"200": {"description": "Written down"}}
    event: Json = {"type": ["array", "object"]}
    operation = _post(
        "An operation of Botpress: its headers say which",
        {
            "200": {"description": "The operation's own answer"},
            "400": {"description": "Refused, in Botpress's own shape"},
            "401": {"description": "The signature is missing or wrong"},
            "404": {"description": "The path secret is missing"},
            "500": {"description": "A fault of ours, in Botpress's own shape"},
        },
        {"type": "object"},
    )
    return {
        "/botpress": operation,
        "/botpress/{path_secret}": operation | {"parameters": [_in_path("path_secret")]},
        "/hubspot/webhooks/{webhook_id}": _post(
            "HubSpot's webhooks for one installation",
            {**taken, **_problems("400", "401", "404", "413", "503")},
            event,
        )
        | {"parameters": [_in_path("webhook_id")]},
        "/hubspot/webhooks": _post(
            "HubSpot's webhooks of an app that several installations share",
            {**taken, **_problems("400", "401", "404", "413", "503")},
            event,
        ),
    }


def _consent() -> Json:
    return {
        "/oauth/hubspot/connect": _get(
            "Send the browser to HubSpot's consent page",
            {
                "302": {"description": "HubSpot's consent page"},
                **{
                    status: {"description": f"A page: {_WHAT[status].lower()}"}
                    for status in ("400", "401", "404", "502")
                },
                **_problems("503"),
            },
            [
                *_WHICH,
                _in_query("redirectUrl"),
                _in_query("authMethod", {"enum": ["own", "wiro"]}),
            ],
            BEARER,
        ),
        "/oauth/hubspot/callback": _get(
            "Where HubSpot sends the browser back to",
            {
                "200": {"description": "A page for the person"},
                "302": {"description": "Back to whoever asked for the connection"},
                "400": {"description": "A page that says what is wrong"},
                "502": {"description": "A page that says that HubSpot failed"},
            },
            [_in_query("code"), _in_query("state"), _in_query("error")],
        ),
    }


def _connections() -> Json:
    which: Json = {"installation": _INSTALLATION}
    problems = _problems("400", "401", "404", "502", "503")
    stands = {"200": _json("How it stands", "Connection"), **problems}
    status = _post("How a connection stands", stands, _fields(which), BEARER)
    return {
        "/oauth/hubspot/status": {
            **_get("How a connection stands", stands, _WHICH, BEARER),
            **status,
        },
        "/oauth/hubspot/refresh": _post("Refresh the token now", stands, _fields(which), BEARER),
        "/oauth/hubspot/disconnect": _post(
            "Forget the grant",
            {"200": _json("It is forgotten", "Disconnected"), **problems},
            _fields(which | {"revoke": {"type": "boolean"}, "uninstall": {"type": "boolean"}}),
            BEARER,
        ),
        "/oauth/hubspot/token": _post(
            "Connect with a private app's token or a service key",
            {"200": _json("It is connected", "Connected"), **problems},
            _fields(which | {"token": {"type": "string"}, "name": {"type": "string"}}),
            BEARER,
        ),
        "/oauth/hubspot/test": _post(
            "Test the connection, or a token that is not kept yet",
            {"200": _json("HubSpot answers", "Connected"), **problems},
            _fields(which | {"token": {"type": "string"}}),
            BEARER,
        ),
    }


def _platform() -> Json:
    """The same in an agent platform's shape: 200 whatever happened, `result` says what did."""
    answers: Json = {
        "200": _json("What became of it", "Envelope"),
        "401": _json("The token is missing or wrong", "Envelope"),
        **_problems("503"),
    }
    text: Json = {"type": "string"}
    of_user: Json = {"userAgentGuid": text}
    calls: dict[str, tuple[str, Json]] = {
        "UserAgentOAuth/HubSpotConnect": (
            "The address of the consent page",
            of_user | {"redirectUrl": text, "authMethod": text},
        ),
        "UserAgentOAuth/HubSpotStatus": ("How the connection stands", of_user),
        "UserAgentOAuth/TokenRefresh": (
            "Refresh, and give the tokens out",
            of_user | {"provider": {"const": "hubspot"}},
        ),
        "UserAgentOAuth/HubSpotDisconnect": ("Forget the grant", of_user),
        "UserAgent/Update": (
            "Keep the customer's own app",
            {"guid": text, "configuration": {"type": "object"}},
        ),
        "UserAgent/Start": ("Whether the portal is reached", {"guid": text}),
        "UserAgent/MyAgents": ("The installations there are", {}),
    }
    return {
        f"/v1/{name}": _post(summary, answers, _fields(fields), BEARER)
        for name, (summary, fields) in calls.items()
    }


def _widget() -> Json:
    refusals = {
        "400": "The body is wrong",
        "401": "The token is missing or wrong",
        "429": "Too many from one address",
        "500": "HubSpot failed",
    }
    body: Json = {"$ref": "#/components/schemas/Registration"}
    return {
        "/registrations": _post(
            "Register a web widget's visitor",
            {
                "200": _json("The visitor's ids", "Registered"),
                **{status: _json(what, "Refused") for status, what in refusals.items()},
                **_problems("404", "503"),
            },
            body,
            WIDGET,
        )
    }


_WHAT = {
    "400": "What was sent is wrong",
    "401": "The token or signature is missing or wrong",
    "404": "There is no such installation, or it is switched off",
    "413": "The body is too large",
    "502": "HubSpot refused or did not answer",
    "503": "The database is away",
}


def _problems(*statuses: str) -> Json:
    return {status: _json(_WHAT[status], "Problem") for status in statuses}


def _get(
    summary: str,
    responses: Json,
    parameters: list[Json] | None = None,
    security: str | None = None,
) -> Json:
    operation: Json = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = parameters
    if security:
        operation["security"] = [{security: []}]
    return {"get": operation}


def _post(summary: str, responses: Json, body: Json, security: str | None = None) -> Json:
    operation: Json = {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": responses,
    }
    if security:
        operation["security"] = [{security: []}]
    return {"post": operation}


def _in_path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(name: str, schema: Json | None = None) -> Json:
    return {"name": name, "in": "query", "schema": schema or {"type": "string"}}


def _fields(properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _json(text: str, schema: str) -> Json:
    kind = "application/problem+json" if schema == "Problem" else "application/json"
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": text, "content": {kind: {"schema": reference}}}


_WHICH: list[Json] = [_in_query("installation", _INSTALLATION), _in_query("link")]
