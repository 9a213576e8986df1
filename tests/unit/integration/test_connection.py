from __future__ import annotations

from pydantic import SecretStr

from hubspot_hitl.integration.configuration import Configuration
from hubspot_hitl.integration.connection import (
    AppIdentity,
    Connection,
    completed,
    fingerprint,
    in_force,
)

OWN = Configuration.model_validate({"clientId": "own", "clientSecret": "s", "appId": "1"})
SHARED = AppIdentity("shared", "shared-secret", "9", "shared-key")


def grant(over: Configuration, method: str = "own", **more: object) -> Connection:
    values = {
        "auth_method": method,
        "refresh_token": SecretStr("granted"),
        "over": fingerprint(over),
        "connected_ms": 1,
    }
    return Connection.model_validate(values | more)


def token_of(configuration: Configuration) -> str:
    return configuration.refresh_token.get_secret_value()


def test_without_a_grant_nothing_changes() -> None:
    assert completed(OWN, None, None, None) is OWN


def test_a_grant_replaces_the_token_that_was_configured_then() -> None:
    old = OWN.model_copy(update={"refresh_token": SecretStr("old")})

    assert token_of(completed(old, grant(old), None, None)) == "granted"


def test_a_token_configured_later_counts_again() -> None:
    new = OWN.model_copy(update={"refresh_token": SecretStr("new")})

    assert token_of(completed(new, grant(OWN), None, None)) == "new"
    assert not in_force(new, grant(OWN))


def test_a_disconnected_installation_has_no_token() -> None:
    old = OWN.model_copy(update={"refresh_token": SecretStr("old")})

    assert token_of(completed(old, grant(old, disconnected=True), None, None)) == ""


def test_the_shared_app_stands_in_for_an_owner_who_named_none() -> None:
    complete = completed(Configuration(), None, None, SHARED)

    assert (complete.client_id, complete.app_id) == ("shared", "9")
    assert complete.client_secret.get_secret_value() == "shared-secret"


def test_an_owners_app_goes_before_the_shared_one() -> None:
    assert completed(OWN, grant(OWN), None, SHARED).client_id == "own"


def test_a_grant_of_the_shared_app_brings_that_app_along() -> None:
    complete = completed(OWN, grant(OWN, "shared"), None, SHARED)

    assert (complete.client_id, complete.app_id) == ("shared", "9")
    assert complete.client_secret.get_secret_value() == "shared-secret"


def test_nothing_secret_is_shown() -> None:
    assert "granted" not in repr(grant(OWN))
    assert "shared-secret" not in repr(SHARED)
    assert "shared-key" not in repr(SHARED)
