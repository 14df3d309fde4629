import pytest

from dr_grasp.core.confidence import confidence_sequence, narrowed_interval, wilson_interval
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion


def test_the_interval_is_honest_about_how_sampling_ended():
    assert Fitness(Criterion.MDR, 7, 23).interval == wilson_interval(7, 23)
    assert Fitness(Criterion.MDR, 7, 23, sequential=True).interval == confidence_sequence(7, 23)
    by_width = Fitness(Criterion.MDR, 7, 23, sequential=True, by_width=True)
    assert by_width.interval == narrowed_interval(7, 23)
    with pytest.raises(ValueError, match="by_width: expected only with sequential"):
        Fitness(Criterion.MDR, 7, 23, by_width=True)


@pytest.mark.parametrize("by_width", [False, True])
@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (1, 1), (7, 23), (23, 23), (5000, 9999)])
def test_a_record_s_interval_says_how_sampling_stopped(successes, trials, by_width):
    fitness = Fitness(Criterion.MDR, successes, trials, sequential=True, by_width=by_width)
    counts = successes, trials, successes / trials
    assert Fitness.stated(Criterion.MDR, *counts, True, fitness.interval) == fitness
    # What is stated otherwise, or not at all, is taken for what is wider.
    cautious = Fitness(Criterion.MDR, successes, trials, sequential=True)
    for ends in (None, (0.0, 1.0), (float("nan"), float("nan"))):
        assert Fitness.stated(Criterion.MDR, *counts, True, ends) == cautious
    fixed = Fitness(Criterion.MDR, successes, trials)
    assert Fitness.stated(Criterion.MDR, *counts, False, fitness.interval) == fixed


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, -1)])
def test_counts_out_of_bounds_are_refused(successes, trials):
    message = f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}"
    with pytest.raises(ValueError, match=message):
        Fitness(Criterion.MDR, successes, trials)


def test_nominal_success_is_the_nominal_outcome():
    assert GraspScore("g", Outcome.SUCCESS, {}).nominal_success
    assert not GraspScore("g", Outcome.MISSED, {}).nominal_success
