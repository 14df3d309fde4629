"""Which of many proposals differ."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dr_grasp.core.geometry import Pose
from dr_grasp.generation.proposal import SAME_PLACE_M, SAME_TURN_RAD, Proposal, distinct

MIDDLE = Proposal(0, Pose([0.0, 0.0, 0.1], [1.0, 0.0, 0.0, 0.0]), "pinch")


def shifted(metres=0.0, radians=0.0, synergy="pinch"):
    turn = Rotation.from_rotvec([0.0, 0.0, radians])
    change = Pose([metres, 0.0, 0.0], turn.as_quat())
    return replace(MIDDLE, grip_in_object=MIDDLE.grip_in_object @ change, synergy=synergy)


def test_what_is_distinct():
    near, turned = 0.9 * SAME_PLACE_M, 0.9 * SAME_TURN_RAD
    grip = MIDDLE.grip_in_object
    opposite = Pose(grip.position, -grip.quaternion_xyzw)  # the same turn, written otherwise
    alike = [MIDDLE, shifted(near), shifted(0.0, -turned), shifted(near, turned)]
    assert distinct([*alike, replace(MIDDLE, grip_in_object=opposite)]) == [0]
    unlike = [
        MIDDLE,
        shifted(1.1 * SAME_PLACE_M),
        shifted(0.0, 1.1 * SAME_TURN_RAD),
        shifted(0.0, np.pi),
        shifted(synergy="power"),
    ]
    assert distinct(unlike) == [0, 1, 2, 3, 4]


@given(
    st.lists(
        st.builds(
            shifted, st.floats(0, 0.03), st.floats(0, 0.6), st.sampled_from(["pinch", "power"])
        ),
        max_size=60,
    )
)
def test_distinct_is_idempotent_keeps_the_order_and_leaves_nothing_out(many):
    kept = distinct(many)
    assert kept == sorted(kept) and kept[:1] == [0][: len(many)]
    assert distinct([many[index] for index in kept]) == list(range(len(kept)))
    for index in set(range(len(many))) - set(kept):
        earlier = [many[other] for other in kept if other < index]
        assert distinct([*earlier, many[index]]) == list(range(len(earlier)))
