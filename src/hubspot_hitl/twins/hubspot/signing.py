"""Signs the twin's webhooks the way HubSpot does.

Written apart from `hubspot_hitl.hubspot.signature`, so that each checks the other.
Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
"""

from __future__ import annotations

import base64
import hashlib
import hmac

_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


def v1(secret: str, body: bytes) -> str:
    """The value of `X-HubSpot-Signature` for app webhooks."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def v3(secret: str, method: str, url: str, body: bytes, timestamp_ms: int) -> str:
    """The value of `X-HubSpot-Signature-v3`.

    >>> url = "https://hooks.example.test/hs/abc"
    >>> v3("test-client-secret-0001", "POST", url, b"", 1760000000003)
    'yBUiEGAbt6RBFwyiZMr/K0C+TJpQUC156m4zBIAogQ4='
    """
    for escape, character in _DECODED.items():
        url = url.replace(escape, character)
    source = f"{method}{url}".encode() + body + str(timestamp_ms).encode()
    return base64.b64encode(hmac.digest(secret.encode(), source, "sha256")).decode()
