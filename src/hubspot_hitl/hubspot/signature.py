"""HubSpot's request signatures, checked and made. Pure: no clock, no network.

Stands at the very front of the way in: nothing is parsed before it. Whatever arrives, the answer is
either nothing or :class:`BadSignature`; no header, URL or body makes it raise anything else.

Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation

>>> signature = sign_v3("POST", "https://hooks.example.test/hs", b"{}", 1_760_000_000_000, "s")
>>> headers = {SIGNATURE_V3: signature, TIMESTAMP: "1760000000000"}
>>> verify_v3("POST", "https://hooks.example.test/hs", b"{}", headers, ["s"], 1_760_000_000_999)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from hubspot_hitl.errors import BadSignature

SIGNATURE_V1 = "X-HubSpot-Signature"
SIGNATURE_VERSION = "X-HubSpot-Signature-Version"
SIGNATURE_V3 = "X-HubSpot-Signature-v3"
TIMESTAMP = "X-HubSpot-Request-Timestamp"
MAX_SKEW_MS = 300_000

Reason = Literal["missing", "malformed", "stale", "future", "mismatch", "unconfigured"]

# The v3 rule undoes exactly these escapes before it signs; a general unquote breaks it.
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
_ESCAPE = re.compile("|".join(_DECODED))
_BASE64_SHA256 = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)
_HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_EPOCH_MS = re.compile(r"[0-9]{1,15}", re.ASCII)


class SignatureRefused(BadSignature):
    """A HubSpot signature that does not hold; `reason` is the closed set for logs and metrics."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def verify_v3(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    secrets: Sequence[str],
    now_ms: int,
) -> None:
    """Return when one of `secrets` made the v3 signature over these raw bytes.

    `url` is the full public URL as HubSpot was told it, not the one behind a proxy. The timestamp
    may be off by five minutes, either way. Raises :class:`SignatureRefused`.
    """
    given = _header(headers, SIGNATURE_V3)
    if given is None:
        raise SignatureRefused("missing", f"the request has no {SIGNATURE_V3} header")
    timestamp = _header(headers, TIMESTAMP)
    if timestamp is None:
        raise SignatureRefused("missing", f"the request has no {TIMESTAMP} header")
    if not _BASE64_SHA256.fullmatch(given):
        raise SignatureRefused("malformed", f"{SIGNATURE_V3} is not a base64 SHA-256 digest")
    if not _EPOCH_MS.fullmatch(timestamp):
        raise SignatureRefused("malformed", f"{TIMESTAMP} is not a time in epoch milliseconds")
    _check_age(int(timestamp), now_ms)
    source = _source_v3(method, url, body, timestamp)
    _check_any(given, [_digest_v3(source, secret) for secret in secrets if secret])


def verify_v1(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Return when one of `secrets` made the v1 signature over these raw bytes.

    v1 has no timestamp, so it does not stop a replay: accept it only where an operator asked for
    it. Raises :class:`SignatureRefused`.
    """
    given = _header(headers, SIGNATURE_V1)
    if given is None:
        raise SignatureRefused("missing", f"the request has no {SIGNATURE_V1} header")
    version = _header(headers, SIGNATURE_VERSION)
    if version is not None and version.lower() != "v1":
        raise SignatureRefused("malformed", f"{SIGNATURE_VERSION} does not say v1")
    if not _HEX_SHA256.fullmatch(given):
        raise SignatureRefused("malformed", f"{SIGNATURE_V1} is not a SHA-256 digest in hex")
    _check_any(given.lower(), [sign_v1(body, secret) for secret in secrets if secret])


def sign_v3(method: str, url: str, body: bytes, timestamp_ms: int, secret: str) -> str:
    """The v3 signature HubSpot would send, base64."""
    return _digest_v3(_source_v3(method, url, body, str(timestamp_ms)), secret)


def sign_v1(body: bytes, secret: str) -> str:
    """The v1 signature HubSpot would send, lower-case hex."""
    return hashlib.sha256(_bytes(secret) + body).hexdigest()


def signed_headers_v3(
    method: str, url: str, body: bytes, timestamp_ms: int, secret: str
) -> dict[str, str]:
    """Both headers of a v3-signed request."""
    signature = sign_v3(method, url, body, timestamp_ms, secret)
    return {SIGNATURE_V3: signature, TIMESTAMP: str(timestamp_ms)}


def _source_v3(method: str, url: str, body: bytes, timestamp: str) -> bytes:
    decoded = _ESCAPE.sub(lambda match: _DECODED[match[0]], url)
    return b"".join((_bytes(method.upper()), _bytes(decoded), body, _bytes(timestamp)))


def _digest_v3(source: bytes, secret: str) -> str:
    digest = hmac.new(_bytes(secret), source, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def _check_age(timestamp_ms: int, now_ms: int) -> None:
    age_ms = now_ms - timestamp_ms
    if age_ms > MAX_SKEW_MS:
        raise SignatureRefused("stale", f"the request was signed {age_ms} ms ago; check the clock")
    if age_ms < -MAX_SKEW_MS:
        raise SignatureRefused(
            "future", f"the request was signed {-age_ms} ms in the future; check the clock"
        )


def _check_any(given: str, expected: Sequence[str]) -> None:
    """Compare with every candidate, so that time tells neither which one matched nor how far."""
    if not expected:
        raise SignatureRefused("unconfigured", "no client secret is configured to verify with")
    presented = given.encode("ascii")
    matches = [hmac.compare_digest(presented, one.encode("ascii")) for one in expected]
    if not any(matches):
        raise SignatureRefused(
            "mismatch",
            "the signature does not fit; check the app's client secret and that the webhook URL"
            " configured here is, letter by letter, the one HubSpot calls",
        )


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """A header by name in any case; Botpress hands them on in lower case in a plain dict."""
    wanted = name.lower()
    for key, value in headers.items():
        if key.lower() == wanted:
            return value.strip()
    return None


def _bytes(text: str) -> bytes:
    """UTF-8; what cannot be encoded becomes "?", which no signature of HubSpot's covers."""
    return text.encode("utf-8", "replace")
