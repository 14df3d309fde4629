"""Puts what follows from the code into the pages, where they have a line <!-- from code: NAME -->.

The pages in the repository have words of ours around these lines; nothing generated is committed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from from_code import drawings, files, messages, nodes, settings, verbs

MADE: dict[str, Callable[[], str]] = {
    "verbs": verbs.page,
    "messages": messages.page,
    "nodes": nodes.nodes,
    "launch arguments": nodes.launch_arguments,
    "quality of service": nodes.qualities,
    "rooms": drawings.rooms,
    "processes": drawings.processes,
    **{f"file {name}": partial(files.keys, name) for name in files.FILES},
    **{f"settings {name}": partial(settings.keys, name) for name in settings.FILES},
}

MARK = re.compile(r"^<!-- from code: (.+) -->$", re.MULTILINE)


def has_marks(text: str) -> bool:
    """Whether a page has lines to be replaced."""
    return bool(MARK.search(text))


def fill(text: str) -> str:
    """A page with its marked lines replaced.

    Args:
        text: The page.

    Raises:
        KeyError: A line names nothing that can be made.
    """
    return MARK.sub(lambda found: MADE[found[1]](), text)
