"""Reference of the YAML files, from the classes that read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise
from dr_grasp.core.perturbation import Profile
from dr_grasp.formats.diagnosis_file import ThresholdsRecord
from dr_grasp.generation.importers import trajectory_layout
from dr_grasp.generation.importers.object_pose import ObjectPose
from dr_grasp.objects import object_settings as objects
from dr_grasp.robots import hardware_settings as hardware
from dr_grasp.robots import robot_settings as robots
from dr_grasp.scoring import profiles
from dr_grasp.twin import twin_profile as twin
from from_code.docstrings import summary
from from_code.markdown import plain
from from_code.schemas import Key, keys_of, keys_table

Sections = Mapping[str, tuple[type, ...]]
"""The class that reads each section of a file, by its place in it, and classes that describe it."""

ROBOT: Sections = {
    "": (robots.RobotSettings,),
    "arm": (robots.ArmSettings,),
    "hand": (robots.HandSettings,),
    "hand.synergies.NAME": (robots.SynergySettings,),
    "limits.JOINT": (robots.LimitSettings,),
    "table": (robots.TableSettings,),
    "controllers": (hardware.ControllerSettings,),
    "controllers.hand": (hardware.HandControllerSettings,),
    "moveit": (hardware.MoveItSettings,),
    "driver": (hardware.DriverSettings,),
}
OBJECT: Sections = {
    "": (objects.ObjectSettings,),
    "shape": (objects.ShapeSettings,),
    "shape.cylinder": (objects.CylinderSettings,),
    "shape.sphere": (objects.SphereSettings,),
    "family": (objects.FamilySettings,),
}
PROFILE: Sections = {
    "": (profiles.ProfileSettings, Profile),
    "object_pose": (profiles.ObjectPoseSettings, ObjectPoseNoise),
    "joints": (profiles.JointSettings, JointNoise),
    "dynamics": (profiles.DynamicsSettings, DynamicsNoise),
    "trials": (profiles.TrialSettings,),
    "identified": (profiles.IdentifiedSettings,),
    "identified.parameters.KEY": (profiles.FittedSettings,),
}
TWIN: Sections = {
    "": (twin.TwinProfile,),
    "perception": (twin.PerceptionSettings,),
    "object": (twin.ItemSettings,),
    "robot": (twin.DriveSettings,),
}
THRESHOLDS: Sections = {"": (ThresholdsRecord, Diagnosis)}
LAYOUT: Sections = {
    "": (trajectory_layout.TrajectoryLayout,),
    "phases": (trajectory_layout.PhaseSettings,),
    "gripper": (trajectory_layout.GripperSettings,),
    "hand": (trajectory_layout.HandSettings,),
    "object_in_base": (ObjectPose,),
}

FILES = {
    "robot": ROBOT,
    "object": OBJECT,
    "profile": PROFILE,
    "twin": TWIN,
    "thresholds": THRESHOLDS,
    "layout": LAYOUT,
}


def sections(file: Sections) -> dict[str, list[Key]]:
    """The keys of a file, by section."""
    return {place: keys_of(*classes) for place, classes in file.items()}


def keys(name: str) -> str:
    """The tables of one of `FILES`, a section each."""
    file = FILES[name]
    lines = []
    for place, found in sections(file).items():
        if place:
            words = re.sub(r"^The `[\w.]+` section(: |\.)", "", summary(file[place][0]))
            lines.append(f"**`{place}`** {plain(words)}\n")
        lines.append(keys_table(found))
    return "\n".join(lines)
