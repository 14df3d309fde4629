"""Ranges that grow with the success of a search: a toy in place of physics, whose limits are known.

In the toy a grasp bears a shift of the object along x up to some limit, and everything else.
"""

from dataclasses import fields, replace

import numpy as np
import pytest

from dr_grasp.core.adr import BOUNDARIES, Thresholds
from dr_grasp.core.arrays import frozen
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, sample_perturbation
from dr_grasp.errors import SettingsError
from dr_grasp.generation import curriculum as curriculum_module
from dr_grasp.generation import search as search_module
from dr_grasp.generation.curriculum import LEADERS, THRESHOLDS, Curriculum, DoubtBlock
from dr_grasp.generation.evaluation import Job
from dr_grasp.generation.fitness_trials import noise_seed
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import FitnessSettings, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile

FITNESS = FitnessSettings(Criterion.MDR, load_profile("default"), trials=7, adr=THRESHOLDS)
TASK = Task("franka", "procedural_000", "me-fit", 5, FITNESS)
X_ENDS = [boundary for boundary in BOUNDARIES if boundary.doubt is Doubt.X]


class Toy:
    """Tries proposals and trials; answers in any order, as workers do."""

    def __init__(self, limits_m, samples, order=0):
        self._limits_m, self._grasp = limits_m, samples.grasp()
        self._rng = np.random.default_rng(order)
        self.trials = []

    def run(self, function, work, is_cancelled):
        for piece in self._rng.permutation(np.array(list(work), dtype=object)):
            if is_cancelled():
                yield None
                return
            if isinstance(piece, Job):
                index = piece.proposal.index
                touch = load_object(piece.object).points[index * 7 % 50]
                grasp = replace(self._grasp, id=f"g{index}")
                yield (
                    piece,
                    Result(
                        piece.proposal,
                        outcome=Outcome.SUCCESS,
                        touch_in_object=frozen(touch),
                        grasp=grasp,
                    ),
                )
            else:
                (block,) = piece.blocks
                self.trials.append(block)
                limit = self._limits_m(int(block.grasp.id.removeprefix("g")))
                yield piece, abs(block.doubts[Doubt.X]) <= limit


class Somewhere:
    """A method that proposes distinct grips."""

    def __init__(self):
        self._count = 0

    def ask(self, count, archive):
        first, self._count = self._count, self._count + count
        return [proposal(index) for index in range(first, self._count)]


def proposal(index):
    return Proposal(index, Pose([0.01 * index, 0, 0], [0, 0, 0, 1]), "pinch")


def success(index, samples):
    return Result(
        proposal(index),
        outcome=Outcome.SUCCESS,
        grasp=samples.grasp(f"g{index}"),
        trials=Trials(0, 0, FITNESS.trials),
    )


@pytest.fixture
def curriculum(tmp_path):
    with SearchJournal(tmp_path / "journal", {}) as journal:
        yield Curriculum(TASK, FITNESS, THRESHOLDS, journal)


def test_the_first_stage_adds_nothing_to_the_profile(curriculum, samples):
    assert set(curriculum.ranges.bounds.values()) == {(0.0, 0.0), (1.0, 1.0)}
    assert curriculum.ranges.entropy == 0
    for trial in range(FITNESS.trials):
        block = curriculum.make_block(0, samples.grasp(), trial, Engine.BULLET)
        (found,) = block.perturbations(7)
        drawn = sample_perturbation(FITNESS.profile, Criterion.MDR, noise_seed(TASK.seed), trial, 7)
        for each in fields(drawn):
            np.testing.assert_array_equal(getattr(found, each.name), getattr(drawn, each.name))


def test_the_second_stage_is_one_step_wide(curriculum):
    curriculum.begin_stage()
    bounds = curriculum.ranges.bounds
    assert bounds[Doubt.X] == pytest.approx((-0.002, 0.002))
    assert bounds[Doubt.JOINTS] == pytest.approx((0.0, 0.002))
    assert bounds[Doubt.MASS] == pytest.approx((np.exp(-0.1), np.exp(0.1)))
    # Two steps wide, or one where there is one end; see `Ranges.entropy`.
    assert curriculum.ranges.entropy == pytest.approx((6 * np.log(3) + 2 * np.log(2)) / 8)


def test_all_grasps_of_a_stage_meet_the_same_trials_each_at_one_end(curriculum, samples):
    seen = []
    curriculum.begin_stage()
    for _ in range(4):  # stages, with 28 trials together
        for trial in range(FITNESS.trials):
            first, second = (
                curriculum.make_block(place, samples.grasp(f"g{place}"), trial, Engine.MUJOCO)
                for place in (0, 1)
            )
            assert (first.doubts, first.first, first.count) == (second.doubts, second.first, 1)
            assert first.engine is Engine.MUJOCO
            boundary = BOUNDARIES[first.first % len(BOUNDARIES)]
            low, high = curriculum.ranges.bounds[boundary.doubt]
            amount = boundary.doubt.amount(first.doubts[boundary.doubt])
            assert amount == pytest.approx(high if boundary.upper else low)
            for doubt, coordinate in first.doubts.items():
                low, high = curriculum.ranges.bounds[doubt]
                assert low - 1e-12 <= doubt.amount(coordinate) <= high + 1e-12
            seen.append(first)
        curriculum.begin_stage()
    assert len({each.first for each in seen}) == 28  # so other noise is drawn in each
    assert len({each.doubts[Doubt.YAW] for each in seen}) > 20


def test_ranges_grow_to_what_the_leaders_bear(curriculum, samples):
    limits_m = [0.009, 0.011, 0.013, 0.015, 0.017]
    results = [success(index, samples) for index in range(5)]
    toy = Toy(limits_m.__getitem__, samples)
    for _ in range(60):
        results = list(curriculum.measure(results, toy, lambda: False))
        assert curriculum.outdated(results) == []
        curriculum.begin_stage()
        assert curriculum.outdated(results) == results
    for end in curriculum.ranges.bounds[Doubt.X]:
        # Where 0.5 to 0.8 of the leaders still hold, give or take a step.
        assert 0.009 <= abs(end) <= 0.015
    # What is borne in any amount grows to its limit.
    assert curriculum.ranges.bounds[Doubt.MASS] == pytest.approx((0.1, 10.0))
    assert [each.trials.done for each in results] == [FITNESS.trials] * 5


def test_a_cancelled_measurement_tells_nothing(curriculum, samples):
    results = [success(index, samples) for index in range(5)]
    curriculum.begin_stage()
    before = curriculum.ranges
    toy = Toy(lambda index: 1.0, samples)
    told = list(curriculum.measure(results, toy, lambda: len(toy.trials) >= 20))
    assert told == [None]
    curriculum.begin_stage()
    assert curriculum.ranges == before


def test_doubts_are_added_to_what_is_drawn_from_the_profile(samples):
    profile = load_profile("default")
    block = DoubtBlock(
        *(0, samples.grasp(), profile, Criterion.MDR, 3, 40, 1),
        doubts={Doubt.X: 0.01, Doubt.MASS: np.log(2.0), Doubt.JOINTS: 0.004},
    )
    (found,) = block.perturbations(7)
    drawn = sample_perturbation(profile, Criterion.MDR, 3, 40, 7)
    np.testing.assert_allclose(found.translation_m - drawn.translation_m, [0.01, 0, 0])
    assert found.mass_scale == pytest.approx(2 * drawn.mass_scale)
    assert found.lateral_friction_scale == drawn.lateral_friction_scale
    np.testing.assert_array_equal(found.rotation_rpy_rad, drawn.rotation_rpy_rad)
    assert (found.jitter_std, found.jitter_seed) == (drawn.jitter_std, drawn.jitter_seed)
    # The root mean square of the joints' errors is the coordinate.
    added = (found.joint_offset - drawn.joint_offset) * load_robot("franka").arm_half_ranges
    assert np.sqrt(np.mean(added**2)) == pytest.approx(0.004)
    (again,) = block.perturbations(7)
    np.testing.assert_array_equal(found.joint_offset, again.joint_offset)


def test_ranges_wait_until_there_are_leaders_enough_and_good_enough(samples):
    def leaders(count, successes):
        trials = Trials(successes, 10, 10)
        return [replace(success(index, samples), trials=trials) for index in range(count)]

    assert Curriculum.is_ready(leaders(LEADERS, 9))
    assert not Curriculum.is_ready(leaders(LEADERS, 8))
    assert not Curriculum.is_ready(leaders(LEADERS - 1, 10))
    assert not Curriculum.is_ready([])


def limit_m(index):
    """Of the toy's grasps: the later ones are better, up to 19 mm."""
    return 0.001 * (index % 20)


@pytest.fixture
def search(tmp_path, samples, monkeypatch):
    """Searches with the toy; returns the findings, names and provenance of
    the grasps, and the toy."""
    monkeypatch.setattr(search_module, "BATCH", 12)
    monkeypatch.setattr(search_module, "LEADERS", 5)
    monkeypatch.setattr(curriculum_module, "LEADERS", 5)

    def search(evaluations, order=0, resume=False, name="journal", is_cancelled=None):
        toy = Toy(limit_m, samples, order)
        path = tmp_path / name
        with SearchJournal(path, TASK.described(), resume) as journal:
            run = Search(TASK, Somewhere(), toy, journal, None, is_cancelled and is_cancelled(toy))
            found = run.run(Limits(evaluations))
        return found, [(grasp.id, dict(grasp.provenance)) for grasp in found.grasps], toy

    return search


def test_the_best_are_those_that_bear_most_in_the_last_ranges(search):
    found, grasps, _ = search(180)
    assert found.ranges.bounds[Doubt.X][1] > 0.008
    for _, said in grasps[:5]:
        assert said["fitness"] in ("adr 7/7", "adr 6/7")
        assert said["fitness ranges"] == str(found.ranges)
        assert said["fitness entropy"] == f"{found.ranges.entropy:.3f}"
    assert min(limit_m(int(name.removeprefix("g"))) for name, _ in grasps[:5]) >= 0.010


def test_the_order_of_workers_does_not_matter_nor_does_an_interruption(search):
    found, grasps, toy = search(60)
    assert found.ranges.entropy > 0
    again, same, _ = search(60, order=1, name="other")
    assert (same, again.ranges) == (grasps, found.ranges)
    for count in (100, 300):  # after the newcomers' trials of one generation, and of some
        name = f"interrupted_{count}"

        def after(other, count=count):
            return lambda: len(other.trials) >= count

        cut, _, _ = search(60, name=name, is_cancelled=after)
        assert cut.interrupted
        whole, same, rest = search(60, order=2, resume=True, name=name)
        assert (same, whole.ranges, whole.interrupted) == (grasps, found.ranges, False)
        assert len(rest.trials) < len(toy.trials)


def test_a_journal_says_the_thresholds(tmp_path):
    assert TASK.described()["fitness"] == "adr"
    assert TASK.described()["thresholds"] == {"high": 0.8, "low": 0.5, "trials": 5}
    plain = replace(TASK, fitness=replace(FITNESS, adr=None))
    assert "thresholds" not in plain.described() and plain.described()["fitness"] == "mdr"


def test_ranges_grow_under_mdr_alone():
    with pytest.raises(SettingsError, match="criterion: expected mdr where ranges grow, got osdr"):
        FitnessSettings(Criterion.OSDR, load_profile("default"), adr=Thresholds())


def test_ranges_in_words():
    bounds = dict.fromkeys(Doubt, (0.5, 1.25)) | {Doubt.X: (-0.012, 0.0)}
    lines = GrownRanges(bounds, 1.0).lines()
    assert lines[0] == "object along x -0.012 to 0 m"
    assert "friction 0.5 to 1.25" in lines and len(lines) == len(Doubt)
