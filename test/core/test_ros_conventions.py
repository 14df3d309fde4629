"""Our poses turn as ROS's own maths does, whose conventions messages and descriptions follow.

`tf_transformations` comes with ROS and is written on `transforms3d`, which is on PyPI, too.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dr_grasp.core.geometry import Pose

TURNS = arrays(np.float64, 4, elements=st.floats(-1.0, 1.0)).filter(
    lambda turn: np.linalg.norm(turn) > 1e-3
)
POSES = st.builds(lambda turn: Pose(np.zeros(3), turn / np.linalg.norm(turn)), TURNS)
ANGLES = arrays(np.float64, 3, elements=st.floats(-np.pi, np.pi))


def of_transforms3d():
    """The functions of tf_transformations that are used here; transforms3d has w first."""
    euler = pytest.importorskip("transforms3d.euler", reason="transforms3d is not installed")
    from transforms3d import quaternions

    def last(wxyz):
        return np.roll(wxyz, -1)

    def first(xyzw):
        return np.roll(xyzw, 1)

    return SimpleNamespace(
        quaternion_from_euler=lambda *rpy: last(euler.euler2quat(*rpy, axes="sxyz")),
        quaternion_multiply=lambda a, b: last(quaternions.qmult(first(a), first(b))),
        quaternion_inverse=lambda a: last(quaternions.qinverse(first(a))),
        quaternion_matrix=lambda a: quaternions.quat2mat(first(a)),
        quaternion_from_matrix=lambda matrix: last(quaternions.mat2quat(matrix[:3, :3])),
    )


@pytest.fixture(scope="module", params=["tf_transformations", "transforms3d"])
def theirs(request):
    if request.param == "transforms3d":
        return of_transforms3d()
    return pytest.importorskip(
        "tf_transformations", reason="tf_transformations is not installed; it comes with ROS 2"
    )


def assert_same_turn(pose, quaternion_xyzw):
    # A quaternion and its negative are one rotation.
    same = abs(np.dot(pose.quaternion_xyzw, quaternion_xyzw))
    assert same == pytest.approx(1.0, abs=1e-9)


@given(a=POSES, b=POSES)
def test_poses_are_composed_and_inverted_as_their_quaternions(theirs, a, b):
    product = theirs.quaternion_multiply(a.quaternion_xyzw, b.quaternion_xyzw)
    assert_same_turn(a @ b, product)
    assert_same_turn(a.inverse(), theirs.quaternion_inverse(a.quaternion_xyzw))


@given(pose=POSES)
def test_a_pose_has_the_matrix_of_its_quaternion(theirs, pose):
    matrix = theirs.quaternion_matrix(pose.quaternion_xyzw)
    np.testing.assert_allclose(pose.matrix[:3, :3], matrix[:3, :3], atol=1e-12)
    assert_same_turn(Pose.from_matrix(pose.matrix), theirs.quaternion_from_matrix(pose.matrix))


@given(rpy=ANGLES, pose=POSES)
def test_roll_pitch_yaw_are_about_fixed_axes_in_this_order(theirs, rpy, pose):
    turn = theirs.quaternion_from_euler(*rpy)
    turned = pose.perturbed(np.zeros(3), rpy)
    assert_same_turn(turned, theirs.quaternion_multiply(turn, pose.quaternion_xyzw))
