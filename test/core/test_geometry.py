import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dr_grasp.core.geometry import Pose, grip_frame


@pytest.fixture
def poses():
    rng = np.random.default_rng(3)
    turns = Rotation.random(3, rng=rng).as_quat()
    return [Pose(rng.normal(size=3), turn) for turn in turns]


def assert_close(first, second):
    np.testing.assert_allclose(first.matrix, second.matrix, atol=1e-12)


def test_composition_is_a_group(poses):
    a, b, c = poses
    assert_close((a @ b) @ c, a @ (b @ c))
    assert_close(a @ Pose.identity(), a)
    assert_close(Pose.identity() @ a, a)
    assert_close(a @ a.inverse(), Pose.identity())
    assert_close(a.inverse() @ a, Pose.identity())
    assert_close((a @ b).inverse(), b.inverse() @ a.inverse())


def test_composition_is_the_matrix_product(poses):
    a, b, _ = poses
    np.testing.assert_allclose((a @ b).matrix, a.matrix @ b.matrix, atol=1e-12)


def test_apply_maps_points_of_the_frame_into_the_reference(poses):
    points = np.random.default_rng(0).normal(size=(4, 3))
    pose = poses[0]
    expected = (pose.matrix @ np.hstack([points, np.ones((4, 1))]).T).T[:, :3]
    np.testing.assert_allclose(pose.apply(points), expected, atol=1e-12)
    np.testing.assert_allclose(pose.rotate(points), expected - pose.position, atol=1e-12)


def test_matrix_and_pose_are_inverse_to_each_other(poses):
    for pose in poses:
        assert_close(Pose.from_matrix(pose.matrix), pose)


def test_a_grip_frame_has_its_z_along_the_approach_and_its_y_along_the_closing():
    approach, closing, _ = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
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


def test_nothing_perturbs_nothing(poses):
    for pose in poses:
        assert_close(pose.perturbed([0, 0, 0], [0, 0, 0]), pose)


def test_equality_is_to_the_bit_and_hash_agrees():
    first = Pose([0.0, 1, 2], [0, 0, 0, 1])
    same = Pose([-0.0, 1, 2], [0, 0, 0, 1])
    assert first == same and hash(first) == hash(same)
    assert first != Pose([0.0, 1, np.nextafter(2, 3)], [0, 0, 0, 1])
    assert first != "a pose"


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
