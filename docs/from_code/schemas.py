"""What a class that reads a file accepts: each key with type, bounds, default and description.

Types and bounds are those of the JSON schema that pydantic makes of the class; the words are those
of the docstrings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from from_code.docstrings import attributes
from from_code.markdown import code, plain, table

REQUIRED, NONE = "required", "none"

_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
    "array": "list",
}


@dataclass(frozen=True)
class Key:
    """A key of a file.

    Attributes:
        name: The key.
        kind: Type and bounds, in words.
        default: The default as it is written in the file; `REQUIRED`, or `NONE` if nothing stands
            for the key where it is left out.
        description: What it means; empty if the code does not say it.
    """

    name: str
    kind: str
    default: str
    description: str


def keys_of(schema: type, *described_by: type) -> list[Key]:
    """The keys that a class reads.

    Args:
        schema: The class, of pydantic or a dataclass.
        described_by: Classes whose docstrings describe the keys that its own does not.
    """
    content = TypeAdapter(schema).json_schema()
    defs = content.get("$defs", {})
    if "$ref" in content:
        content = defs[content["$ref"].rpartition("/")[2]]
    words: dict[str, str] = {}
    for cls in (*reversed(described_by), schema):
        words |= attributes(cls)
    return [
        Key(
            name,
            in_words(field, defs),
            REQUIRED if name in content.get("required", ()) else as_yaml(field.get("default")),
            words.get(name) or field.get("description", ""),
        )
        for name, field in content["properties"].items()
    ]


def keys_table(keys: list[Key]) -> str:
    """A table of keys."""
    rows = [
        [
            code(key.name),
            plain(key.kind),
            key.default if key.default in (REQUIRED, NONE) else code(key.default),
            re.sub(r"\bNone\b", "null", plain(key.description)),  # as files write it
        ]
        for key in keys
    ]
    return table(["key", "type", "default", "meaning"], rows)


def as_yaml(value: Any) -> str:
    """A default as YAML writes it; "none" if nothing stands for the key where it is left out."""
    if value is None or value == {}:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return '""' if value == "" else str(value)


def in_words(field: dict[str, Any], defs: dict[str, Any]) -> str:
    """The type of a key, with its bounds."""
    if "$ref" in field:
        target = defs[field["$ref"].rpartition("/")[2]]
        return in_words(target, defs) if "enum" in target else "section"
    if "anyOf" in field:
        # What may be left out need not be written as null.
        optional = field.get("default", field) is None
        parts = [part for part in field["anyOf"] if not (optional and part == {"type": "null"})]
        return " or ".join(in_words(part, defs) for part in parts)
    if "enum" in field:
        return f"one of {', '.join(map(str, field['enum']))}"
    kind = field.get("type")
    if kind == "array":
        return _list(field, defs)
    if kind == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"mapping of name to {in_words(field['additionalProperties'], defs)}"
    return ", ".join([_TYPES.get(kind, "any"), *_bounds(field)])


def _list(field: dict[str, Any], defs: dict[str, Any]) -> str:
    if "prefixItems" in field:
        parts = [in_words(part, defs) for part in field["prefixItems"]]
        if len(set(parts)) == 1:
            return f"{len(parts)} x {parts[0]}"
        return " and ".join(parts)
    bounds = {"minItems": "at least {:,} of them", "maxItems": "at most {:,} of them"}
    counts = [text.format(field[key]) for key, text in bounds.items() if key in field]
    items = f"list of {in_words(field['items'], defs)}" if field.get("items") else "list"
    return ", ".join([items, *counts])


def _bounds(field: dict[str, Any]) -> list[str]:
    words = {
        "exclusiveMinimum": "above",
        "minimum": "at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    return [f"{word} {_number(field[key])}" for key, word in words.items() if key in field]


def _number(value: float) -> str:
    for bits in (32, 64):
        if value in (2**bits, 2**bits - 1):
            return f"2^{bits}{' - 1' * (value % 2)}"
    return f"{value:,g}" if value < 1e5 else f"{value:,.0f}"
