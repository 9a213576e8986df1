"""The texts that a routing rule chose for one handoff, kept with its session. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hubspot_hitl.json_values import is_object


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
        found = found.get(name) if is_object(found) else None
    if not is_object(found):
        return {}
    return {key: text for key, text in found.items() if isinstance(text, str)}
