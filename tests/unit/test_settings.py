from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from hubspot_hitl.errors import BadSettings
from hubspot_hitl.settings import (
    Settings,
    StandaloneSettings,
    from_environment,
    standalone_from_environment,
    unknown_variables,
)
from hubspot_hitl.settings.environment import describe, secrets_of

VARIABLES = sorted(f"HITL_{name.upper()}" for name in Settings.model_fields)


def read(**env: str) -> Settings:
    return from_environment(env, env_file=None)


def source_of(settings: Settings, name: str) -> str:
    return next(row.source for row in describe(settings) if row.name == name)


def test_without_any_variable_the_defaults_hold() -> None:
    settings = read()

    assert settings == Settings()
    assert (settings.port, settings.database_url) == (8080, "sqlite:///data/hubspot-hitl.db")
    assert settings.hubspot_webhook_route == "botpress"


def test_the_sqlite_file_lies_in_the_data_directory() -> None:
    assert read(HITL_DATA_DIR="/var/lib/x").database_url == "sqlite:////var/lib/x/hubspot-hitl.db"


def test_the_environment_is_stronger_than_the_env_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("HITL_PORT=1\nHITL_HOST=127.0.0.1\nHITL_CONSOLE_TOKEN=a$HOME\n")

    settings = from_environment({"PORT": "2"}, env_file=env_file)

    assert (settings.port, settings.host) == (2, "127.0.0.1")
    assert settings.console_token == SecretStr("a$HOME")
    assert source_of(settings, "HITL_PORT") == "environment"
    assert source_of(settings, "HITL_HOST") == ".env"
    assert source_of(settings, "HITL_LEASE_S") == "default"


def test_our_own_name_is_stronger_than_an_alias() -> None:
    assert read(PORT="1", HITL_PORT="2").port == 2
    assert read(BP_TOKEN="t").botpress_token == SecretStr("t")
    assert read(BP_API_URL="http://127.0.0.1:1/").botpress_api_url == "http://127.0.0.1:1"


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-file\n")

    settings = read(HITL_BOTPRESS_TOKEN_FILE=str(path))

    assert settings.botpress_token == SecretStr("from-file")
    assert source_of(settings, "HITL_BOTPRESS_TOKEN") == "file"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="HITL_CONSOLE_TOKEN_FILE: cannot read"):
        read(HITL_CONSOLE_TOKEN_FILE=str(tmp_path / "absent"))


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")

    with pytest.raises(BadSettings, match="is empty"):
        read(HITL_CONSOLE_TOKEN_FILE=str(tmp_path / "empty"))


def test_a_secret_and_its_file_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="HITL_CONSOLE_TOKEN_FILE are both set"):
        read(HITL_CONSOLE_TOKEN="x", HITL_CONSOLE_TOKEN_FILE=str(tmp_path))


def test_several_signing_secrets_are_separated_by_commas() -> None:
    secrets = read(HITL_BOTPRESS_SIGNING_SECRETS="one, two,").botpress_signing_secrets

    assert [secret.get_secret_value() for secret in secrets] == ["one", "two"]


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("HITL_PORT", "http", "valid integer"),
        ("HITL_PORT", "70000", "65535"),
        ("HITL_PUBLIC_URL", "example.com", "absolute http or https URL"),
        ("HITL_PUBLIC_URL", "https://a.example/?x=1", "no query"),
        ("HITL_PUBLIC_URL", "https://[", "URL"),
        ("HITL_HUBSPOT_WEBHOOK_ROUTE", "both", "'botpress' or 'direct'"),
        ("HITL_DATABASE_URL", "mysql://x", "sqlite:///"),
        ("HITL_TRUSTED_PROXIES", "10.0.0.0/99", "10.0.0.0/99"),
        ("HITL_LOG_LEVEL", "loud", "'debug', 'info'"),
        ("HITL_LEASE_S", "nan", "HITL_LEASE_S"),
        ("HITL_BOTPRESS_PATH_SECRET", "a/b", "letters, digits"),
    ],
)
def test_a_value_that_cannot_work_names_its_variable(
    variable: str, value: str, reason: str
) -> None:
    with pytest.raises(BadSettings) as caught:
        read(**{variable: value})

    assert caught.value.message.startswith(variable)
    assert reason in caught.value.message


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(BadSettings, match=r"HITL_PORT.*HITL_LOG_FORMAT"):
        read(HITL_PORT="x", HITL_LOG_FORMAT="x")


def test_direct_webhooks_need_a_public_url() -> None:
    with pytest.raises(BadSettings, match="HITL_PUBLIC_URL is not set"):
        read(HITL_HUBSPOT_WEBHOOK_ROUTE="direct")


def outcome(env: dict[str, str]) -> str:
    try:
        return f"{len(describe(from_environment(env, env_file=None)))} rows"
    except BadSettings as error:
        return error.message


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(min_size=1), max_size=6))
def test_any_text_is_taken_or_refused_in_words(env: dict[str, str]) -> None:
    assert outcome(env) == f"{len(VARIABLES)} rows" or "HITL_" in outcome(env)


def test_settings_cannot_be_changed_or_misspelt() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValidationError):
        Settings.model_validate({"prot": 1})


def test_no_secret_shows_in_repr_description_or_error() -> None:
    env = {
        "HITL_SECRET_KEYS": "marked",
        "HITL_BOTPRESS_TOKEN": "marked",
        "HITL_BOTPRESS_SIGNING_SECRETS": "marked,marked2",
        "HITL_CONSOLE_TOKEN": "marked",
        "HITL_DATABASE_URL": "postgresql://u:marked@h/d",
    }
    settings = from_environment(env, env_file=None)

    with pytest.raises(BadSettings) as caught:
        read(HITL_BOTPRESS_PATH_SECRET="marked/marked")

    shown = f"{settings!r} {settings} {describe(settings)} {caught.value!r}"
    assert "marked" not in shown
    assert set(secrets_of(settings)) == {"marked", "marked2"}


def test_typing_errors_in_names_are_found() -> None:
    env = {"HITL_PROT": "1", "HITL_PORT": "1", "HITL_BOTPRESS_TOKEN_FILE": "x", "HOME": "/"}

    assert unknown_variables(env) == ("HITL_PROT",)


def test_the_six_values_of_an_installation_are_read_under_their_own_names() -> None:
    values = standalone_from_environment(
        {"HUBSPOT_APP_ID": "7", "HUBSPOT_CLIENT_SECRET": "marked"}, env_file=None
    )

    assert values.app_id == "7"
    assert values.missing("app_id", "client_id", "inbox_id") == (
        "HUBSPOT_CLIENT_ID",
        "HUBSPOT_INBOX_ID",
    )
    assert "marked" not in f"{values!r} {describe(values)}"


def test_the_example_file_names_every_variable_and_nothing_else() -> None:
    lines = (Path(__file__).parents[2] / ".env.example").read_text().splitlines()
    named = [line.lstrip("# ").split("=")[0] for line in lines if "=" in line.split(" ")[0]]

    standalone = [f"HUBSPOT_{name.upper()}" for name in StandaloneSettings.model_fields]
    assert sorted(named) == sorted([*VARIABLES, *standalone])


def test_the_example_file_can_be_used_as_it_is(tmp_path: Path) -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    (tmp_path / ".env").write_text(example)

    assert from_environment({}, env_file=tmp_path / ".env") == Settings()


def test_the_database_url_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("postgresql://hitl:word@db/hitl\n")
    settings = read(HITL_DATABASE_URL_FILE=str(path))
    assert settings.database_url == "postgresql://hitl:word@db/hitl"
    assert source_of(settings, "HITL_DATABASE_URL") == "file"
