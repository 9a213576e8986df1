"""Keys of the encryption at rest: the first one encrypts, all of them decrypt.

A sealed value is ``version byte, length of the key id, key id, 12 bytes nonce, ciphertext + tag``
(AES-256-GCM). Scope, name and key id are authenticated with it, so that a value copied to another
row, or relabelled, does not open. Nonces are random: with 96 bits one key is good for some 2**32
values (NIST SP 800-38D, 8.3), which is far more than a vault ever writes between two rotations.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hubspot_hitl.errors import BadSettings

_VERSION: Final = 1
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyRing:
    """Seals and opens secrets. Never shows a key.

    A ring from a key file reads the file again when a value names a key it does not know, so that
    a server takes a new key without a restart.
    """

    __slots__ = ("_ciphers", "_keys", "_reread", "first_id")

    def __init__(
        self, keys: Mapping[str, bytes], *, reread: Callable[[], KeyRing] | None = None
    ) -> None:
        """Keys by id, in order. Raises BadSettings for none, a bad id or a wrong length."""
        self._reread = reread
        self._take(keys)

    def _take(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise BadSettings(
                "the key ring is empty: set HITL_SECRET_KEYS to id:base64-of-32-bytes"
            )
        for key_id, key in keys.items():
            if not _ID.fullmatch(key_id):
                raise BadSettings(
                    "a key id in HITL_SECRET_KEYS is not made of 1 to 64 letters, digits, dots,"
                    " dashes and underscores"
                )
            if len(key) != _KEY_BYTES:
                raise BadSettings(
                    f"key {key_id!r} in HITL_SECRET_KEYS has {len(key)} bytes, not {_KEY_BYTES}"
                )
        self._keys = MappingProxyType(dict(keys))
        self._ciphers = MappingProxyType({key_id: AESGCM(key) for key_id, key in keys.items()})
        self.first_id = next(iter(keys))

    @classmethod
    def from_text(cls, text: str) -> KeyRing:
        """Read ``id:base64,id:base64``; line breaks may stand for commas.

        Raises BadSettings that names the entry by its position or id, never its text.
        """
        keys: dict[str, bytes] = {}
        entries = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
        for position, entry in enumerate(entries, start=1):
            key_id, colon, encoded = entry.partition(":")
            key_id = key_id.strip()
            if not colon or not _ID.fullmatch(key_id):
                raise BadSettings(f"entry {position} of HITL_SECRET_KEYS is not id:base64")
            if key_id in keys:
                raise BadSettings(f"HITL_SECRET_KEYS names the key {key_id!r} twice")
            keys[key_id] = _decoded(key_id, encoded.strip())
        return cls(keys)

    @classmethod
    def load_or_create(cls, path: Path) -> KeyRing:
        """Read the key file, or make one with a fresh key that only its owner can read.

        Losing this file is losing every stored secret. Raises BadSettings when others can read it.
        """
        with suppress(FileNotFoundError):
            return cls._load(path)
        _create(path, f"{new_key_id()}:{new_key()}\n")
        return cls._load(path)  # whoever was faster made it

    @classmethod
    def _load(cls, path: Path) -> KeyRing:
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(64 * 1024)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise BadSettings(
                f"the key file {str(path)!r} cannot be read ({error.strerror})"
            ) from error
        if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
            raise BadSettings(
                f"the key file {str(path)!r} can be read by others (mode"
                f" {stat.S_IMODE(mode):04o}): run chmod 600 on it, and think of changing the key"
            )
        try:
            ring = cls.from_text(text.decode("ascii"))
            return cls(ring._keys, reread=lambda: cls._load(path))
        except UnicodeDecodeError:
            raise BadSettings(f"the key file {str(path)!r} is not id:base64 text") from None
        except BadSettings as error:
            raise BadSettings(f"the key file {str(path)!r}: {error.message}") from None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the encrypting one first."""
        return tuple(self._ciphers)

    def seal(self, scope: str, name: str, value: bytes) -> bytes:
        """Encrypt with the first key, bound to `scope` and `name`."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound(scope, name, self.first_id)
        sealed = self._ciphers[self.first_id].encrypt(nonce, value, bound)
        key_id = self.first_id.encode("ascii")
        return bytes((_VERSION, len(key_id))) + key_id + nonce + sealed

    def open(self, scope: str, name: str, blob: bytes) -> bytes:
        """Decrypt; raises BadSettings when no key fits or the value is not what was sealed here."""
        what = f"the stored secret {scope!r}/{name!r}"
        try:
            key_id, nonce, sealed = _split(blob)
        except ValueError:
            raise BadSettings(f"{what} is damaged: store it again, or restore a backup") from None
        cipher = self._ciphers.get(key_id) or self._fresh(key_id)
        if cipher is None:
            raise BadSettings(
                f"{what} is encrypted with key {key_id!r}, which is not in the key ring (it has"
                f" {', '.join(self.ids)}): add that key to HITL_SECRET_KEYS or the key file"
            )
        try:
            return cipher.decrypt(nonce, sealed, _bound(scope, name, key_id))
        except InvalidTag:
            raise BadSettings(
                f"{what} does not open with key {key_id!r}: the row was changed or moved, or the"
                " key was replaced under the same id"
            ) from None

    def _fresh(self, key_id: str) -> AESGCM | None:
        """The cipher of a key that was added to the key file since it was read."""
        if self._reread is not None:
            with suppress(FileNotFoundError):
                self._take(self._reread()._keys)
        return self._ciphers.get(key_id)

    def derived(self, purpose: str) -> Mapping[str, bytes]:
        """A key of 32 bytes for `purpose` from each key of the ring, by its id, the first first.

        HKDF with SHA-256: knowing one tells nothing about another, nor about the ring.
        """
        return {
            key_id: HKDF(
                algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose.encode()
            ).derive(key)
            for key_id, key in self._keys.items()
        }

    def __repr__(self) -> str:
        return f"KeyRing(ids={self.ids!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key ring is never pickled")


def new_key_id() -> str:
    """A random id for a key."""
    return f"k-{secrets.token_hex(4)}"


def add_key(path: Path) -> str:
    """Put a fresh key first into an existing key file, whole or not at all; returns its id.

    The keys that were there stay behind it, to open what they sealed.
    """
    KeyRing._load(path)  # pyright: ignore[reportPrivateUsage]  # refuses a file that is not one
    key_id = new_key_id()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _create(draft, f"{key_id}:{new_key()}\n{path.read_text(encoding='ascii')}")
        draft.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise BadSettings(
            f"the key file {str(path)!r} cannot be written ({error.strerror})"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return key_id


def new_key() -> str:
    """A fresh random key, as HITL_SECRET_KEYS wants it."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode("ascii")


def _split(blob: bytes) -> tuple[str, bytes, bytes]:
    if len(blob) < 2 or blob[0] != _VERSION:
        raise ValueError("not a sealed value")
    start = 2 + blob[1]
    nonce_end = start + _NONCE_BYTES
    if len(blob) < nonce_end + 16:
        raise ValueError("too short")
    return blob[2:start].decode("ascii"), blob[start:nonce_end], blob[nonce_end:]


def _bound(scope: str, name: str, key_id: str) -> bytes:
    """The authenticated place of a value; lengths keep ("a", "bc") apart from ("ab", "c")."""
    parts = [part.encode() for part in (scope, name, key_id)]
    return bytes((_VERSION,)) + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _decoded(key_id: str, text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/")
    standard += "=" * (-len(standard) % 4)
    try:
        key = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        raise BadSettings(f"key {key_id!r} in HITL_SECRET_KEYS is not base64") from None
    if len(key) != _KEY_BYTES:
        raise BadSettings(
            f"key {key_id!r} in HITL_SECRET_KEYS has {len(key)} bytes, not {_KEY_BYTES}"
        )
    return key


def _create(path: Path, text: str) -> None:
    """Write a new file whole or not at all; leave an existing one alone."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, text.encode("ascii"))
            os.fsync(handle)
        finally:
            os.close(handle)
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike rename, never replaces a key that is in use
        _sync_directory(path.parent)
    except OSError as error:
        raise BadSettings(
            f"the key file {str(path)!r} cannot be made ({error.strerror}): make the directory"
            " writable or set HITL_SECRET_KEYS"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
