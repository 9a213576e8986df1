"""Where settings come from: the environment over `.env`, with `*_FILE` variants for secrets.

The mappings are handed in; only :mod:`hubspot_hitl.settings` touches the process's environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

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
