"""Every attempt is repeated in every world, at its true place."""

import numpy as np
import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.identification.rehearsal import Rehearsal
from dr_grasp.identification.replica import Replayed
from dr_grasp.identification.worlds import Space
from dr_grasp.scoring.profiles import load_profile

OLD = load_profile("default")
SPACE = Space.of(["mug"], OLD.dynamics)


def base(rng):
    return Perturbation(np.zeros(3), np.zeros(3), rng.normal(size=7))


@pytest.fixture
def rehearse(samples):
    """Gives the replicas that are run for two attempts: one of a known place, one of none."""
    grasp = samples.grasp()
    place = grasp.object_in_base.perturbed([0.01, -0.02, 0.0], [0.0, 0.0, 0.1])

    def made(**options):
        ran = []

        def run(replicas):
            ran.extend(replicas)
            return [
                Replayed(Outcome.MISSED, None, float(one.attempt * 10 + one.world))
                for one in replicas
            ]

        rehearsal = Rehearsal(
            (grasp, grasp), (place, None), OLD.object_pose, SPACE, base, Engine.MUJOCO, run
        )
        worlds = np.arange(3)[:, None] * np.ones(len(SPACE))
        return rehearsal.simulate(worlds, 5, 1, **options), ran

    return made


def test_results_are_by_attempt_and_world(rehearse):
    ended, ran = rehearse()

    assert [[one.gripper_opening for one in row] for row in ended] == [[5, 6, 7], [15, 16, 17]]
    assert [one.perturbation.lateral_friction_scale for one in ran[:3]] == pytest.approx(
        [SPACE.parameters[0].amounts(k) for k in range(3)]
    )


def test_objects_stand_where_they_were_seen_or_else_where_the_profile_doubts(rehearse):
    _, ran = rehearse()

    for one in ran[:3]:
        assert one.perturbation.translation_m == pytest.approx([0.01, -0.02, 0.0])
        assert one.perturbation.rotation_rpy_rad == pytest.approx([0.0, 0.0, 0.1])
    drawn = np.array([one.perturbation.translation_m for one in ran[3:]])
    assert len(np.unique(drawn[:, 0])) == 3
    assert np.abs(drawn[:, :2]).max() < 6 * OLD.object_pose.position_std_m


@pytest.mark.parametrize("same", [False, True])
def test_all_attempts_in_a_world_share_its_errors_of_control(rehearse, same):
    _, ran = rehearse(same_base=same)

    offsets = np.array([one.perturbation.joint_offset for one in ran]).reshape(2, 3, 7)
    np.testing.assert_array_equal(offsets[0], offsets[1])
    assert len(np.unique(offsets[0, :, 0])) == (1 if same else 3)


def test_what_is_drawn_depends_on_seed_and_world_alone(rehearse):
    first, second = (rehearse()[1] for _ in range(2))

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(
            one.perturbation.translation_m, other.perturbation.translation_m
        )


def test_places_and_errors_of_control_are_drawn_from_different_streams(samples):
    """Of the first attempt, too, whose number 0 alone would not change a seed."""
    ran = []

    def run(replicas):
        ran.extend(replicas)
        return [Replayed(Outcome.MISSED, None, None)] * len(replicas)

    rehearsal = Rehearsal(
        (samples.grasp(),), (None,), OLD.object_pose, SPACE, base, Engine.MUJOCO, run
    )
    rehearsal.simulate(np.zeros((1, len(SPACE))), 0, 1)
    world = ran[0].perturbation
    shift = world.translation_m[:2] / OLD.object_pose.position_std_m
    assert np.abs(shift - world.joint_offset[:2]).min() > 1e-6
