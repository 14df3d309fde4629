"""Reads the attempts of one robot from bags of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dr_grasp.identification.evidence import Evidence


def read_evidence(sessions: Sequence[Path], robot: str | None) -> Evidence:
    """Read all attempts of a robot from bags.

    Args:
        sessions: Folders that hold bags, or bags, or bags' files.
        robot: Name of the robot; None if the bags hold attempts of one robot only.

    Raises:
        RecordingError: There is no such folder, no bag in a folder, or no bag that can be read.
        SettingsError: The bags hold attempts of several robots and none is named, or none of the
            one that is named, or no attempts at all.
    """
    raise NotImplementedError
