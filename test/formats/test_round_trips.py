"""Whatever can be written comes back to the bit, and is written again as the same bytes."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_grasp.core.collisions import COLLISIONS, Collision
from dr_grasp.core.diagnosis import Diagnosis, DiagnosisThresholds
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import MAX_SEED, Criterion
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.formats.diagnosis_file import DiagnosisFile, read_diagnoses, write_diagnoses
from dr_grasp.formats.grasp_file import GraspFile, GraspReader, read_grasps, write_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores

some = settings(max_examples=30, deadline=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ids = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
names = st.just("") | ids
numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
metres = st.floats(-1000, 1000)
radians = st.floats(-1e6, 1e6)
positive = st.floats(0, 1e6, exclude_min=True)
seeds = st.integers(0, MAX_SEED)


def maybe(strategy):
    return st.none() | strategy


@st.composite
def poses(draw):
    turn = np.array(draw(st.lists(st.floats(-1, 1), min_size=4, max_size=4)))
    norm = np.linalg.norm(turn)
    turn = turn / norm if norm > 1e-3 else [0, 0, 0, 1]
    return Pose(draw(st.lists(metres, min_size=3, max_size=3)), turn)


@st.composite
def waypoints(draw, joints):
    steps = draw(st.lists(st.floats(1e-6, 1), min_size=1, max_size=5))
    # Begins after 0 s, so that a lift may begin anywhere.
    rows = st.lists(st.floats(-10, 10), min_size=len(joints), max_size=len(joints))
    positions = draw(st.lists(rows, min_size=len(steps), max_size=len(steps)))
    return Waypoints(joints, np.cumsum(steps), positions)


@st.composite
def grasps(draw):
    arm = tuple(draw(st.lists(ids, min_size=1, max_size=3, unique=True)))
    hand = tuple(draw(st.lists(ids, min_size=1, max_size=3, unique=True)))
    of_hand = st.lists(radians, min_size=len(hand), max_size=len(hand))
    times = st.floats(1e-6, 20)
    force = draw(st.floats(1e-6, 1000))
    return GraspTrajectory(
        id=draw(ids),
        robot=draw(names),
        object=draw(names),
        object_in_base=draw(poses()),
        approach=draw(waypoints(arm)),
        close=HandClose(hand, draw(of_hand), draw(of_hand), force, draw(times)),
        lift=draw(waypoints(arm)),
        hold_s=draw(times),
        provenance=draw(st.dictionaries(texts, texts, max_size=3)),
    )


@st.composite
def fitnesses(draw):
    chosen = draw(st.lists(st.sampled_from(Criterion), unique=True))
    found = {}
    for criterion in chosen:
        trials = draw(st.integers(1, 2000))
        successes = draw(st.integers(0, trials))
        found[criterion] = Fitness(criterion, successes, trials, draw(st.booleans()))
    return found


pairs = st.builds(LinkPair, ids, ids)
collisions = st.builds(
    Collision, maybe(st.sampled_from(Criterion)), st.sampled_from(COLLISIONS), pairs, st.just(7)
)
refusals = st.builds(RefusedGrasp, st.integers(0, 2**32 - 1), names, names)


@st.composite
def score_files(draw):
    shared = {"seed": draw(seeds), "profile": draw(names), "software_version": draw(texts)}
    shared["engine"] = draw(st.sampled_from(Engine))
    outcomes = st.sampled_from(Outcome)
    scores = st.builds(
        GraspScore,
        grasp_id=names,
        nominal_outcome=outcomes,
        fitness=fitnesses(),
        failures=st.dictionaries(outcomes, st.integers(0, 2**32 - 1), max_size=3),
        whole=st.booleans(),
        models=st.dictionaries(texts, texts, max_size=3),
        transfer_probability=maybe(shares),
        collisions=st.lists(collisions, max_size=3).map(tuple),
        **{name: st.just(value) for name, value in shared.items()},
    )
    selections = st.builds(
        Selection,
        st.sampled_from(Criterion),
        st.lists(texts, max_size=3).map(tuple),
        shares,
        shares,
        shares,
    )
    by_id = st.lists(scores, max_size=4, unique_by=lambda score: score.grasp_id).map(tuple)
    refused = tuple(draw(st.lists(refusals, max_size=3)))
    return ScoreFile(draw(by_id), refused, **shared, selection=draw(maybe(selections)))


@st.composite
def diagnosis_files(draw):
    share_limits, limits = maybe(st.floats(0, 1, exclude_min=True)), maybe(positive)
    shares_of = ("least_friction", "friction_loss", "mdr", "engine_gap")
    thresholds = DiagnosisThresholds(
        **{
            field.name: draw(share_limits if field.name in shares_of else limits)
            for field in fields(DiagnosisThresholds)
        }
    )
    lengths = st.floats(0, 1e3)
    diagnoses = st.builds(
        Diagnosis,
        grasp_id=names,
        outcome=st.sampled_from(Outcome),
        mdr=maybe(shares),
        least_friction=maybe(shares),
        friction_loss=maybe(shares),
        deepest_penetration_m=maybe(st.floats(-1e3, 1e3)),
        lift_acceleration=maybe(lengths),
        grip_offset_m=maybe(lengths),
        grip_lever_m=maybe(lengths),
        surface_distance_m=maybe(lengths),
        trajectory=names,
        links=maybe(pairs),
    )
    by_id = st.lists(diagnoses, max_size=4, unique_by=lambda one: one.grasp_id).map(tuple)
    refused, engine = tuple(draw(st.lists(refusals, max_size=3))), draw(st.sampled_from(Engine))
    return DiagnosisFile(draw(by_id), refused, thresholds, draw(texts), engine)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round_trips")


@some
@given(st.lists(grasps(), max_size=4, unique_by=lambda grasp: grasp.id))
def test_grasps(folder, written):
    path, again = folder / "grasps", folder / "again"
    write_grasps(path, written)
    found = read_grasps(path)
    assert found == GraspFile(tuple(written))
    write_grasps(again, found.grasps)
    assert again.read_bytes() == path.read_bytes()
    assert GraspReader(path).count == len(written)
    # Any layout of the same JSON is the same grasps.
    path.write_bytes(b" " + path.read_bytes())
    assert read_grasps(path) == found


@some
@given(score_files())
def test_scores(folder, written):
    path, again = folder / "scores", folder / "again"
    write_scores(path, written)
    found = read_scores(path)
    assert found == written
    write_scores(again, found)
    assert again.read_bytes() == path.read_bytes()


@some
@given(diagnosis_files())
def test_diagnoses(folder, written):
    path, again = folder / "diagnoses", folder / "again"
    results = [*written.diagnoses, *written.refused]
    made_by = written.software_version, written.engine
    write_diagnoses(path, results, written.thresholds, *made_by)
    found = read_diagnoses(path)
    assert found == written
    write_diagnoses(again, results, found.thresholds, *made_by)
    assert again.read_bytes() == path.read_bytes()
