"""Reads randomisation profiles from config/profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, NonNegativeFloat, model_validator

from dr_grasp.common.resources import config_file, config_names, user_directory
from dr_grasp.common.settings import Settings, load_yaml
from dr_grasp.core.engine import Engine
from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise
from dr_grasp.core.perturbation import Criterion, Profile
from dr_grasp.core.texts import check_name
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.robots.robot_spec import RobotSpec, load_robot

PROFILES = "profiles"
"""Name of the folders that hold profiles."""

MOST_TRIALS = 1_000_000
"""Most rollouts of a criterion; a fitness is then known to 0.1 %."""

MOST_JOINTS = 100
"""Most joints of an arm."""

Trials = Annotated[int, Field(gt=0, le=MOST_TRIALS)]
Range = tuple[NonNegativeFloat, NonNegativeFloat]
Deviation = Annotated[float, Field(ge=0.0)]
Factor = Annotated[float, Field(gt=0.0)]
Latency = Annotated[float, Field(ge=0.0, le=0.5)]


def _ordered(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds is not None and bounds[0] > bounds[1]:
        raise ValueError(f"expected low <= high, got {list(bounds)}")
    return bounds


class ObjectPoseSettings(Settings):
    """The `object_pose` section: perception error, of OSDR and MDR."""

    position_std_m: Deviation
    rotation_std_rad: tuple[Deviation, Deviation, Deviation]
    position_mean_m: tuple[float, float] = (0.0, 0.0)
    rotation_mean_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


class JointSettings(Settings):
    """The `joints` section: control error, positions in half joint ranges, of JSDR and MDR."""

    jitter_std: Deviation
    offset_std: Deviation
    offset_mean: Annotated[tuple[float, ...], Field(max_length=MOST_JOINTS)] = ()
    delay_s: Annotated[tuple[Latency, Latency] | None, AfterValidator(_ordered)] = None
    lag_s: Annotated[tuple[Latency, Latency] | None, AfterValidator(_ordered)] = None


class DynamicsSettings(Settings):
    """The `dynamics` section: ranges [low, high], of FDR and MDR; null for the nominal value."""

    lateral_friction_scale: Range | None
    rolling_friction: Range | None
    spinning_friction: Range | None
    mass_scale: tuple[Factor, Factor] | None
    center_of_mass_std_m: Deviation
    gripper_force_scale: tuple[Factor, Factor] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> DynamicsSettings:
        for name, value in self:
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"{name}: expected low <= high, got {list(value)}")
        return self


class TrialSettings(Settings):
    """The `trials` section: the numbers of rollouts.

    Attributes:
        osdr: Rollouts of OSDR.
        jsdr: Rollouts of JSDR.
        fdr: Rollouts of FDR.
        mdr: Rollouts of MDR.
    """

    osdr: Trials
    jsdr: Trials
    fdr: Trials
    mdr: Trials


class FittedSettings(Settings):
    """What was found of one key of the profile, in `identified.parameters.KEY`.

    Attributes:
        label: Name of the parameter in words.
        unit: Unit of all its values; empty for factors.
        old: What the old profile had: a range [low, high], or a number twice; null for null.
        new: What this profile has.
        interval: The 90 % interval of what the attempts themselves showed; null for nothing.
        fitted: Whether the new value was fitted; if not, the old one was kept.
        reason: On how much that rests, or why the old one was kept.
    """

    label: str
    unit: str
    old: tuple[float, float] | None
    new: tuple[float, float] | None
    interval: tuple[float, float] | None
    fitted: bool
    reason: str


class IdentifiedSettings(Settings):
    """The `identified` section: from what `dr-grasp identify` made the profile. Scoring ignores it.

    Attributes:
        from_profile: Name of the old profile.
        from_fingerprint: Fingerprint of the old profile.
        method: How outcomes were explained.
        engine: The engine of the rollouts.
        seed: Seed of all that was drawn.
        iterations: Number of iterations of the method.
        rollouts: Number of rollouts.
        attempts: Number of attempts.
        software_version: Versions of dr_grasp and of the engine.
        checks: What was checked, in one line each.
        parameters: What was found, by key of the profile; an item of a list is named by its place.
        bags: Fingerprint of each bag by its path.
    """

    from_profile: str
    from_fingerprint: str
    method: str
    engine: Engine
    seed: int
    iterations: int
    rollouts: int
    attempts: int
    software_version: str
    checks: list[str]
    parameters: dict[str, FittedSettings]
    bags: dict[str, str]


class ProfileSettings(Settings):
    """Schema of a file in config/profiles; its keys are those of `Profile`.

    Attributes:
        identified: From what `dr-grasp identify` made the profile; scoring ignores it.
    """

    description: str
    object_pose: ObjectPoseSettings
    joints: JointSettings
    dynamics: DynamicsSettings
    trials: TrialSettings
    engine: Engine | None = None
    robot: str | None = None
    identified: IdentifiedSettings | None = None

    @model_validator(mode="after")
    def _of_one_robot(self) -> ProfileSettings:
        if self.joints.offset_mean and self.robot is None:
            raise ValueError("joints.offset_mean: expected the robot that it is of, got none")
        return self


def load_profile(name: str) -> Profile:
    """Load a profile by name.

    Raises:
        UnknownNameError: There is no such profile.
        SettingsError: The file of the profile does not fit the schema.
    """
    try:
        path = config_file(PROFILES, name, "profile")
    except UnknownNameError:
        folder = user_directory() / PROFILES
        hint = f"the file of your own profile belongs in {folder}"
        raise UnknownNameError("profile", name, config_names(PROFILES), hint) from None
    return read_profile(path)


def profile_at(path: Path) -> Profile:
    """Read a profile from a file anywhere, which scores will name by its file's name.

    Raises:
        SettingsError: The file cannot be read, does not fit the schema, or has the name of another
            profile: scores would then be taken for that one's.
        InvalidGraspError: The name cannot stand in a scores file.
    """
    check_name("profile", path.stem)
    profile = read_profile(path)
    if path.stem in config_names(PROFILES):
        known = config_file(PROFILES, path.stem, "profile")
        if read_profile(known) != profile:
            raise SettingsError(
                f"{path}: expected a name that no other profile has, got that of {known}: scores "
                "name their profile by it; give the file another name"
            )
    return profile


def read_profile(path: Path) -> Profile:
    """Read the file of a profile, whose name is that of the file without its ending.

    Raises:
        SettingsError: The file cannot be read, or does not fit the schema.
    """
    content = load_yaml(path, ProfileSettings)
    return Profile(
        name=path.stem,
        description=content.description,
        object_pose=ObjectPoseNoise(**content.object_pose.model_dump()),
        joints=JointNoise(**content.joints.model_dump()),
        dynamics=DynamicsNoise(**content.dynamics.model_dump()),
        trials={Criterion(key): value for key, value in content.trials.model_dump().items()},
        engine=content.engine,
        robot=content.robot,
    )


def check_profile(profile: Profile, robot: RobotSpec) -> None:
    """Refuse to score grasps of a robot with the profile of another.

    Raises:
        SettingsError: The profile is of another robot, or has mean errors of other joints.
    """
    if profile.robot not in (None, robot.name):
        raise SettingsError(
            f"profile {profile.name}: expected grasps of {profile.robot}, of which it is, "
            f"got {robot.name}"
        )
    means, joints = len(profile.joints.offset_mean), len(robot.arm_joints)
    if means not in (0, joints):
        raise SettingsError(
            f"profile {profile.name}: joints.offset_mean: expected {joints} numbers, one for each "
            f"arm joint of {robot.name}, got {means}"
        )


def robot_scored_by(profile: Profile, grasp: GraspTrajectory) -> RobotSpec:
    """Load the robot of a grasp that is to be scored with a profile.

    Raises:
        UnknownNameError: There is no such robot.
        SettingsError: The profile is of another robot.
    """
    robot = load_robot(grasp.robot)
    check_profile(profile, robot)
    return robot


def engine_for(name: str | None, profile: Profile | None) -> Engine:
    """Choose the engine of a request: the engine that it names, else the profile's, else PyBullet.

    Args:
        name: Name of the engine that was asked for; None or empty if none was.
        profile: The profile of the request; None without one.

    Raises:
        UnknownNameError: There is no such engine.
    """
    if name:
        return Engine.from_name(name)
    wished = None if profile is None else profile.engine
    return Engine.BULLET if wished is None else wished
