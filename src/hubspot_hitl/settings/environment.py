"""Where settings come from: the environment over `.env`, with `*_FILE` variants for secrets.

Also how they are shown to people, secrets masked.

The mappings are handed in; only :mod:`hubspot_hitl.settings` touches the process's environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import PrivateAttr, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hubspot_hitl.errors import BadSettings

Source = Literal["environment", "file", ".env", "default"]


def variable_of(model: type[BaseSettings], field: str) -> str:
    """The environment variable of a field: `HITL_PORT`."""
    return f"{model.model_config.get('env_prefix', '')}{field.upper()}"


def is_secret(field: FieldInfo) -> bool:
    """Whether the field holds a secret, so that `*_FILE` works and its value is masked."""
    return "SecretStr" in str(field.annotation)


def may_come_from_file(field: FieldInfo) -> bool:
    """Whether `*_FILE` works: for secrets, and for what may hold one, such as a database's URL."""
    return is_secret(field) or not field.repr


class Environment(PydanticBaseSettingsSource):
    """Environment over `.env`; in each, the variable, its aliases, then `*_FILE` for secrets.

    An empty value counts as unset. A variable and its `*_FILE` together are refused: nobody could
    tell which one was meant.
    """

    def __init__(
        self,
        model: type[BaseSettings],
        env: Mapping[str, str],
        dotenv: Mapping[str, str],
        aliases: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__(model)
        self._model = model
        self._aliases = aliases
        self._layers: tuple[tuple[Source, Mapping[str, str]], ...] = (
            ("environment", env),
            (".env", dotenv),
        )
        self.origins: dict[str, Source] = {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """The text of a field's variable, or None."""
        variable = variable_of(self._model, field_name)
        for source, values in self._layers:
            names = (variable, *self._aliases.get(variable, ()))
            text = next((values[name] for name in names if values.get(name)), None)
            path = values.get(f"{variable}_FILE") if may_come_from_file(field) else None
            if text and path:
                raise BadSettings(f"{variable} and {variable}_FILE are both set; keep one of them")
            if path:
                self.origins[field_name] = "file"
                return _read_secret(variable, Path(path)), field_name, False
            if text:
                self.origins[field_name] = source
                return text, field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, object]:
        """All fields that are set somewhere."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self._model.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _read_secret(variable: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"{variable}_FILE: cannot read {str(path)!r} ({type(error).__name__}); "
            "name a UTF-8 file that this user may read"
        ) from error
    if not text:
        raise BadSettings(f"{variable}_FILE: {str(path)!r} is empty; put the secret into it")
    return text


def read_env_file(path: Path | None) -> dict[str, str]:
    """The variables of a `.env` file, taken word for word; none when there is no file."""
    if path is None or not path.is_file():
        return {}
    try:
        found = dotenv_values(path, encoding="utf-8", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"cannot read {str(path)!r} ({type(error).__name__}); it must be UTF-8 and readable"
        ) from error
    return {name: value for name, value in found.items() if value is not None}


class Explicit(BaseSettings):
    """Takes what it is given; only `load` looks at the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    _origins: dict[str, Source] = PrivateAttr(default_factory=dict[str, Source])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the ambient sources out, so that a test's `Settings()` is the same anywhere."""
        return (init_settings,)


class Group(Explicit):
    """Settings of this process that belong together; its docstring is their heading."""

    model_config = SettingsConfigDict(env_prefix="HITL_")


_Model = TypeVar("_Model", bound=Explicit)


def load(
    model: type[_Model],
    env: Mapping[str, str],
    env_file: Path | None,
    aliases: Mapping[str, tuple[str, ...]],
) -> _Model:
    """Read `model` from `env` over the file. Raises BadSettings that names every wrong variable."""
    source = Environment(model, env, read_env_file(env_file), aliases)
    values = source()
    try:
        loaded = model.model_validate(values)
    except ValidationError as error:
        problems = [
            _problem(model, str(entry["loc"][0]), entry["msg"], values)
            for entry in error.errors(include_url=False, include_input=False, include_context=False)
            if entry["type"] != "default_factory_not_called"  # a consequence of another problem
        ]
        raise BadSettings("; ".join(problems)) from None
    loaded._origins.update(source.origins)  # pyright: ignore[reportPrivateUsage]
    return loaded


def _problem(model: type[Explicit], name: str, reason: str, values: Mapping[str, object]) -> str:
    field = model.model_fields[name]
    shown = "" if is_secret(field) or not field.repr else f" is {values.get(name)!r}"
    why = reason.removeprefix("Value error, ").replace("Input should be", "it must be")
    cure = (field.description or "").rstrip(".")
    return f"{variable_of(model, name)}{shown}: {why} ({cure})"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting for people: `value` is masked when it is a secret."""

    name: str
    value: str
    source: Source
    description: str


def describe(settings: Explicit) -> tuple[SettingRow, ...]:
    """Every setting with its value (secrets masked) and where it came from."""
    model = type(settings)
    return tuple(
        SettingRow(
            variable_of(model, name),
            _shown(getattr(settings, name), field),
            settings._origins.get(name, "default"),  # pyright: ignore[reportPrivateUsage]
            field.description or "",
        )
        for name, field in model.model_fields.items()
    )


def _shown(value: object, field: FieldInfo) -> str:
    if value is None or value == ():
        return ""
    if is_secret(field):
        count = len(_secret_texts(value))
        return "********" if count == 1 else f"******** ({count} values)"
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:********@", str(value))


def _secret_texts(value: object) -> tuple[str, ...]:
    items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return tuple(item.get_secret_value() for item in items if isinstance(item, SecretStr))


def plain(secret: SecretStr | None) -> str | None:
    """The value of a secret setting, None when it is not set."""
    return secret.get_secret_value() if secret is not None else None


def secrets_of(settings: Explicit) -> tuple[str, ...]:
    """The plain secret values, for the log's redaction only."""
    found = tuple(
        text
        for name in type(settings).model_fields
        for text in _secret_texts(getattr(settings, name))
    )
    ring = plain(getattr(settings, "secret_keys", None)) or ""
    keys = tuple(key for one in ring.split(",") if (key := one.partition(":")[2].strip()))
    password = urlsplit(str(getattr(settings, "database_url", ""))).password
    return (*found, *keys, *([password] if password else ()))
