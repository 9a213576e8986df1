"""The files that pages load: our style and script, and the vendored libraries.

`static/vendor/vendored.json` says what each library is; a test holds the files to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

PACKAGE = "hubspot_hitl.web.console"
FILES: Mapping[str, str] = MappingProxyType(
    {
        "console.css": "console.css",
        "console.js": "console.js",
        "htmx.js": "vendor/htmx.org/htmx.min.js",
        "sse.js": "vendor/htmx-ext-sse/sse.min.js",
        "idiomorph.js": "vendor/idiomorph/idiomorph-ext.min.js",
    }
)
"""Name in the address -> file below `static`."""


@lru_cache(maxsize=len(FILES))
def asset(name: str) -> bytes:
    """What is in a file."""
    return (files(PACKAGE) / "static" / FILES[name]).read_bytes()


@lru_cache(maxsize=len(FILES))
def asset_path(name: str) -> str:
    """Its address below the console, which changes with its contents."""
    return f"/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"
