"""Reads YAML within bounds: the one loader for all YAML that we read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import yaml

from dr_grasp.common.reading import one_line
from dr_grasp.errors import FileFormatError

DEEPEST_YAML = 100
"""Most levels of a YAML document. Ours and the formats we import have fewer than 10; thousands
would crash PyYAML's loader in C."""

MOST_YAML_VALUES = 100_000
"""Most values of a YAML document, each alias counted as a copy of what it stands for. A robot's
file has about 100, the metadata of a bag of a thousand files about 10,000."""


def parse_yaml(text: str | bytes, most_values: int = MOST_YAML_VALUES) -> Any:
    """Read a YAML document; it is measured before anything is made of it.

    Args:
        text: The document.
        most_values: Most values that it may have.

    Raises:
        FileFormatError: The text is no YAML, half-written, too large, nested too deep, or has a key
            twice; the message does not name the file.
    """
    try:
        _check_extent(text, most_values)
        return yaml.load(text, Loader=_Loader)
    except FileFormatError:
        raise
    except Exception as error:  # a tag may force any text into any type, and each has its errors
        raise FileFormatError(
            f"expected a whole YAML document, got {one_line(error)} (half-written?)"
        ) from error


@dataclass(slots=True)
class _Extent:
    """How large a value is if each alias is a copy.

    Attributes:
        anchor: The name by which aliases stand for the value; None for none.
        values: Number of values, itself included.
        levels: Number of levels, itself included.
    """

    anchor: str | None = None
    values: int = 1
    levels: int = 1


def _check_extent(text: str | bytes, most_values: int) -> None:
    named: dict[str, _Extent] = {}
    opened = [_Extent()]  # the document, and the collections that have begun and not ended
    for event in yaml.parse(text, Loader=_Loader):  # parsing needs no recursion and little time
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Extent(event.anchor))
            extent = None
        elif isinstance(event, yaml.CollectionEndEvent):
            extent = opened.pop()
        elif isinstance(event, yaml.ScalarEvent):
            extent = _Extent(event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in named:
                raise FileFormatError(
                    f"expected *{event.anchor} to stand for an earlier value, got none before "
                    f"line {event.start_mark.line + 1}"
                )
            extent = named[event.anchor]
        else:
            continue
        if extent is not None:
            if extent.anchor is not None:
                named[extent.anchor] = extent
            around = opened[-1]
            around.values += extent.values
            around.levels = max(around.levels, extent.levels + 1)
        line = event.start_mark.line + 1
        if len(opened) + opened[-1].levels - 2 > DEEPEST_YAML:
            raise FileFormatError(
                f"expected at most {DEEPEST_YAML} levels, got more in line {line}"
            )
        if opened[-1].values > most_values:
            raise FileFormatError(
                f"expected at most {most_values} values, aliases counted as copies, "
                f"got more up to line {line}"
            )


# The loader in C, if PyYAML was built with it, is ten times as fast.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses a key given twice: PyYAML would lose the first value."""

    def flatten_mapping(self, node: Any) -> None:
        """Check the keys, once, then insert those of `<<` as the base class does."""
        if not hasattr(node, "checked"):
            counts = Counter(str(key.value) for key, _ in node.value)
            for key, count in counts.items():
                if count > 1:
                    line = node.start_mark.line + 1
                    raise FileFormatError(
                        f"expected each key once, got {key!r:.60} twice in the mapping that "
                        f"begins in line {line}"
                    )
            node.checked = True
        super().flatten_mapping(node)
