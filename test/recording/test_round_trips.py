"""Laws: whatever a value, its message says the same, and so does a bag, as far as it is whole."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.collisions import COLLISIONS as COLLISION_OUTCOMES
from dr_grasp.core.collisions import Collision
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore, Selection
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.errors import RecordingError
from dr_grasp.messages import decoding, encoding
from dr_grasp.messages.typestore import our_typestore, serialize
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
RADIANS = st.floats(-1e6, 1e6)
METRES = st.floats(-1000.0, 1000.0)
SHARES = st.floats(0.0, 1.0)
# Any Unicode but half characters, and NUL, which ends a string of ROS.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.text("abcz_1é", min_size=1, max_size=8)
NAMES_IF_ANY = st.just("") | NAMES
UINT64 = st.integers(0, 2**64 - 1)
STAMPS = st.integers(10**9, 2 * 10**18)
LATER = st.integers(1, 15 * 10**9).map(lambda ns: ns / 1e9)
MODELS = st.dictionaries(TEXTS, TEXTS, max_size=3)


@st.composite
def waypoints(draw):
    joints = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    steps_ns = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=4))
    row = st.lists(RADIANS, min_size=len(joints), max_size=len(joints))
    positions = draw(st.lists(row, min_size=len(steps_ns), max_size=len(steps_ns)))
    return Waypoints(tuple(joints), np.cumsum(steps_ns) / 1e9, np.array(positions))


@st.composite
def poses(draw):
    turn = np.array(draw(st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4)))
    position = draw(st.lists(METRES, min_size=3, max_size=3))
    return Pose(np.array(position), turn / np.linalg.norm(turn))


@st.composite
def grasps(draw):
    way = draw(waypoints())
    hand = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
    postures = st.lists(RADIANS, min_size=len(hand), max_size=len(hand)).map(np.array)
    force = draw(st.floats(0.0, 1000.0, exclude_min=True))
    return GraspTrajectory(
        id=draw(NAMES),
        robot=draw(NAMES_IF_ANY),
        object=draw(NAMES_IF_ANY),
        object_in_base=draw(poses()),
        approach=way,
        close=HandClose(tuple(hand), draw(postures), draw(postures), force, draw(LATER)),
        lift=Waypoints(way.joints, way.times_s, way.positions[::-1]),
        hold_s=draw(LATER),
        provenance=draw(MODELS),
    )


@st.composite
def fitnesses(draw, criterion):
    trials = draw(st.integers(1, 500))
    return Fitness(criterion, draw(st.integers(0, trials)), trials, draw(st.booleans()))


COLLISIONS = st.builds(
    Collision,
    criterion=st.none() | st.sampled_from(Criterion),
    outcome=st.sampled_from(COLLISION_OUTCOMES),
    links=st.builds(LinkPair, NAMES, NAMES),
    count=st.integers(1, 2**32 - 1),
)
SCORES = st.builds(
    GraspScore,
    grasp_id=NAMES,
    nominal_outcome=st.sampled_from(Outcome),
    fitness=st.fixed_dictionaries(
        {}, optional={criterion: fitnesses(criterion) for criterion in Criterion}
    ),
    failures=st.dictionaries(st.sampled_from(Outcome), st.integers(0, 2**32 - 1)),
    seed=UINT64,
    profile=NAMES_IF_ANY,
    software_version=TEXTS,
    whole=st.booleans(),
    models=MODELS,
    transfer_probability=st.none() | SHARES,
    collisions=st.lists(COLLISIONS, max_size=3).map(tuple),
    engine=st.sampled_from(Engine),
)
SELECTIONS = st.builds(
    Selection,
    criterion=st.sampled_from(Criterion),
    chosen=st.lists(TEXTS, max_size=3).map(tuple),
    expected_share=SHARES,
    expected_shortfall=SHARES,
    most_missed=SHARES,
)
ATTEMPTS = st.builds(
    GraspAttempt,
    attempt_id=NAMES,
    stamp_ns=STAMPS,
    backend=NAMES_IF_ANY,
    seed=UINT64,
    attempt_index=st.integers(0, 2**32 - 1),
    grasp=grasps(),
    score=st.none() | SCORES,
    outcome=st.sampled_from(Outcome),
    reason=TEXTS,
    commanded=st.none() | waypoints(),
    measured=st.none() | waypoints(),
    gripper_opening=st.none() | NUMBERS,
    object_before=st.none() | poses(),
    object_after=st.none() | poses(),
    backend_profile=NAMES_IF_ANY,
    models=MODELS,
    software_version=TEXTS,
)
REPORTS = st.builds(
    OutcomeReport,
    attempt_id=NAMES,
    stamp_ns=STAMPS,
    outcome=st.sampled_from(Outcome),
    reason=TEXTS,
    reporter=NAMES_IF_ANY,
)
KINDS = {
    "GraspTrajectory": (grasps(), encoding.encode_grasp, decoding.decode_grasp),
    "GraspScore": (SCORES, encoding.encode_score, decoding.decode_score),
    "Selection": (SELECTIONS, encoding.encode_selection, decoding.decode_selection),
    "GraspAttempt": (ATTEMPTS, encoding.encode_attempt, decoding.decode_attempt),
    "OutcomeReport": (REPORTS, encoding.encode_report, decoding.decode_report),
}

quick = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", KINDS)
def test_a_value_comes_back_from_its_bytes(name):
    values, encode, decode = KINDS[name]
    typename = f"dr_grasp_interfaces/msg/{name}"

    @quick
    @given(values)
    def law(value):
        data = serialize(typename, encode(value))
        message = our_typestore().deserialize_cdr(data, typename)
        assert decode(message) == value
        # A message that somebody else made has the bytes of ours.
        assert serialize(typename, message) == data

    law()


@settings(quick, max_examples=8)
@given(
    scores=st.lists(SCORES, max_size=3),
    attempts=st.lists(ATTEMPTS, max_size=3, unique_by=lambda attempt: attempt.attempt_id),
    reports=st.lists(REPORTS, max_size=2),
    merge=st.integers(1, 4),
)
def test_a_bag_holds_what_was_written(scores, attempts, reports, merge):
    known = {attempt.attempt_id for attempt in attempts}
    with tempfile.TemporaryDirectory() as folder:
        with BagWriter(Path(folder, "bag"), splits_before_merge=merge) as writer:
            writer.write_scores(scores, 10**18)
            for attempt in attempts:
                writer.write_attempt(attempt)
            for report in reports:
                if report.attempt_id in known:
                    writer.write_report(report)
                else:
                    with pytest.raises(RecordingError, match="expected one that is recorded"):
                        writer.write_report(report)
            open_bag = read_bag(writer.directory)
        found = read_bag(writer.directory)
    assert found == open_bag and not found.damage
    assert found.scores == tuple(scores)
    assert {attempt.attempt_id: attempt for attempt in found.attempts} == {
        attempt.attempt_id: attempt for attempt in attempts
    }
    assert sorted(found.reports, key=repr) == sorted(
        (report for report in reports if report.attempt_id in known), key=repr
    )


SCORE = GraspScore("g1", Outcome.SUCCESS, {})


@pytest.fixture(scope="module", params=["folder", "file", "folder without metadata.yaml"])
def written(request, tmp_path_factory):
    """A bag of one score; what to read, and its MCAP file."""
    with BagWriter(tmp_path_factory.mktemp("laws") / "bag") as writer:
        writer.write_scores([SCORE], 10**18)
    (file,) = writer.directory.glob("*.mcap")
    if request.param == "folder without metadata.yaml":
        (writer.directory / "metadata.yaml").unlink()
    return file if request.param == "file" else writer.directory, file, file.read_bytes()


@settings(quick, max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_broken_file_never_passes_for_a_whole_one(written, place, bit, cut):
    path, file, content = written
    at = int(place * len(content))
    flipped = bytes([content[at] ^ 1 << bit])
    file.write_bytes(content[:at] + (b"" if cut else flipped + content[at + 1 :]))
    try:
        found = read_bag(path)
    except RecordingError as error:
        assert str(error).isprintable()
    else:
        assert found.damage or (len(found.scores) == 1 and not cut)
        assert found.damage.isprintable()
