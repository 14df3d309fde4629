import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from dr_grasp.core.geometry import Pose, grip_frame

METRES = st.floats(-10.0, 10.0)
VECTORS = arrays(np.float64, 3, elements=METRES)
TURNS = arrays(np.float64, 4, elements=st.floats(-1.0, 1.0)).filter(
    lambda turn: np.linalg.norm(turn) > 1e-3
)
POSES = st.builds(lambda place, turn: Pose(place, turn / np.linalg.norm(turn)), VECTORS, TURNS)
POINTS = arrays(np.float64, (4, 3), elements=METRES)
IDENTITY = Pose.identity()


def assert_close(first, second):
    np.testing.assert_allclose(first.matrix, second.matrix, atol=1e-12)


@given(POSES, POSES, POSES)
def test_poses_are_a_group(a, b, c):
    assert_close((a @ b) @ c, a @ (b @ c))
    assert_close(a @ IDENTITY, a)
    assert_close(IDENTITY @ a, a)
    assert_close(a @ a.inverse(), IDENTITY)
    assert_close(a.inverse() @ a, IDENTITY)
    assert_close((a @ b).inverse(), b.inverse() @ a.inverse())


@given(POSES, POSES)
def test_matrices_are_poses_and_composition_is_their_product(a, b):
    assert_close(Pose.from_matrix(a.matrix), a)
    np.testing.assert_allclose((a @ b).matrix, a.matrix @ b.matrix, atol=1e-12)


@given(POSES, POSES, POINTS)
def test_a_pose_maps_points_as_its_matrix_does_and_its_inverse_maps_them_back(a, b, points):
    expected = (a.matrix @ np.hstack([points, np.ones((4, 1))]).T).T[:, :3]
    np.testing.assert_allclose(a.apply(points), expected, atol=1e-12)
    np.testing.assert_allclose(a.rotate(points), expected - a.position, atol=1e-12)
    np.testing.assert_allclose(a.inverse().apply(a.apply(points)), points, atol=1e-12)
    np.testing.assert_allclose((a @ b).apply(points), a.apply(b.apply(points)), atol=1e-12)


@given(POSES, VECTORS)
def test_nothing_perturbs_nothing_and_a_shift_is_added(pose, shift):
    assert_close(pose.perturbed([0, 0, 0], [0, 0, 0]), pose)
    np.testing.assert_allclose(pose.perturbed(shift, [0, 0, 0]).position, pose.position + shift)


@given(POSES)
def test_a_pose_made_of_the_numbers_of_another_is_equal_to_the_bit(pose):
    again = Pose(pose.position.tolist(), pose.quaternion_xyzw.tolist())
    assert again == pose and again is not pose
    assert Pose(np.nextafter(pose.position, 99.0), pose.quaternion_xyzw) != pose
    assert pose != "a pose"


def test_a_grip_frame_has_its_z_along_the_approach_and_its_y_along_the_closing():
    approach, closing, _ = Rotation.random(random_state=5).as_matrix()
    frame = grip_frame([1, 2, 3], approach, closing)
    np.testing.assert_array_equal(frame.position, [1, 2, 3])
    np.testing.assert_allclose(frame.rotate([0, 0, 1]), approach, atol=1e-12)
    np.testing.assert_allclose(frame.rotate([0, 1, 0]), closing, atol=1e-12)


def test_quarter_turn_about_z_takes_x_to_y():
    pose = Pose([1, 2, 3], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])
    np.testing.assert_allclose(pose.apply([[1, 0, 0]]), [[1, 3, 3]], atol=1e-12)


def test_perturbed_shifts_and_turns_about_the_axes_of_the_reference_frame():
    start = Pose([1, 0, 0], Rotation.from_euler("z", 90, degrees=True).as_quat())
    moved = start.perturbed([0.1, 0.2, 0.3], [0.5, 0, 0])
    np.testing.assert_allclose(moved.position, [1.1, 0.2, 0.3])
    # About the fixed x axis, although the body's own x axis points along y.
    np.testing.assert_allclose((moved.rotation * start.rotation.inv()).as_rotvec(), [0.5, 0, 0])


def test_perturbed_turns_roll_first_then_pitch_then_yaw():
    roll, pitch, yaw = 0.3, -0.7, 1.1
    moved = Pose.identity().perturbed([0, 0, 0], [roll, pitch, yaw])
    expected = (
        Rotation.from_rotvec([0, 0, yaw])
        * Rotation.from_rotvec([0, pitch, 0])
        * Rotation.from_rotvec([roll, 0, 0])
    )
    np.testing.assert_allclose(moved.rotation.as_matrix(), expected.as_matrix(), atol=1e-12)


def test_unit_quaternions_keep_their_bits_and_others_are_normalised():
    turn = np.array([0.1, 0.2, 0.3, 0.0])
    turn[3] = np.sqrt(1 - turn @ turn)
    assert np.array_equal(Pose([0, 0, 0], turn).quaternion_xyzw, turn)
    rounded = Pose([0, 0, 0], np.round(turn, 4))
    assert abs(np.linalg.norm(rounded.quaternion_xyzw) - 1) < 1e-15


def test_arrays_are_copied_in_and_read_only():
    position = np.zeros(3)
    pose = Pose(position, [0, 0, 0, 1])
    position[0] = 5
    assert pose.position[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        pose.position[0] = 1


@pytest.mark.parametrize(
    ("position", "quaternion", "message"),
    [
        ([0, 0], [0, 0, 0, 1], "position: expected 3 finite numbers"),
        ([0, 0, np.nan], [0, 0, 0, 1], "position: expected 3 finite numbers"),
        ([0, 0, 0], [0, 0, 0, 0], "expected 4 numbers of norm 1"),
        ([0, 0, 0], [0, 0, 1], "expected 4 numbers of norm 1"),
        ([0, 0, 0], [0, 0, 0, np.inf], "expected 4 numbers of norm 1"),
        ([0, 0, 0], [0, 0, 0.1, 1], "expected 4 numbers of norm 1"),
    ],
)
def test_refusals(position, quaternion, message):
    with pytest.raises(ValueError, match=message):
        Pose(position, quaternion)
