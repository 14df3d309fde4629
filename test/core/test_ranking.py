import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import mean_fitness, rank, rank_grasps, ranking_value
from dr_grasp.errors import DrGraspError


def make(name, nominal=Outcome.SUCCESS, **successes):
    fitness = {Criterion(c): Fitness(Criterion(c), k, 10) for c, k in successes.items()}
    return GraspScore(name, nominal, fitness)


TRIALS = st.fixed_dictionaries({}, optional={c.value: st.integers(0, 10) for c in Criterion})
SCORES = st.builds(
    lambda nominal, successes, sequential, transfer: (nominal, successes, sequential, transfer),
    st.sampled_from([Outcome.SUCCESS, Outcome.MISSED]),
    TRIALS,
    st.booleans(),
    st.none() | st.floats(0.0, 1.0),
)


@st.composite
def batches(draw):
    """Scores of grasps with names of their own, in any order."""
    drawn = draw(st.lists(SCORES, max_size=6))
    scores = []
    for index, (nominal, successes, sequential, transfer) in enumerate(drawn):
        score = make(f"g{index}", nominal, **successes)
        fitness = {c: replace(f, sequential=sequential) for c, f in score.fitness.items()}
        scores.append(replace(score, fitness=fitness, transfer_probability=transfer))
    return draw(st.permutations(scores))


@given(batches(), st.randoms())
def test_a_ranking_depends_neither_on_the_order_nor_on_the_others(scores, random):
    ranked = rank(scores)
    shuffled = [*scores]
    random.shuffle(shuffled)
    assert rank(shuffled) == ranked
    # So it is a total order: it holds between any two of them as well.
    for first, second in itertools.combinations(ranked, 2):
        assert rank([second, first]) == [first, second]


@given(batches(), st.data())
def test_a_success_more_never_costs_a_place(scores, data):
    tried = [score for score in scores if any(f.successes < 10 for f in score.fitness.values())]
    if not tried:
        return
    score = data.draw(st.sampled_from(tried))
    better = {c: replace(f, successes=min(10, f.successes + 1)) for c, f in score.fitness.items()}
    improved = replace(score, fitness=better)
    ranked = rank(scores)
    after = rank(improved if other is score else other for other in scores)
    assert after.index(improved) <= ranked.index(score)


@given(batches())
def test_what_fails_undisturbed_comes_last_and_what_sampling_gave_up_on_before_it(scores):
    def kind(score):
        given_up = any(fitness.sequential for fitness in score.fitness.values())
        return not score.nominal_success, given_up, score.transfer_probability is None

    kinds = [kind(score) for score in rank(scores)]
    assert kinds == sorted(kinds)


def counted(name, successes, trials, **changes):
    fitness = {Criterion.MDR: Fitness(Criterion.MDR, successes, trials)}
    return replace(GraspScore(name, Outcome.SUCCESS, fitness), **changes)


def test_ties_go_to_what_is_surer():
    scores = [counted("a", 5, 5), counted("b", 50, 50), counted("c", 20, 20), counted("d", 19, 20)]
    assert [score.grasp_id for score in rank(scores)] == ["b", "c", "a", "d"]
    # Equal probabilities of a model, whose steps give many grasps the same.
    likely = [replace(score, transfer_probability=0.9) for score in scores]
    assert [score.grasp_id for score in rank(likely)] == ["b", "c", "d", "a"]
    # Without MDR, by the mean of the low ends; the mean fitness of both is 0.9.
    osdr, jsdr = Criterion.OSDR, Criterion.JSDR
    few = {osdr: Fitness(osdr, 9, 10), jsdr: Fitness(jsdr, 9, 10)}
    many = {osdr: Fitness(osdr, 90, 100), jsdr: Fitness(jsdr, 9, 10)}
    scores = [GraspScore("few", Outcome.SUCCESS, few), GraspScore("many", Outcome.SUCCESS, many)]
    assert [score.grasp_id for score in rank(scores)] == ["many", "few"]


def test_the_order_of_criteria_is_of_no_account():
    """0.1 + 0.7 + 0.2 is not 0.2 + 0.7 + 0.1, if it is rounded on the way."""
    first = make("b", osdr=1, jsdr=7, fdr=2)
    turned = GraspScore("a", Outcome.SUCCESS, dict(reversed(first.fitness.items())))
    assert mean_fitness(first) == mean_fitness(turned)
    assert [score.grasp_id for score in rank([first, turned])] == ["a", "b"]


def test_rank_grasps_breaks_ties_alike(samples):
    scores = [counted("a", 5, 5), counted("b", 50, 50), counted("c", 5, 5)]
    grasps = [samples.grasp(name) for name in ("c", "a", "b")]
    assert [grasp.id for grasp, _ in rank_grasps(grasps, scores)] == ["b", "a", "c"]


def test_ties_go_to_the_better_mean_and_then_to_the_id():
    scores = [make("b", mdr=5, osdr=4), make("a", mdr=5, osdr=4), make("e", mdr=5, osdr=9)]
    assert [score.grasp_id for score in rank(scores)] == ["e", "a", "b"]


def test_what_ranks_is_mdr_or_else_the_mean():
    assert ranking_value(make("g", mdr=3, osdr=9)) == 0.3
    assert ranking_value(make("g", jsdr=3, osdr=9)) == pytest.approx(0.6)
    assert mean_fitness(make("g", mdr=3, osdr=9)) == pytest.approx(0.6)
    assert ranking_value(make("g")) == 0.0


def test_rank_grasps_puts_those_without_a_score_last_and_by_id(samples):
    grasps = [samples.grasp(name) for name in ("z", "b", "a", "y", "c")]
    scores = [make("b", mdr=1), make("a", mdr=8), make("unknown", mdr=9), make("c", mdr=4)]
    ranked = rank_grasps(grasps, scores)
    assert [(grasp.id, score and score.grasp_id) for grasp, score in ranked] == [
        ("a", "a"),
        ("c", "c"),
        ("b", "b"),
        ("y", None),
        ("z", None),
    ]


def test_repeated_ids_are_refused(samples):
    twice = [samples.grasp("a"), samples.grasp("a")]
    with pytest.raises(DrGraspError, match="grasps: expected unique ids, got 1 repeated"):
        rank_grasps(twice, [])
    scores = [make("a"), make("a"), make("a")]
    with pytest.raises(DrGraspError, match="scores: expected unique ids, got 2 repeated"):
        rank_grasps(twice[:1], scores)


def test_a_transfer_probability_ranks_where_there_is_one():
    sure = replace(make("sure", mdr=2), transfer_probability=0.9)
    unsure = replace(make("unsure", mdr=9), transfer_probability=0.3)
    fails = replace(make("fails", Outcome.MISSED, mdr=9), transfer_probability=0.95)
    uncalibrated = make("uncalibrated", mdr=10)
    assert ranking_value(sure) == 0.9
    assert rank([unsure, fails, uncalibrated, sure]) == [sure, unsure, uncalibrated, fails]
