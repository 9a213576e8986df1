r"""JSON as Botpress writes it, to and from bytes. Pure.

JavaScript cuts strings between the halves of a surrogate pair, so a half emoji may arrive as a lone
``\ud83d`` escape. Strict parsers refuse that and the user's message would be lost; here the half
becomes U+FFFD.

>>> loads(b'{"text": "\\ud83d"}') == {"text": "\ufffd"}
True
>>> dumps({"text": "\ud83d"}) == '{"text":"\ufffd"}'.encode()
True
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import orjson

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(text: bytes) -> object:
    """The value of a JSON text in UTF-8.

    Raises ValueError, and nothing else, for everything that is not one: also for nesting deeper
    than 1,024, `NaN`, and bytes that are not UTF-8. The error's text holds positions, no content.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not _SURROGATE_ESCAPE.search(text):
            raise ValueError(str(error)) from None
    try:
        mended = json.dumps(json.loads(text), ensure_ascii=False)
        return orjson.loads(_LONE_SURROGATE.sub("\ufffd", mended))
    except json.JSONDecodeError as error:
        raise ValueError(str(error)) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not readable: {type(error).__name__}") from None


def dumps(value: object) -> bytes:
    """`value` as compact JSON in UTF-8. Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        text = json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False
        )
        return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise TypeError(f"{type(value).__name__} is not JSON")
