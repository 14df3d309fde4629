"""Makes a profile of findings, and writes it as a file, with what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from dr_grasp.common.atomic import write_whole
from dr_grasp.common.settings import validate
from dr_grasp.common.yaml_text import parse_yaml
from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise
from dr_grasp.core.perturbation import Profile
from dr_grasp.identification.findings import Finding, Identification
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.scoring.profiles import ProfileSettings
from dr_grasp.scoring.tally import software_version

DIGITS = 4
"""Significant digits of new values: no estimate of a laboratory is good to more than three."""

DECIMALS = 9
"""Decimal places of new values: what is smaller is a rounding error [m, rad, s or half ranges]."""

RANGES = (
    "joints.delay_s",
    "joints.lag_s",
    "dynamics.lateral_friction_scale",
    "dynamics.rolling_friction",
    "dynamics.spinning_friction",
    "dynamics.mass_scale",
    "dynamics.gripper_force_scale",
)
"""Keys whose value is a range [low, high]; that of all others is a number, or a list of numbers."""

IN_NO_FILE = ("key", "half_range_rad")
"""What a file does not say of a finding: the key stands before it, the robot has its ranges."""

HEADER = """\
# Written by `dr-grasp identify`. Score with it by `--profile` and the path of this file, or put it
# into the folder profiles/ of your settings, and score by its name: nodes and `replay` need that.
# The section `identified` says where each range comes from; scoring ignores it.
"""


def profile_from(old: Profile, findings: Sequence[Finding], robot: str, joints: int) -> Profile:
    """Change what was fitted in a profile, and keep the rest.

    Args:
        old: The old profile.
        findings: What was found; see `Finding.key`.
        robot: Name of the robot that the new profile is of.
        joints: Number of the robot's arm joints.
    """
    content = _sections(old)
    content["joints"]["offset_mean"] = list(old.joints.offset_mean)
    for finding in findings:
        if not finding.fitted or finding.new is None:
            continue
        section, field, *place = finding.key.split(".")
        low, high = finding.new
        if place:
            content[section][field] = content[section][field] or [0.0] * joints
            content[section][field][int(place[0])] = low
        else:
            content[section][field] = (low, high) if finding.key in RANGES else low
    pose, joint = content["object_pose"], content["joints"]
    as_tuples = {key: tuple(value) for key, value in pose.items() if isinstance(value, list)}
    return replace(
        old,
        object_pose=ObjectPoseNoise(**{**pose, **as_tuples}),
        joints=JointNoise(**{**joint, "offset_mean": tuple(joint["offset_mean"])}),
        dynamics=DynamicsNoise(**content["dynamics"]),
        robot=robot,
    )


def rounded(finding: Finding) -> Finding:
    """Round what was found, so that a file holds just what the profile has."""
    new = _rounded(finding.new) if finding.fitted else finding.new
    return replace(finding, new=new, interval=_rounded(finding.interval))


def _rounded(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds is None:
        return None
    # Never -0.0, which a rounded mean may become.
    low, high = (float(f"{round(value, DECIMALS):.{DIGITS}g}") + 0.0 for value in bounds)
    return low, high


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # yaml has no types
    """Writes lists of numbers in one line, and all else line by line."""

    def represent_list(self, values: list[Any]) -> yaml.Node:
        """Make a node of a list."""
        in_a_line = all(isinstance(value, int | float) for value in values)
        return self.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=in_a_line)


_Dumper.add_representer(list, _Dumper.represent_list)


def write_profile(path: Path, found: Identification) -> None:
    """Write the new profile, whole or not at all.

    Args:
        path: YAML file to write.
        found: What was identified.

    Raises:
        SettingsError: The profile would not load, e.g. for a folder of bags whose names need more
            space than a profile may have.
        OSError: The file cannot be written.
    """
    content = profile_document(found)
    text = HEADER + yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    validate(parse_yaml(text), ProfileSettings, path)
    write_whole(path, text.encode())


def profile_document(found: Identification) -> dict[str, Any]:
    """The profile as plain data, as in its file."""
    profile = found.profile
    return {
        "description": profile.description,
        "robot": profile.robot,
        "engine": None if profile.engine is None else profile.engine.value,
        **{name: _plain(section) for name, section in _sections(profile).items()},
        "trials": {criterion.value: number for criterion, number in profile.trials.items()},
        "identified": identified_document(found),
    }


def identified_document(found: Identification) -> dict[str, Any]:
    """From what the profile was made, as plain data; see `IdentifiedSettings`."""
    return {
        "from_profile": found.old.name,
        "from_fingerprint": fingerprint(found.old),
        "method": found.method,
        "engine": found.engine.value,
        "seed": found.seed,
        "iterations": found.iterations,
        "rollouts": found.rollouts,
        "attempts": found.attempts,
        "software_version": software_version(found.engine),
        "checks": list(found.checks),
        "parameters": {
            finding.key: {
                key: value
                for key, value in _plain(asdict(finding)).items()
                if key not in IN_NO_FILE
            }
            for finding in found.findings
        },
        "bags": dict(sorted(found.bags.items())),
    }


def _sections(profile: Profile) -> dict[str, dict[str, Any]]:
    return {
        name: {
            key: list(value)
            if isinstance(value, tuple) and f"{name}.{key}" not in RANGES
            else value
            for key, value in asdict(getattr(profile, name)).items()
        }
        for name in ("object_pose", "joints", "dynamics")
    }


def _plain(section: dict[str, Any]) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in section.items()
    }
