"""What the twin needs of a physics engine, and how to open a world of one."""

from __future__ import annotations

from typing import Protocol

from typing_extensions import Self

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.provenance.fingerprint import TWIN_ENGINE
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.twin_profile import RobotTruth

CONTROL_RATE_HZ = 250.0
"""Rate at which the drives accept commands, in every engine."""

ARM_BANDWIDTH = 100.0
"""Natural frequency of each critically damped arm joint [rad/s]; the lag is 2 / 100 s = 20 ms."""


class TwinWorld(Protocol):
    """A robot with hidden errors on its table, with at most one object.

    Each arm joint's true position is the encoder's position plus a zero error, commands take effect
    after a delay, and the hand's drives press with another force than commanded. Nothing from
    before a `reset` has an effect after it.

    Attributes:
        joints: Names of the joints: of the arm, then driven and then mimicking ones of the hand.
    """

    joints: tuple[str, ...]

    def reset(
        self, arm: FloatArray, hand: FloatArray, object_in_base: Pose | None, hand_force: float
    ) -> None:
        """Begin anew with everything at rest.

        Args:
            arm: Encoder positions of the arm joints, shape (n,) [rad or m].
            hand: Positions of the driven hand joints, shape (m,) [rad or m].
            object_in_base: The object's mesh frame in the base frame; None if there is no object.
            hand_force: Largest force or torque that each hand drive is commanded to use [N or N m].
        """

    def limit_hand(self, force: float) -> None:
        """Set the largest force [N] or torque [N m] that each hand drive is commanded to use."""

    def take_over_robot(self, source: Self) -> None:
        """Copy the robot's state and pending commands from another world of the same robot."""

    def command(self, arm: FloatArray, hand: FloatArray) -> None:
        """Send a command to the drives; must be called once before every `advance`.

        Args:
            arm: Commanded encoder positions of the arm joints, shape (n,) [rad or m].
            hand: Commanded positions of the driven hand joints, shape (m,) [rad or m].
        """

    def advance(self, commands: int = 1) -> None:
        """Simulate the time of a number of commands, 1 / `CONTROL_RATE_HZ` seconds each."""

    @property
    def joint_positions(self) -> FloatArray:
        """Encoder positions of `joints` [rad or m]."""

    @property
    def joint_velocities(self) -> FloatArray:
        """Velocities of `joints` [rad/s or m/s]."""

    @property
    def joint_efforts(self) -> FloatArray:
        """Efforts of the drives of `joints`, without those that carry the robot [N m or N]."""

    @property
    def diverged(self) -> bool:
        """Whether the simulation has become unstable since the last reset."""

    def object_in_base(self) -> Pose:
        """True pose of the object's mesh frame; must not be called after the world diverged."""

    def tcp_in_base(self) -> Pose:
        """True pose of the tool centre point in the base frame."""

    def observe(self) -> Observation:
        """Observe the state that an attempt is judged by."""

    @property
    def robot_touches_object(self) -> bool:
        """Whether any link of the robot touches the object."""


def open_twin_world(
    engine: TwinEngine,
    robot: RobotSpec,
    item: ObjectSpec | None,
    object_truth: ObjectDynamics,
    robot_truth: RobotTruth | None = None,
) -> TwinWorld:
    """Build a world of the twin.

    Args:
        engine: The engine.
        robot: The robot.
        item: The object; None for an empty table, without calls of methods about the object.
        object_truth: How the object differs from its description.
        robot_truth: How the robot differs from its description; None for no difference.

    Raises:
        ModelError: The engine refuses the robot or the object.
        SettingsError: The engine's package is not installed.
    """
    engine.check_available()
    if engine is TwinEngine.MUJOCO:
        from dr_grasp.twin.mujoco_world import MujocoTwinWorld

        return MujocoTwinWorld(robot, item, object_truth, robot_truth)
    from dr_grasp.twin.sapien.world import SapienTwinWorld

    return SapienTwinWorld(robot, item, object_truth, robot_truth)


def engine_settings(engine: TwinEngine) -> dict[str, object]:
    """An engine's settings by the kind under which attempts have their fingerprint.

    Empty of MuJoCo, of which attempts carry the version alone, as those of earlier versions.
    """
    if engine is TwinEngine.MUJOCO:
        return {}
    from dr_grasp.twin.sapien.settings import SETTINGS

    return {TWIN_ENGINE: SETTINGS}
