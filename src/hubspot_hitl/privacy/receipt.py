"""The receipt of an erasure: what was removed where and when, signed. Pure.

It holds ids and counts, never a name or a word of what was erased. The signature is an
HMAC-SHA256 (RFC 2104) over the canonical JSON of the rest: whoever has the key ring can tell that
the receipt was made here and not changed since.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hubspot_hitl.handoff.records import Handoff
from hubspot_hitl.json_values import is_object
from hubspot_hitl.privacy.target import Target

PURPOSE: Final = "hubspot-hitl/erasure-receipt/1"
"""What the signing keys are derived for."""
KIND: Final = "hubspot-hitl/erasure/1"
_ALGORITHM: Final = "HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one erasure did. `left` names, in plain words, what it could not remove."""

    id: str
    target: Target
    by: str
    at_ms: int
    handoffs: tuple[Handoff, ...]
    counts: Mapping[str, int]
    vendors: tuple[str, ...] = ()
    left: tuple[str, ...] = field(default=())
    dry_run: bool = False

    def as_json(self) -> dict[str, object]:
        """The document, without its signature."""
        return {
            "receipt": KIND,
            "id": self.id,
            "at": datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(),
            "by": self.by,
            "target": {"kind": self.target.kind, "id": self.target.id},
            "dryRun": self.dry_run,
            "vendors": list(self.vendors),
            "handoffs": [
                {
                    "id": one.id,
                    "installationId": one.installation_id,
                    "conversationId": one.conversation_id,
                    "threadId": one.thread_id,
                }
                for one in self.handoffs
            ],
            "counts": dict(self.counts),
            "left": list(self.left),
        }


def signed(document: Mapping[str, object], keys: Mapping[str, bytes]) -> dict[str, object]:
    """The document with its signature by the first key."""
    key_id, key = next(iter(keys.items()))
    signature = {"algorithm": _ALGORITHM, "keyId": key_id, "value": _mac(document, key)}
    return {**document, "signature": signature}


def is_genuine(document: object, keys: Mapping[str, bytes]) -> bool:
    """Whether `signed` made exactly this document with one of the keys; False for anything else.

    >>> keys = {"k": b"secret"}
    >>> is_genuine(signed({"a": 1}, keys), keys), is_genuine({"a": 1}, keys)
    (True, False)
    """
    if not is_object(document):
        return False
    rest = dict(document)
    signature = rest.pop("signature", None)
    if not is_object(signature):
        return False
    key, value = keys.get(str(signature.get("keyId"))), signature.get("value")
    if key is None or not isinstance(value, str) or signature.get("algorithm") != _ALGORITHM:
        return False
    try:
        return hmac.compare_digest(_mac(rest, key).encode(), value.encode())
    except (TypeError, ValueError, RecursionError):  # no JSON, lone surrogates, too deep
        return False


def _mac(document: Mapping[str, object], key: bytes) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
