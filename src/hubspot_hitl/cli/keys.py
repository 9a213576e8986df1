"""`hubspot-hitl keys`: the keys that encrypt secrets at rest; never printed but by `new`."""

from __future__ import annotations

import json

import typer

from hubspot_hitl.cli import FINDING
from hubspot_hitl.cli.chosen import Json, looking
from hubspot_hitl.cli.serve import run_loop
from hubspot_hitl.cli.telling import tell
from hubspot_hitl.errors import BadSettings
from hubspot_hitl.settings import Settings, from_environment
from hubspot_hitl.store.secrets.keyring import add_key, new_key, new_key_id

app = typer.Typer()
keys = typer.Typer(help="Keys for secrets at rest: new, list, rotate.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command()
def new() -> None:
    """Print a fresh key as HITL_SECRET_KEYS wants it. Whoever reads it can read the secrets."""
    tell(f"{new_key_id()}:{new_key()}")


@keys.command("list")
def list_(json_: Json = False) -> None:
    """Print the ids of the keys, the encrypting one first, and how many secrets each encrypts.

    Exit status 1 when secrets are sealed by a key that is not in the ring.
    """
    found: dict[str, int] = {}
    unknown: dict[str, int] = {}

    async def main() -> None:
        async with looking() as house:
            usage = dict(await house.storage.vault.usage())
            usage.pop("plain", None)
            found.update({key_id: usage.pop(key_id, 0) for key_id in house.storage.vault.keys.ids})
            unknown.update(usage)

    run_loop(main)
    if json_:
        tell(json.dumps({"keys": found, "unknown": unknown}))
    else:
        for position, (key_id, count) in enumerate(found.items()):
            what = "encrypts" if position == 0 else "decrypts"
            tell(f"{key_id}  {what}  {count} secret(s)")
        for key_id, count in unknown.items():
            tell(f"{key_id}  is not in the ring  {count} secret(s) cannot be read")
    if unknown:
        raise typer.Exit(FINDING)


@keys.command()
def rotate(json_: Json = False) -> None:
    """Encrypt every secret again with the first key; works while the server runs.

    With a key file, a fresh key is put first into it. With HITL_SECRET_KEYS, put a new key in front
    of the old one on every replica, restart them, then run this. Exit status 1 when secrets stay
    that no key opens.
    """
    settings = from_environment()
    result: dict[str, object] = {}

    async def main() -> None:
        if settings.secret_keys is None:
            _new_first_key(settings)
        async with looking(settings) as house:
            rotation = await house.storage.vault.rotate()
            first = house.storage.vault.keys.first_id
            detail = {"rotated": rotation.rotated, "unreadable": len(rotation.unreadable)}
            await house.storage.audit.append("command line", "keys.rotate", first, detail)
            result.update({"key": first, **detail})

    run_loop(main)
    tell(
        json.dumps(result)
        if json_
        else f"sealed with {result['key']}: {result['rotated']}; unreadable: {result['unreadable']}"
    )
    if result["unreadable"]:
        raise typer.Exit(FINDING)


def _new_first_key(settings: Settings) -> None:
    path = settings.key_file
    if not settings.is_sqlite:
        raise BadSettings(
            "HITL_SECRET_KEYS is not set, so the key is in the database, beside what it encrypts."
            " Set it on every replica (`hubspot-hitl keys new` makes a key) and run this again."
        )
    if not path.exists():
        raise BadSettings(f"there is no key file {str(path)!r} yet; run the server once")
    add_key(path)
