"""What the rollout loop needs of a physics engine, and how to open the worlds of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import SINGLE, Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.scene import Contacts, ObjectState

if TYPE_CHECKING:
    from dr_grasp.simulation.bullet.kinematics import RobotWorld
    from dr_grasp.simulation.mujoco.settings import ScoringSettings
    from dr_grasp.simulation.rollout import Rollout
    from dr_grasp.simulation.rollout_runner import Shortcuts


class TableScene(Protocol):
    """A table and an object, without the robot, to let the object come to rest.

    `start_object` brings the scene into exactly the same state each time, whatever ran before.

    Attributes:
        robot: The robot, whose specification says where the table stands.
        object: The object on the table.
    """

    robot: RobotSpec
    object: ObjectSpec

    @property
    def object_state(self) -> ObjectState:
        """Pose and velocity of the object in the base frame."""

    def start_object(self, object_in_base: Pose, perturbation: Perturbation) -> None:
        """Put the object at rest at its `place_of`, with the perturbation's mass and friction."""

    def advance(self) -> None:
        """Simulate the time of one command, 1 / `RATE_HZ` seconds."""

    def observe(self) -> Observation:
        """Observe the present state for the judge; without a robot nothing touches the object."""

    def object_pose(self) -> Pose:
        """Pose of the object's frame, which is its mesh's frame, in the base frame."""

    def close(self) -> None:
        """Free the scene; may be called twice."""


class World(TableScene, Protocol):
    """A robot, a table and an object, ready for any number of rollouts.

    `start` brings the world into exactly the same state each time, whatever ran before.
    """

    def open_table(self) -> TableScene:
        """Open a scene of the same table and object in the same engine, closed by the caller."""

    @property
    def geometry(self) -> RobotWorld:
        """Kinematics and distances in free air of the same robot, table and object.

        Every engine has PyBullet's: what is left out of a rollout is then the same in all.
        """

    def start(
        self,
        object_in_base: Pose,
        perturbation: Perturbation,
        arm: FloatArray,
        hand: FloatArray,
        *,
        arm_velocity: FloatArray | None = None,
        object_state: ObjectState | None = None,
    ) -> None:
        """Set the scene for a rollout.

        Args:
            object_in_base: Where the object is believed to stand, in the base frame.
            perturbation: How place and dynamics of the object differ from the nominal scene.
            arm: Shape (n,), arm positions at the start [rad or m].
            hand: Shape (m,), hand positions at the start [rad or m].
            arm_velocity: Shape (n,), arm velocities at the start [rad/s or m/s]; None at rest.
            object_state: State of the object at the start; None to put it above its place.
        """

    def follow(self, positions: FloatArray, velocities: FloatArray) -> None:
        """Take the commands that `drive` gives to the arm's motors; see `motor_aims`.

        Args:
            positions: Shape (t, n), where the arm's joints should be after a command [rad or m].
            velocities: Shape (t, n), velocities to feed forward [rad/s or m/s].
        """

    def drive(self, command: int) -> None:
        """Give the arm's motors a command by its index; it holds until the next one."""

    def command_hand(self, positions: FloatArray, force: float) -> None:
        """Set the targets of the hand's motors; they stay until set again.

        Args:
            positions: Shape (m,), targets of the driven joints [rad or m]; mimic joints follow.
            force: Largest force or torque of each drive [N or N m].
        """

    def push(self, force_in_base: FloatArray) -> None:
        """Push the object with a force, beside its weight, until set again; `start` ends it.

        Args:
            force_in_base: Shape (3,), force on the centre of mass along the base frame's axes [N].
        """

    def tcp_pose(self) -> Pose:
        """Pose of the tool centre point in the base frame."""

    def hand_positions(self) -> FloatArray:
        """Positions of the driven hand joints, shape (m,) [rad or m]."""

    def object_in_hand(self) -> FloatArray:
        """Position of the centre of mass in the frame of the tool centre point, shape (3,) [m]."""

    def object_clearance(self, within: float) -> float:
        """Distance of the robot from the object [m], at most `within`."""

    def hand_contacts(self) -> Contacts:
        """Contacts of the hand with the object in the last step, with a normal force."""


def never() -> bool:
    """Tells that work is not cancelled, where nobody can cancel it."""
    return False


class BatchRunner(Protocol):
    """Simulates many rollouts at the same time; the rollouts are those of `RolloutRunner`."""

    def run(
        self,
        rollouts: Iterable[tuple[GraspTrajectory, Perturbation]],
        is_cancelled: Callable[[], bool] = never,
    ) -> Iterator[tuple[int, Rollout]]:
        """Simulate rollouts; gives each as soon as it has ended, with its number from 0.

        If an iteration is given up, its rollouts are, too.

        Args:
            rollouts: Grasps with perturbations, taken one by one as worlds become free: there may
                be millions.
            is_cancelled: Called every some milliseconds; True ends the iteration.
        """

    def close(self) -> None:
        """Free the worlds; may be called twice."""


def open_world(engine: Engine, robot: RobotSpec, obj: ObjectSpec) -> World:
    """Open a world of a robot and an object, to be closed by the caller.

    Raises:
        ModelError: The engine refuses the robot or the object.
        SettingsError: The engine has no single worlds.
    """
    check_single(engine)
    if engine is Engine.BULLET:
        from dr_grasp.simulation.bullet.world import BulletWorld

        return BulletWorld(robot, obj)
    from dr_grasp.simulation.mujoco.world import MujocoWorld

    return MujocoWorld(robot, obj)


def check_single(engine: Engine) -> None:
    """Refuse an engine in which `open_world` cannot open a world.

    Raises:
        SettingsError: The engine has no single worlds.
    """
    if engine not in SINGLE:
        names = " or ".join(single.value for single in SINGLE)
        raise SettingsError(
            f"engine: expected {names}, which simulate one rollout at a time, got {engine.value}"
        )


WORLDS = 1024
"""Rollouts at the same time if none is said: those of a label, 550, with some to spare."""

MOST_WORLDS = 65_536
"""Most rollouts at the same time: some 0.5 MB each are 33 GB, which only large cards have. Which
number is fastest has not been measured on a card yet."""


def check_worlds(worlds: int) -> None:
    """Refuse a number of rollouts at the same time that is out of bounds.

    Raises:
        SettingsError: It is not from 1 to `MOST_WORLDS`.
    """
    if not 1 <= worlds <= MOST_WORLDS:
        raise SettingsError(f"worlds: expected 1 to {MOST_WORLDS}, got {worlds}")


def open_batches(worlds: int, shortcuts: Shortcuts) -> BatchRunner:
    """Open a runner of batches in MuJoCo Warp, to be closed by the caller.

    Args:
        worlds: Number of rollouts that are simulated at the same time.
        shortcuts: What rollouts leave out because it decides nothing.

    Raises:
        SettingsError: The engine cannot be used on this machine.
    """
    from dr_grasp.simulation.warp.batch_runner import BatchRunner as Runner

    # Without ordered sums: they cost more, and alone do not make a GPU give the same twice.
    return Runner(worlds, shortcuts=shortcuts)


def check_available(engine: Engine) -> None:
    """Refuse an engine that cannot be used on this machine.

    Raises:
        SettingsError: Its package is not installed, or there is no GPU for it.
    """
    if engine is Engine.MUJOCO_WARP:
        from dr_grasp.simulation.warp import device

        device.check_available()


def engine_settings(engine: Engine) -> ScoringSettings | None:
    """Settings of an engine on which scores depend beside its version, for fingerprints.

    None for PyBullet, whose settings are part of the version of dr_grasp: scores have said nothing
    of them from the first version on.
    """
    if engine is Engine.BULLET:
        return None
    from dr_grasp.simulation.mujoco.settings import SCORING

    return SCORING


def engine_gpu(engine: Engine) -> str | None:
    """Name of the GPU that an engine uses on this machine; None for engines that use none.

    Raises:
        SettingsError: The engine cannot be used on this machine.
    """
    if engine is not Engine.MUJOCO_WARP:
        return None
    from dr_grasp.simulation.warp import device

    return device.device_name()


def engine_version(engine: Engine) -> str:
    """Name and version of a physics engine, as scores carry it; does not load the engine."""
    from importlib.metadata import version

    return f"{engine.package} {version(engine.package)}"
