r"""The frames of Botpress's development tunnel, to and from text. Pure.

The tunnel's head sends requests, we answer; either may say hello to keep the connection alive.
Bodies are strings. Format: @bpinternal/tunnel, src/types.ts and src/errors.ts.

>>> parse_frame('{"type":"hello"}') is None
True
>>> parse_frame('{"id":"1","method":"POST","path":"/","body":"{}"}').body
'{}'
>>> response_text("1", Answer(200, {}, "ok"))
'{"type":"response","requestId":"1","status":200,"headers":{},"body":"ok"}'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Final, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from hubspot_hitl.botpress.jsontext import dumps, loads
from hubspot_hitl.errors import InvalidPayload
from hubspot_hitl.json_values import is_object

HELLO: Final = '{"type":"hello"}'

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_REWRITTEN: Final = frozenset({"host", "content-length", "content-encoding", "accept-encoding"})
"""Who writes the next message sets these anew: it is a string by then, not the bytes of before."""


class CloseCode(IntEnum):
    """Why the tunnel's head closed the connection."""

    NORMAL = 1000
    BAD_ID = 4000
    ID_IN_USE = 4001
    BAD_RESPONSE = 4002
    BAD_REQUEST = 4003
    TAIL_FAILED = 4004
    HEAD_FAILED = 4005


def _headers(value: object) -> object:
    """A header may come as text, as a list of texts or not at all."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    pairs = cast("dict[object, object]", value).items()
    return {
        str(name): ", ".join(map(str, cast("list[object]", text)))
        if isinstance(text, list)
        else text
        for name, text in pairs
        if text is not None
    }


class RequestFrame(BaseModel):
    """A request that somebody sent to the tunnel's public address."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    id: str = Field(min_length=1)
    method: str = Field(pattern=r"^[A-Za-z]{1,20}$")
    path: str
    query: str | None = None
    headers: Annotated[dict[str, str], BeforeValidator(_headers)] = Field(
        default_factory=dict, repr=False
    )
    body: str | None = Field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said back. Headers and body are kept out of logs."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: str | None = field(default=None, repr=False)


def parse_frame(text: str | bytes) -> RequestFrame | None:
    """The request in a frame; None for a hello and for kinds that are new to us.

    Raises InvalidPayload for what is no frame; `request_id_of` may still tell whose it was.
    """
    fields = _fields(text)
    if fields is None:
        raise InvalidPayload("The tunnel sent a frame that is not a JSON object")
    if fields.get("type", "request") != "request":
        return None
    try:
        return RequestFrame.model_validate(fields)
    except ValidationError as error:
        places = ", ".join(str(one["loc"][0]) for one in error.errors(include_input=False)[:3])
        raise InvalidPayload(f"The tunnel sent a request with an unusable {places}") from None


def request_id_of(text: str | bytes) -> str | None:
    """The id of a request that cannot be understood otherwise."""
    id_ = (_fields(text) or {}).get("id")
    return id_ if isinstance(id_, str) and id_ else None


def response_text(request_id: str, answer: Answer) -> str:
    """The frame that answers a request."""
    frame: dict[str, object] = {
        "type": "response",
        "requestId": request_id,
        "status": answer.status,
        "headers": answer.headers,
    }
    if answer.body is not None:
        frame["body"] = answer.body
    return dumps(frame).decode()


def end_to_end(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that mean something to the other end; repeated ones are joined.

    Left out are those of one connection (RFC 9110, 7.6.1), also the ones `Connection` names, and
    those that the next writer sets itself.
    """
    pairs = [(name.lower(), value) for name, value in headers]
    named = {
        part.strip().lower()
        for name, value in pairs
        if name == "connection"
        for part in value.split(",")
    }
    kept: dict[str, str] = {}
    for name, value in pairs:
        if name not in _HOP_BY_HOP and name not in _REWRITTEN and name not in named:
            kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def _fields(text: str | bytes) -> Mapping[str, object] | None:
    try:
        value = loads(text.encode(errors="surrogatepass") if isinstance(text, str) else text)
    except ValueError:
        return None
    return value if is_object(value) else None
