"""Reads docstrings in Google style: sections such as `Attributes:`, with an entry a name."""

from __future__ import annotations

import inspect
import re

_ENTRY = re.compile(r"    (?P<name>[^\s:(][^\s:(]*)(?: \((?P<kind>[^)]*)\))?(?P<rest>[,:].*)")


def summary(cls: type) -> str:
    """What a docstring says before its first section, without line breaks."""
    lines = []
    for line in _lines(cls):
        if re.fullmatch(r"[A-Z]\w+:", line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def entries(cls: type, section: str) -> dict[str, tuple[str, str]]:
    """The entries of a section: by name the text in brackets, and the description.

    An entry is `name: description` or `name (kind): description`, or `name (kind), description`;
    lines that are indented further belong to it. Sections of the classes that `cls` is derived from
    count as well.
    """
    found: dict[str, list[str]] = {}
    for base in reversed(cls.__mro__):
        within, name = False, ""
        for line in _lines(base) if "__doc__" in vars(base) else []:
            if line and not line.startswith(" "):
                within = line == f"{section}:"
                continue
            entry = _ENTRY.fullmatch(line)
            if within and entry:
                name = entry["name"]
                found[name] = [entry["kind"] or "", entry["rest"].lstrip(",: ")]
            elif within and line.strip() and name:
                found[name][1] += f" {line.strip()}"
    return {name: (kind, text) for name, (kind, text) in found.items()}


def attributes(cls: type) -> dict[str, str]:
    """Descriptions of a class's attributes, by name."""
    return {name: text for name, (_, text) in entries(cls, "Attributes").items()}


def _lines(cls: type) -> list[str]:
    return inspect.cleandoc(cls.__doc__ or "").splitlines()
