"""What attempts say of where objects stood."""

import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.identification.evidence import measured_place

STRAIGHT = Pose([0.5, 0.1, 0.02], [0, 0, 0, 1])


@pytest.mark.parametrize(
    ("shift", "turn", "is_measured"),
    [(0.0, 0.0, False), (1e-9, 1e-9, False), (1e-5, 0.0, True), (0.0, 1e-5, True)],
)
def test_a_pose_that_repeats_what_was_believed_is_no_measurement(samples, shift, turn, is_measured):
    place = STRAIGHT.perturbed([shift, 0.0, 0.0], [0.0, 0.0, turn])
    attempt = samples.attempt(grasp=samples.grasp(object_in_base=STRAIGHT), object_before=place)
    assert measured_place(attempt) is (place if is_measured else None)


def test_without_a_pose_nothing_was_measured(samples):
    assert measured_place(samples.attempt(object_before=None)) is None
