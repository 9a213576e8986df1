"""The signature Botpress puts on operations for self-hosted integrations. Pure but for a clock.

Header ``X-BP-Signature: <unix ms>,<hash>[,<hash>...]``: one to five hashes, each the unpadded
base64url HMAC-SHA256 of ``<unix ms>.<raw body>`` under the base64url-decoded signing secret, valid
for five minutes either way. Source: repository ``botpress/packages``, ``signature-verification``.

>>> secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
>>> verify(sign(b"{}", [secret], 1767225600000), b"{}", [secret], 1767225600000)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from hubspot_hitl.errors import BadSettings, BadSignature
from hubspot_hitl.ports.clock import Clock

HEADER: Final = "x-bp-signature"
WINDOW_MS: Final = 5 * 60 * 1000
_MAX_HASHES = 5
_FORM = re.compile(rb"([1-9][0-9]{0,15})((?:,[A-Za-z0-9_-]{43}){1,5})")
_SECRET = re.compile(r"[A-Za-z0-9_-]{2,}")

ReplayPolicy = Literal["idempotent", "refuse", "off"]
"""What a signature seen before means.

`idempotent`: with the same unsigned headers it is a retry and let through, with others refused;
`refuse`: refused in any case; `off`: not looked at.
"""

HARMLESS: Final = frozenset({"ping", "create_user", "create_conversation"})
"""Operations that change nothing here."""

OPERATION_HEADER: Final = "x-bp-operation"
INSTALLATION_HEADERS: Final = (
    "x-bot-id",
    "x-bot-user-id",
    "x-integration-id",
    "x-integration-alias",
    "x-webhook-id",
    "x-bp-configuration-type",
    "x-bp-configuration",
)


def key_of(secret: str) -> bytes:
    """The HMAC key inside a signing secret. Raises BadSettings when it is not base64url."""
    text = secret.strip().rstrip("=").replace("+", "-").replace("/", "_")
    if not _SECRET.fullmatch(text) or len(text) % 4 == 1:
        raise BadSettings(
            "A Botpress signing secret is not base64url: copy it again from the answer that"
            " created or rotated it, into HITL_BOTPRESS_SIGNING_SECRETS."
        )
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:  # pragma: no cover - the pattern above leaves nothing to refuse
        raise BadSettings("A Botpress signing secret is not base64url.") from error


def sign(body: bytes, secrets: Sequence[str], now_ms: int) -> str:
    """The header value for `body` at `now_ms`, one hash for each secret (one to five)."""
    if not 1 <= len(secrets) <= _MAX_HASHES:
        raise BadSettings(f"{len(secrets)} signing secrets: between 1 and {_MAX_HASHES} can sign.")
    stamp = str(now_ms).encode()
    hashes = [_hash(key_of(secret), stamp, body).decode() for secret in secrets]
    return ",".join([str(now_ms), *hashes])


def verify(header: str | bytes | None, body: bytes, secrets: Sequence[str], now_ms: int) -> None:
    """Return when one of `secrets` signed `body` within five minutes of `now_ms`.

    Raises BadSignature otherwise, and nothing else whatever the header holds. An empty body is
    refused: Botpress signs none. A secret that is not base64url matches nothing; check secrets
    once with :func:`key_of`.
    """
    stamp, hashes = _parts(header)
    if abs(now_ms - int(stamp)) > WINDOW_MS:
        raise BadSignature("The signature is more than five minutes away from this clock.")
    if not body:
        raise BadSignature("A request without a body carries no valid signature.")
    matched = False
    for secret in secrets:
        try:
            expected = _hash(key_of(secret), stamp, body)
        except BadSettings:
            continue
        for hash_ in hashes:
            # No early exit: how long it takes must not tell which secret or hash fitted.
            matched |= hmac.compare_digest(expected, hash_)
    if not matched:
        raise BadSignature("The signature matches none of the signing secrets.")


class ReplayMemory:
    """Remembers accepted signatures for as long as they could be accepted again.

    Botpress signs the body and the time, no header and no nonce: whoever records a request could
    send the same body as another operation, bot or configuration for five minutes. Whether the
    Cloud itself repeats an operation under the old signature is not verified, so the default
    policy lets a faithful repetition through (all operations here are idempotent) and refuses one
    whose headers differ. What changes nothing (:data:`HARMLESS`) is not remembered.

    Two bots may well send the same body in the same millisecond. The second is let through when an
    earlier signature of its own vouched for all its headers but the operation, and the operation is
    the same: who knows those headers, with the secrets in them, gains nothing by a replay.

    What is remembered is the stamp and the body, not the header: extra hashes would change the
    header and leave it valid. A stamp may lie five minutes ahead, so entries live for ten. At
    `capacity` the oldest entry goes.
    """

    def __init__(
        self, clock: Clock, *, policy: ReplayPolicy = "idempotent", capacity: int = 65_536
    ) -> None:
        self._clock = clock
        self._policy = policy
        self._capacity = capacity
        self._seen: OrderedDict[bytes, tuple[float, str, bytes]] = OrderedDict()
        self._vouched: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def admit(self, header: str | bytes | None, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether this verified request is new; False for a repetition that may go on.

        `headers` have lower-case names. Raises BadSignature for a repetition the policy refuses.
        """
        operation = headers.get(OPERATION_HEADER, "")
        if self._policy == "off" or operation in HARMLESS:
            return True
        stamp, _ = _parts(header)
        mark = hashlib.sha256(stamp + b"." + body).digest()
        installation = _digest(headers)
        now = self._clock.monotonic()
        self._forget(now)
        known = self._seen.get(mark)
        if known is None:
            self._seen[mark] = (now + 2 * WINDOW_MS / 1000, operation, installation)
            self._vouch(installation)
            return True
        if self._policy == "refuse":
            raise BadSignature("This signed request was received before.")
        if known[1:] == (operation, installation):
            return False
        if known[1] == operation and installation in self._vouched:
            return True
        raise BadSignature("This signature was received before, with other headers.")

    def _vouch(self, installation: bytes) -> None:
        self._vouched[installation] = None
        self._vouched.move_to_end(installation)
        if len(self._vouched) > self._capacity:
            self._vouched.popitem(last=False)

    def _forget(self, now: float) -> None:
        while self._seen:
            mark, (until, *_) = next(iter(self._seen.items()))
            if until > now and len(self._seen) < self._capacity:
                return
            del self._seen[mark]


def _parts(header: str | bytes | None) -> tuple[bytes, list[bytes]]:
    if header is None:
        raise BadSignature("The X-BP-Signature header is missing.")
    raw = header.encode("utf-8", "replace") if isinstance(header, str) else header
    match = _FORM.fullmatch(raw)
    if match is None:
        raise BadSignature("The X-BP-Signature header is not <unix ms>,<hash>[,<hash>...].")
    return match[1], match[2][1:].split(b",")


def _hash(key: bytes, stamp: bytes, body: bytes) -> bytes:
    digest = hmac.new(key, stamp + b"." + body, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=")


def _digest(headers: Mapping[str, str]) -> bytes:
    digest = hashlib.sha256()
    for name in INSTALLATION_HEADERS:
        value = headers.get(name, "").encode("utf-8", "surrogatepass")
        digest.update(len(value).to_bytes(4, "big") + value)
    return digest.digest()
