"""The texts that a routing rule chose for one handoff, kept with its session. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast


def routed_texts(session: str) -> Mapping[str, str]:
    """Texts by key, as the rule gave them; empty for a session without any.

    >>> routed_texts('{"routing": {"rule": "VIP", "texts": {"waiting": "One moment."}}}')
    {'waiting': 'One moment.'}
    >>> routed_texts("{}"), routed_texts("[")
    ({}, {})
    """
    if '"texts"' not in session:
        return {}
    try:
        found: object = json.loads(session)
    except ValueError:
        return {}
    for name in ("routing", "texts"):
        found = cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return {}
    texts = cast("dict[str, object]", found)
    return {key: text for key, text in texts.items() if isinstance(text, str)}
