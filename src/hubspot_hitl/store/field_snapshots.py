"""The last known CRM fields of each installation, in the vault: they name a customer's own data."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter, ValidationError

from hubspot_hitl.ports.crm_records import CrmType, FieldSnapshot
from hubspot_hitl.ports.store import Vault
from hubspot_hitl.store.installations import secret_scope


@cache
def _adapter() -> TypeAdapter[FieldSnapshot]:
    return TypeAdapter(FieldSnapshot)  # at first use: a server starts sooner


class VaultFieldSnapshots:
    """`FieldSnapshots` over the vault; forgotten with the installation's secrets."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def load(self, installation_id: str, type_: CrmType) -> FieldSnapshot | None:
        """The snapshot kept last; None when there is none, or an older version wrote it."""
        kept = await self._vault.get(secret_scope(installation_id), _name(type_))
        if kept is None:
            return None
        try:
            return _adapter().validate_json(kept)
        except ValidationError:
            return None

    async def save(self, installation_id: str, snapshot: FieldSnapshot) -> None:
        """Replace it."""
        scope, name = secret_scope(installation_id), _name(snapshot.type)
        await self._vault.put(scope, name, _adapter().dump_json(snapshot))


def _name(type_: CrmType) -> str:
    return f"crm-fields:{type_.value}"
