"""Makes grasps from joint trajectories that other programs planned or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dr_grasp.common.settings import load_yaml
from dr_grasp.common.xml_text import read_xml
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, FileFormatError, SettingsError
from dr_grasp.generation.importers.trajectory_layout import Column, TrajectoryLayout
from dr_grasp.generation.importers.trajectory_rows import Wanted, read_rows
from dr_grasp.generation.joint_trajectory import JointTrajectory
from dr_grasp.generation.standing import check_standing
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.engine import World
from dr_grasp.simulation.rollout import settled_pose

METHOD = "trajectories"


@dataclass(frozen=True, slots=True)
class ImportedTrajectories:
    """Result of an import; each trajectory is in exactly one of `grasps` and `refused`.

    Attributes:
        grasps: The grasps.
        refused: Trajectories that cannot be used, with reasons.
        slowed: What was retimed, a line for each phase.
    """

    grasps: tuple[GraspTrajectory, ...]
    refused: tuple[RefusedGrasp, ...]
    slowed: tuple[str, ...]


def read_layout(path: Path, robot: RobotSpec) -> TrajectoryLayout:
    """Read the YAML file that says what the columns of trajectories mean.

    Raises:
        SettingsError: It cannot be read, does not fit the schema, or does not fit the robot.
    """
    layout = load_yaml(path, TrajectoryLayout)
    joints = (*robot.arm_joints, *robot.hand_joints)
    unknown = [name for name in layout.joints if name not in joints]
    if unknown:
        raise SettingsError(
            f"{path}: joints: expected joints of {robot.name}, {', '.join(joints)}, "
            f"got {', '.join(unknown)}"
        )
    hand = layout.hand
    if hand.synergy is not None:
        robot.synergy(hand.synergy)
    for key in ("preshape", "positions"):
        posture = getattr(hand, key)
        if posture is not None and len(posture) != len(robot.hand_joints):
            raise SettingsError(
                f"{path}: hand.{key}: expected {len(robot.hand_joints)} numbers, for "
                f"{', '.join(robot.hand_joints)}, got {len(posture)}"
            )
    return layout


def import_trajectories(
    world: World,
    files: Sequence[Path],
    layout_file: Path | None = None,
    retime: bool = False,
    object_in_base: Pose | None = None,
) -> ImportedTrajectories:
    """Make a grasp of each trajectory in some files.

    The object stands where it is said to, else where the YAML file says, else at the robot's usual
    place. A trajectory that cannot be used is refused by itself. The id of a grasp has the name of
    its file, after that of the folder if several files have the same name.

    Args:
        world: World with the robot and the object.
        files: The files.
        layout_file: The YAML file for all of them; None for one beside each, of the same name.
        retime: Whether a phase that is faster than the robot's joints is slowed down.
        object_in_base: Where the object stands; None for what the YAML file says.

    Raises:
        DrGraspError: A file as a whole cannot be used, or the object cannot stand there.
    """
    grasps: list[GraspTrajectory] = []
    refused: list[RefusedGrasp] = []
    notes: list[str] = []
    # Many programs put each trajectory into a folder of its own, always by the same name.
    alike = len({file.stem for file in files}) < len(files)
    for file in files:
        path = file.with_suffix(".yaml") if layout_file is None else layout_file
        layout = read_layout(path, world.robot)
        place = object_in_base
        if place is None and layout.object_in_base is not None:
            place = layout.object_in_base.pose()
        if place is None:
            place = settled_pose(world)
        else:  # as it is said to be: the trajectory was made for that pose, to the millimetre
            check_standing(world, place)
        importer = _Importer(world.robot, world.object.name, place, retime)
        name = f"{file.absolute().parent.name}-{file.stem}" if alike else file.stem
        imported = importer.read(file, name, layout)
        grasps += imported.grasps
        refused += imported.refused
        notes += imported.slowed
    return ImportedTrajectories(tuple(grasps), tuple(refused), tuple(notes))


class _Importer:
    """Makes grasps of the trajectories of a file."""

    def __init__(self, robot: RobotSpec, obj: str, object_in_base: Pose, retime: bool) -> None:
        self._robot = robot
        self._object = obj
        self._object_in_base = object_in_base
        self._retime = retime
        joints = read_xml(robot.model.urdf).iter("joint")
        self._slides = {joint.get("name") for joint in joints if joint.get("type") == "prismatic"}

    def read(self, path: Path, stem: str, layout: TrajectoryLayout) -> ImportedTrajectories:
        columns: dict[str, Column] = {}

        def choose(names: tuple[str, ...]) -> Wanted:
            columns.update(self._columns(layout, names))
            return _wanted(layout, columns)

        try:
            found = read_rows(path, layout.columns, layout.array, choose)
        except FileFormatError as error:
            raise FileFormatError(f"{path}: {error}") from error
        except OSError as error:
            raise FileFormatError(f"{path}: cannot be read: {error.strerror or error}") from error
        grasps: list[GraspTrajectory] = []
        refused: list[RefusedGrasp] = []
        notes: list[str] = []
        for index, rows in enumerate(found):
            name = "-".join(part for part in (stem, rows.id) if part)
            trajectory = JointTrajectory(self._robot, self._slides, layout, columns, rows)
            try:
                grasp = self._grasp(path.name, name, trajectory)
            except DrGraspError as error:
                place = f"{path}: trajectory {rows.id}: " if rows.id else f"{path}: "
                text = str(error).removeprefix(f"grasp {self._id(name)}: ")
                refused.append(RefusedGrasp(index, name, f"{place}{text}"))
            else:
                grasps.append(grasp)
                notes += [f"{grasp.id}: {note}" for note in trajectory.slowed]
        return ImportedTrajectories(tuple(grasps), tuple(refused), tuple(notes))

    def _id(self, name: str) -> str:
        return f"{self._robot.name}-{self._object}-{METHOD}-{name}"

    def _grasp(self, source: str, name: str, trajectory: JointTrajectory) -> GraspTrajectory:
        approach, lift, moments = trajectory.paths(self._retime)
        grasp = GraspTrajectory(
            id=self._id(name),
            robot=self._robot.name,
            object=self._object,
            object_in_base=self._object_in_base,
            approach=approach,
            close=trajectory.close(moments),
            lift=lift,
            hold_s=trajectory.hold_s(moments),
            provenance={
                "method": METHOD,
                "source": source,
                "synergy": trajectory.synergy.name,
                **({"retimed": "; ".join(trajectory.slowed)} if trajectory.slowed else {}),
            },
        )
        check_grasp(grasp, self._robot)
        return grasp

    def _columns(self, layout: TrajectoryLayout, names: tuple[str, ...]) -> dict[str, Column]:
        """The column of each joint; a joint of the hand needs none."""
        columns: dict[str, Column] = {}
        for joint in (*self._robot.arm_joints, *self._robot.hand_joints):
            alike = [name for name in (joint, self._robot.outside(joint)) if name in names]
            if joint in layout.joints:
                columns[joint] = layout.joints[joint]
            elif alike:
                columns[joint] = alike[0]
            elif joint in self._robot.arm_joints:
                there = ", ".join(names[:20]) or "columns without names"
                raise FileFormatError(
                    f"{joint}: expected a column of its name, or its column under joints in the "
                    f"YAML file, got {there}"
                )
        return columns


def _wanted(layout: TrajectoryLayout, columns: dict[str, Column]) -> Wanted:
    time = layout.time if isinstance(layout.time, tuple) else (layout.time,)
    gripper = None if layout.gripper is None else layout.gripper.column
    numbers = [column for column in (*columns.values(), *time, gripper) if column is not None]
    label = None if layout.phases is None else layout.phases.column
    return Wanted(tuple(dict.fromkeys(numbers)), label, layout.trajectory)
