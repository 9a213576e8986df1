"""The signing secrets and access keys that publishing received, kept in the vault.

One row each: `botpress`/`signing-secret` and `botpress`/`access-key`. Each row is a list, newest
first, because versions of the integration live side by side in different bots, and because a
rotated secret works for another day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.ports.clock import Clock
from hubspot_hitl.ports.store import Vault
from hubspot_hitl.redaction import remember_secret

SCOPE: Final = "botpress"
SIGNING_SECRET: Final = "signing-secret"  # noqa: S105 - the name of a row
ACCESS_KEY: Final = "access-key"
GRACE_MS: Final = 24 * 60 * 60 * 1000
"""How long Botpress goes on signing with a secret that was rotated away."""


class Kept(BaseModel):
    """One secret of one version of the integration. `replaced_ms` is when it was rotated away."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    integration_id: str
    value: str = Field(min_length=1, repr=False)
    replaced_ms: int | None = None


_KEPT: Final = TypeAdapter(tuple[Kept, ...], config=ConfigDict(defer_build=True))


class StoredCredentials(NamedTuple):
    """What `serve` takes from the vault where the settings give nothing. Holds secrets."""

    signing_secrets: tuple[str, ...]
    token: str | None


@dataclass(frozen=True, slots=True)
class KeptCredentials:
    """Everything that publishing has kept, newest first."""

    signing: tuple[Kept, ...] = field(default=(), repr=False)
    keys: tuple[Kept, ...] = field(default=(), repr=False)

    def signing_secret(self, integration_id: str) -> str | None:
        """The secret in force of a version."""
        return _current(self.signing, integration_id)

    def access_key(self, integration_id: str) -> str | None:
        """The access key of a version."""
        return _current(self.keys, integration_id)

    def valid_secrets(self, now_ms: int) -> tuple[str, ...]:
        """All secrets by which Botpress may still sign."""
        return tuple(
            kept.value
            for kept in self.signing
            if kept.replaced_ms is None or now_ms - kept.replaced_ms <= GRACE_MS
        )


async def read_credentials(vault: Vault) -> KeptCredentials:
    """Everything kept. Raises BadSettings when it cannot be decrypted or read."""
    return KeptCredentials(await _read(vault, SIGNING_SECRET), await _read(vault, ACCESS_KEY))


async def stored_credentials(vault: Vault, clock: Clock) -> StoredCredentials:
    """The signing secrets in force and the newest access key.

    Whether one access key serves all versions of an integration is not documented; the newest
    version's is taken.
    """
    kept = await read_credentials(vault)
    for one in (*kept.signing, *kept.keys):
        remember_secret(one.value)
    token = kept.keys[0].value if kept.keys else None
    return StoredCredentials(kept.valid_secrets(clock.now_ms()), token)


async def keep_signing_secret(
    vault: Vault, integration_id: str, value: str, now_ms: int, *, rotated: bool = False
) -> None:
    """Put a version's new secret first.

    With `rotated` its former ones stay until Botpress stops signing with them; without, they go.
    """
    others: list[Kept] = []
    for kept in await _read(vault, SIGNING_SECRET):
        if kept.integration_id != integration_id:
            others.append(kept)
        elif rotated:
            replaced_ms = kept.replaced_ms if kept.replaced_ms is not None else now_ms
            if now_ms - replaced_ms <= GRACE_MS:
                others.append(kept.model_copy(update={"replaced_ms": replaced_ms}))
    await _write(vault, SIGNING_SECRET, integration_id, value, others)


async def keep_access_key(vault: Vault, integration_id: str, value: str) -> None:
    """Put a version's access key first; it replaces the one it had."""
    others = [
        kept for kept in await _read(vault, ACCESS_KEY) if kept.integration_id != integration_id
    ]
    await _write(vault, ACCESS_KEY, integration_id, value, others)


def _current(kept: Sequence[Kept], integration_id: str) -> str | None:
    return next(
        (
            one.value
            for one in kept
            if one.integration_id == integration_id and one.replaced_ms is None
        ),
        None,
    )


async def _read(vault: Vault, name: str) -> tuple[Kept, ...]:
    blob = await vault.get(SCOPE, name)
    if blob is None:
        return ()
    try:
        return _KEPT.validate_json(blob)
    except ValidationError:
        raise BadSettings(
            f"the stored secret {SCOPE!r}/{name!r} is not what publishing wrote: restore a backup"
            " of the database"
        ) from None


async def _write(
    vault: Vault, name: str, integration_id: str, value: str, others: Sequence[Kept]
) -> None:
    newest = Kept(integration_id=integration_id, value=value)
    await vault.put(SCOPE, name, _KEPT.dump_json((newest, *others)))
