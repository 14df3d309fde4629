"""Reads YAML files and checks them against schemas; errors name the unknown key or wrong value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from typing_extensions import Self

from dr_grasp.common.reading import read_text
from dr_grasp.common.yaml_text import parse_yaml
from dr_grasp.errors import FileFormatError, SettingsError, quoted

LARGEST_SETTINGS_BYTES = 4 * 1024**2
"""Largest YAML file of settings; a robot's has about 4,000 bytes."""


LARGEST_NUMBER = 1e9
"""Largest number of a setting, in SI units, where the schema names no smaller one. Squares of it,
and products of a few, are finite."""

LONGEST_SETTING = 10_000
"""Most characters of a text in a setting."""


class Settings(BaseModel):
    """Base class of the schemas of our YAML files: no unknown keys, no endless numbers or texts."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=LONGEST_SETTING
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        for name, value in self:
            for number in _numbers(value):
                if abs(number) > LARGEST_NUMBER:
                    raise ValueError(
                        f"{name}: expected at most {LARGEST_NUMBER:g}, got {quoted(number)}"
                    )
        return self


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _numbers(part)


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def load_yaml(path: Path, schema: type[SettingsT]) -> SettingsT:
    """Read a YAML file into a schema.

    Raises:
        SettingsError: The file cannot be read, is no YAML, or does not fit the schema.
    """
    return validate(read_yaml(path), schema, path)


def read_yaml(path: Path) -> object:
    """Read a YAML file.

    Raises:
        SettingsError: The file cannot be read, is no YAML, too large or nested too deep, or has a
            key twice.
    """
    try:
        content: object = parse_yaml(read_text(path, LARGEST_SETTINGS_BYTES))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except FileFormatError as error:
        raise SettingsError(f"{path}: {error}") from error
    return content


def merged(base: object, changes: object) -> object:
    """Apply changes to the content of a YAML file: mappings key by key, all else is replaced."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {key: merged(base.get(key), value) for key, value in changes.items()}


def validate(content: object, schema: type[SettingsT], path: Path) -> SettingsT:
    """Check the content of a file against a schema.

    Raises:
        SettingsError: The content does not fit; the message names the file and the key.
    """
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """The first complaint of pydantic in one line: where, what was expected, what came.

    An unknown key is reported before a missing key, since it is often that key, spelt wrongly.
    """
    problems = error.errors(include_url=False)
    unknown = ("extra_forbidden", "unexpected_keyword_argument")  # of models, of dataclasses
    problem = min(problems, key=lambda found: found["type"] not in unknown)
    where = ".".join(str(part) for part in problem["loc"]) or "document"
    if problem["type"] == "missing":
        return f"{where}: expected a value, got nothing"
    if problem["type"] in unknown:
        return f"{where}: expected no such key"
    if problem["type"] in ("too_short", "too_long"):
        context = problem["ctx"]
        least = "min_length" in context
        bound = context["min_length" if least else "max_length"]
        count = context["actual_length"]
        return f"{where}: expected at {'least' if least else 'most'} {bound}, got {count or 'none'}"
    if problem["type"] == "value_error":  # raised by a validator of ours, which says all
        return f"{where}: {problem['ctx']['error']}"
    expected = problem["msg"].removeprefix("Input should be ")
    return f"{where}: expected {expected[:1].lower()}{expected[1:]}, got {quoted(problem['input'])}"
