from __future__ import annotations

import pytest
from tests.fakes import FakeClock
from tests.unit.setup.memory_vault import MemoryVault

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.setup.publishing.botpress_credentials import (
    GRACE_MS,
    SCOPE,
    SIGNING_SECRET,
    keep_access_key,
    keep_signing_secret,
    read_credentials,
    stored_credentials,
)


async def test_an_empty_vault_gives_nothing() -> None:
    assert await stored_credentials(MemoryVault(), FakeClock()) == ((), None)


async def test_versions_live_side_by_side_the_newest_first() -> None:
    vault = MemoryVault()
    for number in ("1", "2"):
        await keep_signing_secret(vault, f"intver_{number}", f"secret-{number}", 0)
        await keep_access_key(vault, f"intver_{number}", f"key-{number}")

    found = await stored_credentials(vault, FakeClock(0))

    assert found == (("secret-2", "secret-1"), "key-2")
    assert (await read_credentials(vault)).access_key("intver_1") == "key-1"


async def test_a_rotated_secret_is_accepted_for_another_day() -> None:
    vault = MemoryVault()
    await keep_signing_secret(vault, "intver_1", "old", 0)

    await keep_signing_secret(vault, "intver_1", "new", 1000, rotated=True)

    kept = await read_credentials(vault)
    assert kept.signing_secret("intver_1") == "new"
    assert kept.valid_secrets(1000 + GRACE_MS) == ("new", "old")
    assert kept.valid_secrets(1001 + GRACE_MS) == ("new",)


async def test_secrets_long_out_of_force_are_forgotten_at_the_next_rotation() -> None:
    vault = MemoryVault()
    await keep_signing_secret(vault, "intver_1", "oldest", 0)
    await keep_signing_secret(vault, "intver_1", "old", 1, rotated=True)

    await keep_signing_secret(vault, "intver_1", "new", 2 + GRACE_MS, rotated=True)

    assert b"oldest" not in vault.rows[SCOPE, SIGNING_SECRET]


async def test_a_row_that_publishing_did_not_write_is_named_but_not_shown() -> None:
    vault = MemoryVault()
    await vault.put(SCOPE, SIGNING_SECRET, b"s3cret-s3cret")

    with pytest.raises(BadSettings, match="signing-secret") as raised:
        await read_credentials(vault)

    assert "s3cret-s3cret" not in raised.value.message


async def test_secrets_are_not_in_a_repr() -> None:
    vault = MemoryVault()
    await keep_signing_secret(vault, "intver_1", "s3cret-s3cret", 0)

    assert "s3cret-s3cret" not in repr(await read_credentials(vault))
    assert "s3cret-s3cret" not in repr((await read_credentials(vault)).signing[0])
