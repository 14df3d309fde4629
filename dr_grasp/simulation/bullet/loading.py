"""Loads URDFs into PyBullet, and says why if it refuses one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pybullet as p

from dr_grasp.common.quiet import quiet
from dr_grasp.errors import ModelError

MOST_WORDS_QUOTED = 40
"""Most words of PyBullet's that a message quotes, the last ones: these say why it gave up."""

_PLACE = re.compile(r"b3(Warning|Error|Printf)\[[^\]]*\]: *")
"""What it begins its lines with: where in its own code it is."""


def load_urdf(what: str, urdf: Path, **options: Any) -> int:
    """Load a URDF without a word on the terminal; returns PyBullet's number of the body.

    Args:
        what: What is loaded, for messages, before the file: "object mug:".
        urdf: The file.
        options: Arguments of PyBullet's `loadURDF`.

    Raises:
        ModelError: PyBullet refuses the file.
    """
    with quiet() as written:  # PyBullet warns of links without inertia, such as pure frames
        try:
            body: int = p.loadURDF(str(urdf), **options)
        except p.error as error:
            words = _PLACE.sub(" ", written()).split()
            said = " ".join([str(error), *words[-MOST_WORDS_QUOTED:]])
            raise ModelError(f"{what} {urdf}: PyBullet refuses: {said}") from error
    return body
