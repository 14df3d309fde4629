"""rclpy's messages: the same mapping as rosbags'."""

import math
import os
import subprocess
import sys

import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState

from dr_grasp.core.fitness import RefusedGrasp, Selection
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import InvalidGraspError, SettingsError
from dr_grasp.messages import decoding, encoding, requests
from dr_grasp.messages.typestore import our_typestore, serialize
from dr_grasp.ros import conversions
from dr_grasp_interfaces import action, msg, srv

SELECTION = Selection(Criterion.FDR, ("g1", "größe"), 0.875, 0.0125, 1.0)

NOTHING_KNOWN = {
    "score": None,
    "commanded": None,
    "measured": None,
    "object_before": None,
    "object_after": None,
}


@pytest.fixture(params=["grasp", "score", "selection", "attempt", "bare attempt", "report"])
def kind(request, samples):
    """A value, its encoder, its message class, the converter and the decoder."""
    make, name = {
        "grasp": (samples.grasp, "GraspTrajectory"),
        "score": (samples.score, "GraspScore"),
        "selection": (lambda: SELECTION, "Selection"),
        "attempt": (samples.attempt, "GraspAttempt"),
        "bare attempt": (lambda: samples.attempt(**NOTHING_KNOWN), "GraspAttempt"),
        "report": (samples.report, "OutcomeReport"),
    }[request.param]
    verb = request.param.split()[-1]
    return (
        make(),
        getattr(encoding, f"encode_{verb}"),
        getattr(msg, name),
        getattr(conversions, f"{verb}_to_msg"),
        getattr(decoding, f"decode_{verb}"),
    )


def test_a_value_survives_rclpy_and_then_rosbags(kind):
    value, encode, message_class, convert, decode = kind
    message = convert(value)
    assert isinstance(message, message_class)
    assert decode(message) == value
    data = serialize_message(message)
    assert decode(deserialize_message(data, message_class)) == value
    typename = f"dr_grasp_interfaces/msg/{message_class.__name__}"
    # What rclpy returns may be longer than the message, and what follows is whatever was in memory.
    size = len(serialize(typename, encode(value)))
    assert size <= len(data)
    assert decode(our_typestore().deserialize_cdr(data[:size], typename)) == value


def test_a_value_survives_rosbags_and_then_rclpy(kind):
    value, encode, message_class, convert, decode = kind
    typename = f"dr_grasp_interfaces/msg/{message_class.__name__}"
    message = deserialize_message(bytes(serialize(typename, encode(value))), message_class)
    assert message == convert(value)
    assert decode(message) == value


def test_every_field_is_set(kind):
    value, encode, message_class, _, _ = kind
    assert set(encode(value)) == set(message_class.get_fields_and_field_types())


def test_the_outcomes_are_those_of_the_interface():
    for outcome in Outcome:
        assert getattr(msg.Outcome, outcome.name) == outcome
        assert conversions.outcome_to_msg(outcome).value == outcome


def test_refusals_and_joint_states_become_messages():
    refusal = conversions.refusal_to_msg(RefusedGrasp(3, "g3", "grasp g3: id: why"))
    assert (refusal.index, refusal.grasp_id, refusal.reason) == (3, "g3", "grasp g3: id: why")
    state = conversions.to_msg(JointState, encoding.encode_joint_state(10**9 + 5, ("a",), [0.5]))
    assert (state.header.stamp.sec, state.header.stamp.nanosec) == (1, 5)
    assert (state.name, list(state.position), list(state.velocity)) == (["a"], [0.5], [])


def test_an_unknown_opening_survives(samples):
    attempt = samples.attempt(gripper_opening=None)
    message = conversions.attempt_to_msg(attempt)
    found = decoding.decode_attempt(
        deserialize_message(serialize_message(message), msg.GraspAttempt)
    )
    assert found == attempt


def test_what_a_message_leaves_out_is_named(samples):
    with pytest.raises(InvalidGraspError, match=r"^grasp without an id: approach joints: exp"):
        decoding.decode_grasp(msg.GraspTrajectory())
    message = conversions.grasp_to_msg(samples.grasp())
    message.approach.points[1].positions[2] = math.nan
    with pytest.raises(InvalidGraspError) as caught:
        decoding.decode_grasp(message)
    assert str(caught.value) == (
        "grasp g1: approach positions: expected finite numbers, got nan at [1, 2]"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criterion": "xdr"}, "selection: unknown criterion 'xdr'; expected one of fdr, jsdr"),
        ({"expected_share": 1.5}, "selection: expected_share: expected from 0 to 1, got 1.5"),
        ({"expected_shortfall": math.nan}, "selection: expected_shortfall: expected from 0 to 1"),
        ({"most_missed": -0.1}, "selection: most_missed: expected from 0 to 1, got -0.1"),
    ],
)
def test_a_bad_selection_is_named(changes, message):
    fields = encoding.encode_selection(SELECTION) | changes
    with pytest.raises(InvalidGraspError) as caught:
        decoding.decode_selection(conversions.to_msg(msg.Selection, fields))
    assert str(caught.value).startswith(message)


STRICT = """
import sys
sys.path.insert(0, sys.argv[1])
from conftest import Samples
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.fitness import Selection
from dr_grasp.ros import conversions
samples = Samples()
conversions.grasp_to_msg(samples.grasp(hold_s=1))
conversions.attempt_to_msg(samples.attempt())
conversions.report_to_msg(samples.report())
conversions.selection_to_msg(Selection(Criterion.FDR, ("g1",), 0.5, 0.25, 1.0))
"""


def test_types_are_those_that_rclpy_asserts(request):
    environment = os.environ | {"ROS_PYTHON_CHECK_FIELDS": "1"}
    folder = str(request.config.rootpath / "test")
    subprocess.run([sys.executable, "-c", STRICT, folder], env=environment, check=True)


@pytest.mark.parametrize(
    "kind", [action.ScoreGrasps.Goal, action.ExecuteGrasps.Goal, srv.ScoreGrasps.Request]
)
def test_a_request_of_too_many_grasps_is_refused_before_it_is_in_memory(kind, samples):
    grasps = [samples.grasp()] * (requests.MOST_GRASPS + 1)
    with pytest.raises(SettingsError, match="grasps: expected at most 10000 in a request, got"):
        conversions.grasps_to_msgs(grasps)
    # Whoever has none of our code is refused by the definition of the type, also without the checks
    # that test/conftest.py asks for.
    made = kind(grasps=[msg.GraspTrajectory()] * len(grasps), check_fields=False)
    with pytest.raises(RuntimeError, match="Failed to serialize"):
        serialize_message(made)
    cdr = b"\x00\x01\x00\x00" + len(grasps).to_bytes(4, "little") + bytes(64)
    with pytest.raises(RuntimeError, match="failed to deserialize"):
        deserialize_message(cdr, kind)
