"""Tables of TOML files as frozen, typed objects, and one-line explanations of what does not fit them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from harness.base.errors import UserError, unknown


def read_toml(path: Path, refused: str) -> dict[str, Any]:
    """The table that a TOML file holds.

    Raises:
        UserError: it cannot be read. refused: begins the message.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{refused}: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """The table that a TOML text holds.

    Raises:
        TOMLDecodeError: it is not TOML, or holds a number or a nesting beyond what Python reads.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise tomllib.TOMLDecodeError(str(error)) from error


class Config(BaseModel):
    """A frozen table; keys it does not know are errors, and values are not converted, but arrays where tuples stand."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _array(cls, value: Any, info: ValidationInfo) -> Any:
        """TOML has arrays alone."""
        annotation = cls.model_fields[str(info.field_name)].annotation
        arrays = any(get_origin(kind) is tuple for kind in (annotation, *get_args(annotation)))
        return tuple(value) if isinstance(value, list) and arrays else value


def _inner(model: Any, part: str) -> Any:
    """The type of a key's value, if it has one; tables of tables (dict) and arrays (tuple) have values of one type."""
    if get_origin(model) in (dict, tuple):
        return get_args(model)[int(get_origin(model) is dict)]
    found = next(f.annotation for name, f in model.model_fields.items() if part in (name, f.alias))
    return get_args(found)[0] if get_origin(found) is UnionType else found


def _keys(model: Any) -> list[str]:
    """Of a table; of a list of tables those of each; empty for a value."""
    if get_origin(model) is tuple:
        model = _inner(model, "")
    return list(getattr(model, "model_fields", ()))


def explain(error: ValidationError, model: Any) -> str:
    """One problem on one line, an unknown key before others: place, value, and the nearest accepted key."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    *path, last = map(str, first["loc"] or (model.__name__.lower(),))
    if first["type"] == "extra_forbidden":
        for part in path:
            model = _inner(model, part)
        accepted = [field.alias or name for name, field in model.model_fields.items()]
        if deeper := [f"{name}.{last}" for name in accepted if last in _keys(_inner(model, name))]:
            return f"unknown key '{'.'.join((*path, last))}'; did you mean {' or '.join(map(repr, deeper))}?"
        return str(unknown("key", last, accepted, ".".join(path)))
    place = ".".join((*path, last))
    if first["type"] == "missing":
        return f"{place} is missing"
    value = list(first["input"]) if isinstance(first["input"], tuple) else first["input"]
    shown = "" if isinstance(value, dict) and value else f" = {value!r}"
    why = first["msg"].removeprefix("Value error, ").replace("tuple", "list").replace("Tuple", "List")
    return f"{place}{shown} is not accepted: {why}"
