"""Sampling until an interval is narrow enough: the same end, in whatever order outcomes come."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_grasp.core.confidence import narrowed_interval
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.request import MOST_UNTIL, ScoreRequest, parse_trials
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import BLOCK_TRIALS, Track

OSDR, JSDR, FDR, MDR = Criterion


def counts_of(outcomes):
    return Counts(Counter(Outcome.SUCCESS if one else Outcome.MISSED for one in outcomes))


def run_track(track, outcomes, rng, in_flight):
    """Give out blocks, and count them in any order."""
    flying = []
    while not track.complete:
        while len(flying) < in_flight and (block := track.next()) is not None:
            flying.append(block)
        first, count = flying.pop(rng.integers(len(flying)))
        assert count > 0
        track.add(first, count, counts_of(outcomes[first : first + count]))
    return track.counts[Outcome.SUCCESS], track.used, len(flying)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.97, 1.0])
@pytest.mark.parametrize("until", [0.3, 0.1])
def test_sampling_stops_at_the_first_block_that_is_enough_in_any_order(share, until):
    outcomes = np.random.default_rng(1).random(MOST_UNTIL) < share
    ends = range(BLOCK_TRIALS, MOST_UNTIL, BLOCK_TRIALS)
    widths = (np.diff(narrowed_interval(int(outcomes[:end].sum()), end))[0] for end in ends)
    expected = next(end for end, width in zip(ends, widths, strict=False) if width <= until)
    for seed, in_flight in itertools.product(range(3), (1, 2, 16)):
        rng = np.random.default_rng(seed)
        successes, used, wasted = run_track(Track(MOST_UNTIL, until), outcomes, rng, in_flight)
        assert (successes, used) == (outcomes[:expected].sum(), expected)
        assert wasted < in_flight


def test_a_track_has_an_end():
    rng = np.random.default_rng(0)
    outcomes = rng.random(23) < 0.5
    for until in (None, 0.01):
        assert run_track(Track(23, until), outcomes, rng, 9)[:2] == (outcomes.sum(), 23)


def test_once_all_trials_are_given_out_there_is_no_block_more():
    track = Track(2 * BLOCK_TRIALS + 2, 0.01)
    given = [track.next(), track.next()]
    for first, count in given:
        track.add(first, count, counts_of([True] * count))
    assert track.next() == (2 * BLOCK_TRIALS, 2)
    assert track.next() is None


def test_little_is_given_out_that_will_not_be_needed():
    outcomes = np.random.default_rng(1).random(MOST_UNTIL) < 0.95
    track, given = Track(MOST_UNTIL, 0.1), 0
    flying = []
    while not track.complete:
        while (block := track.next()) is not None:  # as many workers as there is work
            flying.append(block)
            given += block[1]
        for first, count in flying:
            track.add(first, count, counts_of(outcomes[first : first + count]))
        flying.clear()
    assert track.used <= given <= 1.2 * track.used + BLOCK_TRIALS


@pytest.fixture(scope="module")
def shares():
    return [1.0, 0.9, 0.0, 0.5, 0.99, 0.7] * 3


def test_scores_until_a_width_do_not_depend_on_the_workers(fakes, home_grasp, shares):
    grasps = fakes.grasps(home_grasp(), shares)
    request = ScoreRequest.from_names("default", ["fdr", "mdr"], None, 3, until=0.15)
    batches = []
    for seed, in_flight in ((0, 1), (1, 2), (2, 7), (3, 64)):
        pool = fakes.pool(in_flight, seed)
        told = []
        batches.append(Scorer(pool=pool).score(grasps, request, on_progress=told.append))
        used = sum(f.trials for s in batches[-1].scores for f in s.fitness.values())
        # Beside what counts, and undisturbed rollouts, no more than was under way at each end.
        assert used + len(grasps) <= pool.rollouts <= used + len(grasps) + 36 * 5 * in_flight
        assert told[-1].rollouts_done == told[-1].rollouts_total == used + len(grasps)
        if in_flight == 7:
            assert pool.rollouts < 1.1 * used
    assert all(batch == batches[0] for batch in batches)
    for score in batches[0].scores:
        for fitness in score.fitness.values():
            low, high = fitness.interval
            assert fitness.sequential and fitness.by_width and high - low <= 0.15
        failed = sum(f.trials - f.successes for f in score.fitness.values())
        assert sum(score.failures.values()) == failed
    steady, shaky = (batches[0].scores[i].fitness[MDR].trials for i in (0, 3))
    assert shaky > 5 * steady


def test_trials_are_the_most_that_until_takes(fakes, home_grasp):
    grasps = fakes.grasps(home_grasp(), [0.5])
    request = ScoreRequest.from_names("default", ["mdr"], 40, 3, until=0.05)
    fitness = Scorer(pool=fakes.pool()).score(grasps, request).scores[0].fitness[MDR]
    assert (fitness.trials, fitness.sequential, fitness.by_width) == (40, True, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"until": 0.0}, "until: expected a width between 0 and 1, got 0.0"),
        ({"until": 1.0}, "until: expected a width between 0 and 1, got 1.0"),
        ({"until": float("nan")}, "until: expected a width between 0 and 1, got nan"),
        ({"top": 0}, "top: expected at least 1, got 0"),
        ({"top": 3, "until": 0.1}, "top: expected without until"),
    ],
)
def test_requests_that_make_no_sense_are_refused(words, message):
    with pytest.raises(SettingsError, match=message):
        ScoreRequest.from_names("default", [], None, 0, **words)


def test_requests_know_what_decides_and_how_much_it_takes():
    request = ScoreRequest.from_names("huber2023", [], None, 0)
    assert request.racing_criterion is MDR and request.trials_of(MDR) == 100
    request = ScoreRequest.from_names("huber2023", ["fdr", "jsdr"], None, 0, until=0.2)
    assert request.racing_criterion is JSDR and request.trials_of(FDR) == MOST_UNTIL


@given(
    outcomes=st.lists(st.booleans(), min_size=1, max_size=60),
    until=st.none() | st.floats(0.05, 0.95),
    data=st.data(),
)
@settings(max_examples=60)
def test_a_track_ends_as_if_blocks_had_come_in_order(outcomes, until, data):
    """Whatever order workers finish in, however many there are."""

    def run(choose, in_flight):
        track, flying = Track(len(outcomes), until), []
        while not track.complete:
            while len(flying) < in_flight and (block := track.next()) is not None:
                flying.append(block)
            first, count = flying.pop(choose(len(flying)))
            track.add(first, count, counts_of(outcomes[first : first + count]))
        return track.counts, track.used

    counts, used = run(
        lambda size: data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, 9))
    )
    assert (counts, used) == run(lambda size: 0, 1)
    assert counts == counts_of(outcomes[:used]).outcomes and sum(counts.values()) == used


def test_links_are_counted_for_the_trials_that_count_in_any_order():
    elbow, wrist = LinkPair("elbow", "hand"), LinkPair("hand", "wrist")

    def failed(links, count):
        hit = Outcome.SELF_COLLISION
        return Counts(Counter({hit: count}), Counter({(hit, links): count}))

    low, high = narrowed_interval(0, 10)
    for order in itertools.permutations(range(3)):
        track = Track(15, high - low)
        for place in order:
            track.add(5 * place, 5, failed(wrist if place else elbow, 5))
        # Ten failures are enough for this width, so the third block does not count.
        assert track.used == 10
        expected = {(Outcome.SELF_COLLISION, elbow): 5, (Outcome.SELF_COLLISION, wrist): 5}
        assert track.collisions == expected


def test_a_score_names_links_by_criterion_whatever_the_order(fakes, home_grasp):
    (grasp,) = fakes.grasps(home_grasp(), [0.3])
    request = ScoreRequest.from_names("default", ["osdr", "mdr"], 60, 4)
    scores = []
    for seed in range(3):
        pool = fakes.pool(in_flight=1 + 3 * seed, seed=seed)
        scores += Scorer(pool=pool).score([grasp], request).scores
    assert scores[0] == scores[1] == scores[2]
    found = scores[0].collisions
    assert [one.criterion for one in found] == sorted(
        (one.criterion for one in found), key=list(Criterion).index
    )
    for criterion in (OSDR, MDR):
        ended = Counter()
        for trial in range(60):
            block = Block(0, grasp, request.profile, criterion, 4, trial, 1)
            ended.update(fakes.block(block).collisions)
        of_criterion = [one for one in found if one.criterion is criterion]
        assert {(one.outcome, one.links): one.count for one in of_criterion} == ended
        for outcome in (Outcome.ROBOT_HIT_TABLE, Outcome.SELF_COLLISION):
            counts = [one.count for one in of_criterion if one.outcome is outcome]
            assert counts == sorted(counts, reverse=True) and counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200", (200, [])),
        ("osdr=50,fdr=25", (None, [("osdr", 50), ("fdr", 25)])),
        (" 100, mdr = 7 ", (100, [("mdr", 7)])),
        ("-3", (-3, [])),
    ],
)
def test_numbers_of_trials_are_read(text, expected):
    assert parse_trials(text) == expected


@pytest.mark.parametrize(
    "text", ["", "x", "50,25", "osdr=", "osdr=5.5", "osdr:50", "5,,6", "1" * 19]
)
def test_other_texts_are_no_numbers_of_trials(text):
    with pytest.raises(SettingsError) as caught:
        parse_trials(text)
    assert str(caught.value) == (
        f"trials: expected a number, or numbers by criterion as in osdr=50,fdr=25, got {text!r}"
    )


def test_criteria_have_trials_of_their_own():
    def request(trials, *own, **changes):
        words = {"criteria": ["osdr", "fdr", "mdr"], "seed": 0, **changes}
        return ScoreRequest.from_names("huber2023", trials=trials, own_trials=own, **words)

    def numbers(given):
        return [given.trials_of(criterion) for criterion in given.criteria]

    assert numbers(request(None, ("osdr", 3))) == [3, 50, 100]
    assert numbers(request(9, ("fdr", 4), ("mdr", 5))) == [9, 4, 5]
    assert request(9, ("fdr", 4)).rollouts_per_grasp == 1 + 9 + 4 + 9
    assert numbers(request(None, ("fdr", 4), until=0.1)) == [MOST_UNTIL, 4, MOST_UNTIL]
    for own, error in {
        (("foo", 3),): "unknown criterion 'foo'; expected one of fdr, jsdr, mdr, osdr",
        (("fdr", 3), ("fdr", 3)): "trials: expected fdr once, got it twice",
        (("fdr", 0),): "trials of fdr: expected at least 1, got 0",
        (("fdr", 100_001),): "trials of fdr: expected at most 100000, got 100001",
        (("jsdr", 3),): "trials: expected criteria that are scored (osdr, fdr, mdr), got jsdr",
    }.items():
        with pytest.raises(DrGraspError) as caught:
            request(None, *own)
        assert str(caught.value) == error
