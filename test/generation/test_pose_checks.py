"""Laws of reading poses: what is a pose comes back, what is none is refused."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers import read_poses
from dr_grasp.generation.importers.pose_checks import (
    LARGEST_DISTANCE_M,
    RIGID_TOLERANCE,
    pose_from_matrix,
    pose_from_quaternion,
)


@st.composite
def poses(draw):
    position = draw(st.lists(st.floats(-100, 100), min_size=3, max_size=3))
    quaternion = np.array(draw(st.lists(st.floats(-1, 1), min_size=4, max_size=4)))
    assume(np.linalg.norm(quaternion) > 0.1)
    return Pose(position, quaternion / np.linalg.norm(quaternion))


@given(poses())
def test_poses_come_back(pose):
    assert pose_from_quaternion(list(pose.position), list(pose.quaternion_xyzw), "turn") == pose
    again = pose_from_matrix(pose.matrix.tolist())
    np.testing.assert_allclose(again.matrix, pose.matrix, rtol=0, atol=1e-12)


@given(poses(), st.floats(-0.9, 0.9).map(lambda share: 1.0 + share * RIGID_TOLERANCE))
def test_what_is_nearly_unit_becomes_unit(pose, factor):
    again = pose_from_quaternion(pose.position, factor * pose.quaternion_xyzw, "turn")
    np.testing.assert_allclose(again.quaternion_xyzw, pose.quaternion_xyzw, atol=1e-12)
    rounded = pose_from_matrix(np.round(pose.matrix, 5))
    assert np.linalg.norm(rounded.quaternion_xyzw) == pytest.approx(1, abs=1e-15)


@given(poses(), st.sampled_from([0.0, 0.99, 1.01, -1.0, 1e200, np.inf, np.nan]), st.integers(0, 2))
def test_what_is_no_rotation_is_refused(pose, factor, axis):
    matrix = pose.matrix
    with np.errstate(invalid="ignore"):
        matrix[:3, axis] *= factor
    with pytest.raises(FileFormatError, match=r"^matrix: expected "):
        pose_from_matrix(matrix)
    if factor != -1.0:  # which is the same turn
        with np.errstate(invalid="ignore"):
            quaternion = pose.quaternion_xyzw * factor
        with pytest.raises(FileFormatError, match=r"^quaternion: expected "):
            pose_from_quaternion(pose.position, quaternion, "turn")


@given(poses(), st.integers(0, 2), st.floats(LARGEST_DISTANCE_M * 1.001, 1e300))
def test_what_is_too_far_is_refused(pose, axis, place):
    matrix = pose.matrix
    matrix[axis, 3] = place
    for read in (
        lambda: pose_from_matrix(matrix),
        lambda: pose_from_quaternion(matrix[:3, 3], pose.quaternion_xyzw, "turn"),
    ):
        with pytest.raises(FileFormatError, match="position: expected metres, at most 100 from"):
            read()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)
records = st.dictionaries(
    st.sampled_from(["id", "position", "quaternion_xyzw", "matrix", "width", "quality"]), anything
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records | anything, min_size=1, max_size=5))
def test_whatever_a_list_holds_each_entry_is_a_grasp_or_refused_in_one_line(tmp_path, entries):
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(entries))
    read = read_poses(path, "poses")
    assert len(read.grasps) + len(read.refused) == len(entries)
    for refused in read.refused:
        assert refused.reason.startswith(f"grasp {refused.grasp_id}: ")
        assert refused.reason.isprintable()
