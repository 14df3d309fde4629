import pytest

from dr_grasp.core.confidence import confidence_sequence, wilson_interval
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion


def test_the_interval_is_honest_about_how_sampling_ended():
    assert Fitness(Criterion.MDR, 7, 23).interval == wilson_interval(7, 23)
    assert Fitness(Criterion.MDR, 7, 23, sequential=True).interval == confidence_sequence(7, 23)
    stated = Fitness.stated(Criterion.MDR, 7, 23, 7 / 23, sequential=True)
    assert stated == Fitness(Criterion.MDR, 7, 23, sequential=True) != Fitness(Criterion.MDR, 7, 23)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, -1)])
def test_counts_out_of_bounds_are_refused(successes, trials):
    message = f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}"
    with pytest.raises(ValueError, match=message):
        Fitness(Criterion.MDR, successes, trials)


def test_nominal_success_is_the_nominal_outcome():
    assert GraspScore("g", Outcome.SUCCESS, {}).nominal_success
    assert not GraspScore("g", Outcome.MISSED, {}).nominal_success
