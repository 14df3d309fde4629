"""An object stands where it is said to, if it can stand there."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import DrGraspError, FileFormatError, SettingsError
from dr_grasp.formats.documents import check_record
from dr_grasp.generation.importers import read_poses
from dr_grasp.generation.importers.object_pose import ObjectPose, parse_object_pose
from dr_grasp.generation.pose_import import import_poses
from dr_grasp.generation.standing import check_standing, standing_pose
from dr_grasp.simulation.rollout import settled_pose


def upright(mug_world, x, y, yaw=0.0, above_m=0.0):
    height = mug_world.robot.table.top_z - mug_world.object.lowest_point(np.eye(3)) + above_m
    turn = Rotation.from_euler("z", yaw)
    return Pose(frozen([x, y, height]), frozen(turn.as_quat()))


def test_without_a_pose_it_stands_at_the_usual_place(mug_world):
    assert standing_pose(mug_world, None) == settled_pose(mug_world)


@pytest.mark.parametrize("above_m", [-0.009, 0.0, 0.009])
def test_it_stands_where_it_is_said_to_turned_as_said_and_on_the_table(mug_world, above_m):
    given = upright(mug_world, 0.42, 0.15, 1.2, above_m)
    stands = standing_pose(mug_world, given)
    np.testing.assert_allclose(stands.position[:2], [0.42, 0.15], atol=1e-3)
    assert stands.position[2] == pytest.approx(upright(mug_world, 0, 0).position[2], abs=2e-3)
    assert (stands.rotation.inv() * given.rotation).magnitude() < 0.01


@pytest.mark.parametrize(
    ("x", "y", "above_m", "message"),
    [
        (1.5, 0.0, 0.0, "object pose: expected on the table (x, y within"),
        (0.5, 0.0, 2.0, "object pose: expected on the table (x, y within"),
        (0.5, 0.0, 0.03, "expected mug on the table, got its lowest point 0.03 m above the top"),
        (0.5, 0.0, -0.03, "expected mug on the table, got its lowest point 0.03 m below the top"),
    ],
)
def test_beside_above_or_in_the_table_it_cannot_stand(mug_world, x, y, above_m, message):
    given = upright(mug_world, x, y, 0.0, above_m)
    for check in (check_standing, standing_pose):
        with pytest.raises(DrGraspError) as caught:
            check(mug_world, given)
        assert message in str(caught.value)
    if "lowest" in message:
        stands = f"with z = {upright(mug_world, x, y).position[2]:.4g}, turned as given"
        assert str(caught.value).endswith(stands)


def test_what_falls_over_does_not_stand(mug_world):
    tilt = Rotation.from_euler("x", 0.6)
    height = mug_world.robot.table.top_z - mug_world.object.lowest_point(tilt.as_matrix())
    given = Pose(frozen([0.5, 0.0, height]), frozen(tilt.as_quat()))
    with pytest.raises(SettingsError, match=r"one in which mug rests, got one from which it moves"):
        standing_pose(mug_world, given)


def test_a_pose_is_read_from_text_with_angles_or_a_quaternion():
    turned = parse_object_pose("0.5, -0.1,0.02,0,0,1.5707963267948966")
    assert turned.position.tolist() == [0.5, -0.1, 0.02]
    np.testing.assert_allclose(turned.apply([[1, 0, 0]]), [[0.5, 0.9, 0.02]], atol=1e-12)
    assert parse_object_pose("0.5,-0.1,0.02,0,0,0,1").rotation.magnitude() == 0.0
    # As in a URDF: about the fixed axes, roll first.
    rolled = parse_object_pose("0,0,0,1.5707963267948966,0,1.5707963267948966")
    np.testing.assert_allclose(rolled.rotate([0, 1, 0]), [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected x,y,z,roll,pitch,yaw or x,y,z,qx,qy,qz,qw in metres and radians, got ''"),
        ("0.5,0,0", "in metres and radians, got '0.5,0,0'"),
        ("0.5,0,0,a,b,c", "in metres and radians, got '0.5,0,0,a,b,c'"),
        ("500,0,0,0,0,0", "object pose: expected"),
        ("5000,0,0,0,0,0", "object pose: position.0: expected less than or equal to 1000"),
        ("nan,0,0,0,0,0", "object pose: position.0: expected"),
        ("0,0,0,0,0,1e12", "rpy: expected at most 1e+09"),
        ("0,0,0,1,1,0,0", "quaternion: expected norm 1, got 1.41421"),
    ],
)  # fmt: skip
def test_no_pose_is_refused(mug_world, text, message):
    with pytest.raises(DrGraspError) as caught:
        check_standing(mug_world, parse_object_pose(text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"position": [0, 0, 0], "quaternion_xyzw": [0, 0, 0, 1], "rpy": [0, 0, 0]}, "got both"),
        ({"position": [0, 0]}, "position.2: expected a value, got nothing"),
        ({"position": [0, 0, 0], "yaw": 1}, "yaw: expected no such key"),
    ],
)
def test_no_pose_in_a_file_is_refused(content, message):
    with pytest.raises(FileFormatError) as caught:
        check_record(ObjectPose, content)
    assert message in str(caught.value)


def test_a_pose_list_says_where_the_object_stands_unless_the_caller_does(
    mug_world, franka, tmp_path
):
    at_file, at_caller = upright(mug_world, 0.45, 0.1, 0.5), upright(mug_world, 0.55, -0.1)
    path = tmp_path / "poses.json"
    content = {
        "object_in_base": {"position": at_file.position.tolist(), "rpy": [0, 0, 0.5]},
        "grasps": [{"position": [0, 0, 0.03], "quaternion_xyzw": [1, 0, 0, 0]}],
    }
    path.write_text(json.dumps(content))
    poses = read_poses(path, "poses")
    for given, expected in ((None, at_file), (at_caller, at_caller)):
        (grasp,) = import_poses(mug_world, poses, franka.synergies, object_in_base=given).grasps
        np.testing.assert_allclose(grasp.object_in_base.position, expected.position, atol=2e-3)
        turn = grasp.object_in_base.rotation.inv() * expected.rotation
        assert turn.magnitude() < 0.01
        tcp = mug_world.forward_kinematics(grasp.approach.positions[-1])
        grip = tcp @ franka.synergies[0].grip_in_tcp
        np.testing.assert_allclose(grip.position[:2], expected.position[:2], atol=3e-3)
