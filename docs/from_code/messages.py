"""Reference of messages, services and actions, from the texts of dr_grasp_interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from from_code.markdown import code, plain, table

FOLDER = Path(__file__).parents[2] / "dr_grasp_interfaces"

PARTS = {
    "msg": ("",),
    "srv": ("Request", "Response"),
    "action": ("Goal", "Result", "Feedback"),
}
"""What the lines --- separate, by the kind of file."""

_LINE = re.compile(
    r"(?P<kind>\S+)\s+(?P<name>\w+)\s*(?:=\s*(?P<constant>\S+)|(?P<default>[^#\s][^#]*?))?\s*"
    r"(?:#\s*(?P<words>.*))?"
)


@dataclass
class Field:
    """A field or a constant.

    Attributes:
        kind: Its type.
        name: Its name.
        value: Value of a constant, or default of a field; empty for none.
        constant: Whether it is a constant.
        words: The comment beside it.
    """

    kind: str
    name: str
    value: str
    constant: bool
    words: str


@dataclass
class Interface:
    """A message, a service or an action.

    Attributes:
        name: Its name.
        kind: "msg", "srv" or "action".
        words: The comment at its beginning.
        parts: Fields of each of its parts, as in `PARTS`.
    """

    name: str
    kind: str
    words: str
    parts: list[list[Field]] = field(default_factory=list)


def interfaces() -> Iterator[Interface]:
    """All interfaces, in the order of kinds and names."""
    for kind in PARTS:
        for path in sorted((FOLDER / kind).glob(f"*.{kind}")):
            yield _read(path, kind)


def _read(path: Path, kind: str) -> Interface:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    words = "\n".join(line.removeprefix("#").strip() for line in head.splitlines())
    found = Interface(path.stem, kind, words, [[]])
    for line in filter(None, map(str.strip, body.splitlines())):
        fields = found.parts[-1]
        if line == "---":
            found.parts.append([])
        elif line.startswith("#"):
            fields[-1].words += f" {line.removeprefix('#').strip()}"
        else:
            read = _LINE.fullmatch(line)
            if read is None:
                raise ValueError(f"{path}: expected a field or a constant, got {line!r}")
            value = read["constant"] or read["default"] or ""
            is_constant = read["constant"] is not None
            fields.append(
                Field(read["kind"], read["name"], value, is_constant, read["words"] or "")
            )
    return found


def page() -> str:
    """The reference, a chapter for each kind."""
    titles = {"msg": "Messages", "srv": "Services", "action": "Actions"}
    lines = []
    for kind, title in titles.items():
        lines.append(f"## {title}\n")
        for found in interfaces():
            if found.kind == kind:
                lines += _chapter(found)
    return "\n".join(lines)


def _chapter(found: Interface) -> Iterator[str]:
    yield f"### {found.name}\n\n`dr_grasp_interfaces/{found.kind}/{found.name}`\n"
    yield f"{plain(found.words)}\n"
    for title, fields in zip(PARTS[found.kind], found.parts, strict=True):
        if title:
            yield f"**{title}**\n"
        constants = [entry for entry in fields if entry.constant]
        others = [entry for entry in fields if not entry.constant]
        if constants:
            rows = [
                [code(entry.name), code(entry.value), plain(entry.words)] for entry in constants
            ]
            yield table(["constant", "value", "meaning"], rows)
        rows = [
            [code(entry.name), code(entry.kind), code(entry.value), plain(entry.words)]
            for entry in others
        ]
        if any(entry.value for entry in others):
            yield table(["field", "type", "default", "meaning"], rows)
        else:
            yield table(["field", "type", "meaning"], [[*row[:2], row[3]] for row in rows])
