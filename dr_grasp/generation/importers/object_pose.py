"""Where a user says that the object stands: in a file beside the grasps, or on the command line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from scipy.spatial.transform import Rotation
from typing_extensions import Self

from dr_grasp.common.settings import Settings
from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import LARGEST_DISTANCE_M
from dr_grasp.errors import FileFormatError, SettingsError
from dr_grasp.formats.documents import check_record
from dr_grasp.generation.importers.pose_checks import pose_from_quaternion, short

Length = Annotated[float, Field(ge=-LARGEST_DISTANCE_M, le=LARGEST_DISTANCE_M)]


class ObjectPose(Settings):
    """Pose of the object's frame in the robot's base frame.

    Attributes:
        position: Its origin [m].
        quaternion_xyzw: Its orientation, if `rpy` does not give it; without both, not turned.
        rpy: Roll, pitch and yaw about the fixed axes x, y and z, as in a URDF [rad].
    """

    position: tuple[Length, Length, Length]
    quaternion_xyzw: tuple[float, float, float, float] | None = None
    rpy: tuple[float, float, float] | None = None

    @model_validator(mode="after")
    def _is_a_pose(self) -> Self:
        if self.quaternion_xyzw is not None and self.rpy is not None:
            raise ValueError("expected quaternion_xyzw or rpy, got both")
        try:
            self.pose()
        except FileFormatError as error:
            raise ValueError(str(error)) from error
        return self

    def pose(self) -> Pose:
        """The same as a pose."""
        if self.quaternion_xyzw is not None:
            return pose_from_quaternion(self.position, self.quaternion_xyzw, "quaternion_xyzw")
        turn = Rotation.from_euler("xyz", self.rpy or (0.0, 0.0, 0.0))
        return Pose(frozen(self.position), frozen(turn.as_quat()))


def parse_object_pose(text: str) -> Pose:
    """Read a pose from the command line: x,y,z,roll,pitch,yaw or x,y,z,qx,qy,qz,qw.

    Raises:
        SettingsError: The text is no such list of numbers, or the numbers are no pose.
    """
    expected = "object pose: expected x,y,z,roll,pitch,yaw or x,y,z,qx,qy,qz,qw"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    turn = {6: "rpy", 7: "quaternion_xyzw"}.get(len(numbers))
    if turn is None:
        raise SettingsError(f"{expected} in metres and radians, got {short(text)}")
    try:
        content = {"position": numbers[:3], turn: numbers[3:]}
        return check_record(ObjectPose, content).pose()
    except FileFormatError as error:
        problem = str(error).removeprefix("document: ")  # so it calls what was typed
        raise SettingsError(f"object pose: {problem}") from error
