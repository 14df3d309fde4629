"""What messages say of values, and what is refused; that they come back is in test_round_trips."""

import array
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dr_grasp.common.resources import find_share
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import LONGEST_PATH_S, Waypoints
from dr_grasp.errors import InvalidGraspError, SettingsError
from dr_grasp.messages import decoding, encoding
from dr_grasp.messages import typestore as typestores

GRASP_TYPE = "dr_grasp_interfaces/msg/GraspTrajectory"


def through_cdr(typename, fields):
    store = typestores.our_typestore()
    return store.deserialize_cdr(typestores.serialize(typename, fields), typename)


def as_message(fields):
    """A message by duck typing: attributes instead of keys."""
    if isinstance(fields, dict):
        return SimpleNamespace(**{key: as_message(value) for key, value in fields.items()})
    return [as_message(entry) for entry in fields] if isinstance(fields, list) else fields


def test_times_of_whole_nanoseconds_come_back_to_the_bit():
    rng = np.random.default_rng(1)
    for ns in [0, 1, 60 * 10**9, *rng.integers(0, 60 * 10**9, 20_000).tolist()]:
        for seconds in (ns / 1e9, round(ns * 1e-9, 9)):
            assert encoding.to_ns(seconds) == ns
            stamp = SimpleNamespace(**encoding.encode_time(encoding.to_ns(seconds)))
            assert decoding.decode_ns(stamp) / encoding.NS_PER_S == seconds


def test_a_schedule_at_any_rate_comes_back(samples):
    times = np.round(np.arange(1, 500) / 240.0, 9)
    grasp = samples.grasp(
        approach=Waypoints(("j",), times, np.sin(times)[:, None]),
        lift=Waypoints(("j",), times, np.sin(times + times[-1])[:, None]),
        hold_s=round(1 / 3, 9),
    )
    found = decoding.decode_grasp(as_message(encoding.encode_grasp(grasp)))
    np.testing.assert_array_equal(found.schedule(240.0).arm, grasp.schedule(240.0).arm)


@pytest.mark.parametrize("container", [list, tuple, np.array, lambda v: array.array("d", v)])
def test_numbers_may_come_in_any_array(samples, container):
    grasp = samples.grasp()
    message = as_message(encoding.encode_grasp(grasp))
    for point in (*message.approach.points, *message.lift.points):
        point.positions = container(point.positions)
    message.preshape = container(message.preshape)
    assert decoding.decode_grasp(message) == grasp


def test_joint_states_carry_names_positions_and_time():
    message = through_cdr(
        typestores.JOINT_STATE_TYPE,
        encoding.encode_joint_state(1_500_000_001, ("a", "b"), np.array([0.1, -0.2])),
    )
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (1, 500_000_001)
    assert message.name == ["a", "b"]
    assert message.position.tolist() == [0.1, -0.2]
    assert len(message.velocity) == len(message.effort) == 0


def test_fitnesses_come_in_one_order(samples):
    score = samples.score()
    flipped = replace(score, fitness=dict(reversed(score.fitness.items())))
    assert encoding.encode_score(flipped) == encoding.encode_score(score)
    low, high = Fitness(Criterion.OSDR, 0, 23).interval
    assert encoding.encode_score(score)["fitness"][0] == {
        "criterion": "osdr",
        "successes": 0,
        "trials": 23,
        "value": 0.0,
        "low": low,
        "high": high,
        "sequential": False,
    }


@pytest.mark.parametrize("by_width", [False, True])
def test_a_sequential_fitness_survives_the_bytes_and_older_messages_are_not(samples, by_width):
    fitness = Fitness(Criterion.MDR, 7, 23, sequential=True, by_width=by_width)
    score = samples.score(fitness={Criterion.MDR: fitness})
    message = through_cdr(typestores.SCORE_TYPE, encoding.encode_score(score))
    assert decoding.decode_score(message) == score
    assert (message.fitness[0].low, message.fitness[0].high) == fitness.interval
    older = as_message(encoding.encode_fitness(fitness))
    del older.sequential
    assert decoding.decode_fitness(older) == Fitness(Criterion.MDR, 7, 23)


def test_who_says_no_engine_means_bullet(samples):
    score = samples.score(engine=Engine.MUJOCO)
    message = as_message(encoding.encode_score(score))
    assert message.engine == "mujoco" and decoding.decode_score(message) == score
    message.engine = ""
    assert decoding.decode_score(message) == samples.score()
    del message.engine  # of a bag of before there was a choice
    assert decoding.decode_score(message) == samples.score()
    message.engine = "ode"
    with pytest.raises(InvalidGraspError, match="score of grasp g1: unknown engine 'ode'; expec"):
        decoding.decode_score(message)


def test_collisions_that_cannot_be_are_refused(samples):
    message = as_message(encoding.encode_score(samples.score()))
    collision = message.collisions[0]
    assert (collision.criterion, collision.first, collision.count) == ("osdr", "panda_hand", 2)
    for name, value, problem in (
        ("criterion", "x", "unknown criterion 'x'; expected one of fdr, jsdr, mdr, osdr"),
        ("outcome", SimpleNamespace(value=2), "outcome: expected robot_hit_table or self_colli"),
        ("count", 0, "count: expected at least 1, got 0"),
    ):
        bad = SimpleNamespace(**{**vars(collision), name: value})
        with pytest.raises(InvalidGraspError) as caught:
            decoding.decode_score(SimpleNamespace(**{**vars(message), "collisions": [bad]}))
        assert str(caught.value).startswith(f"score of grasp g1: collisions: {problem}")
    with pytest.raises(InvalidGraspError, match="collisions: expected at most 10000, got 10001"):
        samples.score(collisions=samples.score().collisions[:1] * 10_001)


def put(value, fields, *keys):
    for key in keys[:-1]:
        fields = fields[key]
    fields[keys[-1]] = value


BAD_GRASPS = [
    (("", "id"), "grasp without an id: id: expected a name, got an empty string"),
    (
        ([0.0] * 6, "approach", "points", 3, "positions"),
        "grasp g1: approach positions: expected 7 numbers at waypoint 3, got 6",
    ),
    (
        (math.nan, "approach", "points", 3, "positions", 2),
        "grasp g1: approach positions: expected finite numbers, got nan at [3, 2]",
    ),
    (
        (-math.inf, "lift", "points", 0, "positions", 0),
        "grasp g1: lift positions: expected finite numbers, got -inf at [0, 0]",
    ),
    (
        (["panda_joint1"] * 7, "lift", "joint_names"),
        "grasp g1: lift joints: expected unique names, got panda_joint1 twice",
    ),
    (([], "lift", "joint_names"), "grasp g1: lift positions: expected 0 numbers at waypoint 0"),
    (([], "lift", "points"), "grasp g1: lift times: expected at least one waypoint, got none"),
    (
        ({"sec": 0, "nanosec": 0}, "approach", "points", 2, "time_from_start"),
        "grasp g1: approach times: expected strictly increasing from 0 s, got 0 s at waypoint 2",
    ),
    (
        ({"sec": -1, "nanosec": 0}, "approach", "points", 0, "time_from_start"),
        "grasp g1: approach times: expected strictly increasing from 0 s, got -1 s at waypoint 0",
    ),
    (([], "preshape"), "grasp g1: close preshape: expected 1 numbers, got shape (0,)"),
    (([math.nan], "close_positions"), "grasp g1: close positions: expected finite numbers, got"),
    ((math.nan, "close_force"), "grasp g1: close force: expected more than 0"),
    (
        ({"sec": 0, "nanosec": 0}, "close_duration"),
        "grasp g1: close duration: expected more than 0 and at most 60 s, got 0.0",
    ),
    (
        ({"sec": 61, "nanosec": 0}, "hold_duration"),
        "grasp g1: hold: expected more than 0 and at most 60 s, got 61.0",
    ),
    (
        (2.0, "object_in_base", "orientation", "w"),
        "grasp g1: object_in_base: quaternion xyzw: expected 4 numbers of norm 1, got",
    ),
    (
        (math.nan, "object_in_base", "position", "x"),
        "grasp g1: object_in_base: position: expected 3 finite numbers, got [nan",
    ),
    (
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "provenance"),
        "grasp g1: provenance: expected unique keys, got 1 repeated",
    ),
]


@pytest.mark.parametrize(("change", "expected"), BAD_GRASPS, ids=[text for _, text in BAD_GRASPS])
def test_bad_grasps_are_named(samples, change, expected):
    fields = encoding.encode_grasp(samples.grasp())
    put(change[0], fields, *change[1:])
    for message in (as_message(fields), through_cdr(GRASP_TYPE, fields)):
        with pytest.raises(InvalidGraspError) as caught:
            decoding.decode_grasp(message)
        assert str(caught.value).startswith(expected)
        assert "\n" not in str(caught.value)


BAD_SCORES = [
    (("", "grasp_id"), "score of grasp without an id: grasp_id: expected a name"),
    ((99, "nominal_outcome", "value"), "nominal_outcome: expected an outcome from 0 to 20, got 99"),
    ((False, "nominal_success"), "nominal_success: expected True for the nominal outcome success"),
    (("xdr", "fitness", 0, "criterion"), "fitness: unknown criterion 'xdr'; expected one of fdr,"),
    ((0.5, "fitness", 1, "value"), "fitness: jsdr: value: expected successes / trials = 0.304"),
    ((0, "fitness", 0, "trials"), "fitness: osdr: expected 0 <= successes <= trials >= 1, got 0"),
    ((24, "fitness", 1, "successes"), "fitness: jsdr: expected 0 <= successes <= trials >= 1"),
    ((math.nan, "fitness", 1, "value"), "fitness: jsdr: value: expected successes / trials = 0.3"),
    ((21, "failures", 1, "reason", "value"), "failures: expected an outcome from 0 to 20, got 21"),
    ((2, "failures", 1, "reason", "value"), "failures: expected unique keys, got 1 repeated"),
]


@pytest.mark.parametrize(("change", "expected"), BAD_SCORES, ids=[text for _, text in BAD_SCORES])
def test_bad_scores_are_named(samples, change, expected):
    fitness = {Criterion.OSDR: Fitness(Criterion.OSDR, 0, 23)}
    fitness[Criterion.JSDR] = Fitness(Criterion.JSDR, 7, 23)
    fields = encoding.encode_score(samples.score(fitness=fitness))
    put(change[0], fields, *change[1:])
    with pytest.raises(InvalidGraspError) as caught:
        decoding.decode_score(as_message(fields))
    assert expected in str(caught.value)
    assert str(caught.value).startswith("score of grasp ")


def test_two_fitnesses_of_one_criterion_are_refused(samples):
    fields = encoding.encode_score(samples.score())
    fields["fitness"].append(fields["fitness"][0])
    with pytest.raises(InvalidGraspError, match="fitness: expected unique keys, got 1 repeated"):
        decoding.decode_score(as_message(fields))


BAD_ATTEMPTS = [
    (("", "attempt_id"), "attempt without an id: attempt_id: expected a name"),
    (("", "grasp", "id"), "attempt a1: grasp without an id: id: expected a name"),
    (("ur5", "robot"), "attempt a1: robot: expected franka as in the grasp, got 'ur5'"),
    ((77, "outcome", "value"), "attempt a1: outcome: expected an outcome from 0 to 20, got 77"),
    (([], "measured", "points"), "attempt a1: measured times: expected at least one waypoint"),
    (([0.0], "commanded", "points", 1, "positions"), "attempt a1: commanded positions: expected 8"),
    ((0.0, "object_after", 0, "orientation", "x"), "attempt a1: object_after: quaternion xyzw"),
    ((9, "score", 0, "fitness", 0, "value"), "attempt a1: score of grasp g1: fitness: osdr: value"),
]


@pytest.mark.parametrize(("change", "expected"), BAD_ATTEMPTS, ids=[t for _, t in BAD_ATTEMPTS])
def test_bad_attempts_are_named(samples, change, expected):
    fields = encoding.encode_attempt(samples.attempt())
    put(change[0], fields, *change[1:])
    with pytest.raises(InvalidGraspError) as caught:
        decoding.decode_attempt(as_message(fields))
    assert str(caught.value).startswith(expected)


def test_an_attempt_has_one_score_at_most(samples):
    fields = encoding.encode_attempt(samples.attempt())
    fields["score"] *= 2
    with pytest.raises(InvalidGraspError, match="attempt a1: score: expected at most one, got 2"):
        decoding.decode_attempt(as_message(fields))


def test_a_bad_report_is_named(samples):
    fields = encoding.encode_report(samples.report()) | {"outcome": {"value": 200}}
    with pytest.raises(InvalidGraspError, match=r"^report on attempt a1: outcome: expected an"):
        decoding.decode_report(as_message(fields))


def test_outcomes_have_the_numbers_of_the_interface():
    constants, _ = typestores.our_typestore().fielddefs["dr_grasp_interfaces/msg/Outcome"]
    assert {name: value for name, _, value in constants} == {o.name: int(o) for o in Outcome}


def test_types_hash_as_ros_hashes_them():
    """rosbags computes the hashes; those of the installed interfaces come from ROS itself."""
    pytest.importorskip("rclpy", reason="needs our messages, built for ROS")
    folder = find_share("dr_grasp_interfaces", "msg/GraspAttempt.json") / "msg"
    store = typestores.our_typestore()
    paths = list(folder.glob("*.json"))
    assert len(paths) == 13
    for path in paths:
        hashes = {
            entry["type_name"]: entry["hash_string"]
            for entry in json.loads(path.read_text())["type_hashes"]
        }
        name = f"dr_grasp_interfaces/msg/{path.stem}"
        assert store.hash_rihs01(name) == hashes[name]


def test_interfaces_that_are_not_installed_are_named():
    with pytest.raises(SettingsError, match=r"^nobody: msg/X\.msg not found in any of .*setup"):
        find_share("nobody", "msg/X.msg")


@pytest.mark.parametrize("seconds", [-1, 2**31 - 1])
def test_a_stamp_that_no_bag_can_hold_is_refused(samples, seconds):
    message = through_cdr(typestores.ATTEMPT_TYPE, encoding.encode_attempt(samples.attempt()))
    message = replace(message, stamp=replace(message.stamp, sec=seconds))
    with pytest.raises(InvalidGraspError, match="attempt a1: stamp: expected seconds since"):
        decoding.decode_attempt(message)


def test_the_latest_stamp_leaves_room_for_the_longest_path():
    """The joint states of an attempt are stamped up to the end of its path, in 31 bits of s."""
    assert decoding.LAST_STAMP_S + LONGEST_PATH_S + 60 < 2**31
