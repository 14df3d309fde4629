"""Metrics of grasps in both engines, against what mechanics says of grips that are made for it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose, grip_frame
from dr_grasp.core.metric import ENGINE_DOUBT, Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import Phase
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.proposal import Proposal
from dr_grasp.objects.object_spec import load_object
from dr_grasp.quality import measurement
from dr_grasp.quality import tug as tug_module
from dr_grasp.quality.measurement import closed_contacts, contact_points, measure
from dr_grasp.quality.tug import LARGEST_TUG, SLIP_M, TUG_RATE, tug, withstood
from dr_grasp.quality.wrench_set import epsilon
from dr_grasp.quality.wrenches import primitive_wrenches
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.scene import GRAVITY

from ..simulation.made import object_of

MASS, FRICTION, FORCE = 0.1, 0.6, 3.0
DOWN, ACROSS = [0, 0, -1], [1, 0, 0]
TRIALS = 3
MEASURED = [metric for metric in Metric if metric not in ENGINE_DOUBT]
PROFILE = load_profile("default")


@pytest.fixture(scope="module", params=[Engine.BULLET, Engine.MUJOCO], ids=lambda e: e.value)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def bar(engine, franka, tmp_path_factory):
    """A runner with a bar of 3 x 16 x 3 cm that lies across the fingers."""
    path = tmp_path_factory.mktemp("bar") / "bar.stl"
    trimesh.creation.box((0.03, 0.16, 0.03)).export(path)
    item = object_of(path, MASS, lateral=FRICTION)
    with RolloutRunner(open_world(engine, franka, item)) as runner:
        yield runner


def gripped_from_above(runner, place, force):
    """A grasp of an object at a place in its frame, the fingers closing along x."""
    planned = Evaluator(runner.world, "test", 0).plan(
        Proposal(0, grip_frame(place, DOWN, ACROSS), "pinch")
    )
    return replace(planned, hold_s=0.25, close=replace(planned.close, force=force))


@pytest.fixture(scope="module")
def grasp(bar):
    return gripped_from_above(bar, [0, 0, 0], FORCE)


@pytest.fixture(scope="module", autouse=True)
def few_trials():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measurement, "ROBUST_TRIALS", TRIALS)
        yield


def beside(grasp):
    """The same motion, with the object where the hand does not come."""
    away = grasp.object_in_base.position + np.array([0.0, -0.3, 0.0])
    return replace(grasp, object_in_base=Pose(away, grasp.object_in_base.quaternion_xyzw))


def measured(runner, grasp, metrics=MEASURED, seed=0):
    return measure(runner, grasp, metrics, PROFILE, seed)


@pytest.fixture(scope="module")
def found(bar, grasp):
    """All metrics of a grip in the middle of the bar."""
    return measured(bar, grasp)


PRESSES = 2.0 * FRICTION * FORCE / (MASS * GRAVITY)
"""What friction holds, on both sides, in multiples of the weight."""


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ([0, 0, -1], PRESSES - 1.0),
        ([0, 0, 1], PRESSES + 1.0),
        ([0, 1, 0], np.sqrt(PRESSES**2 - 1.0)),  # friction holds the sum of pull and weight
    ],
    ids=["down", "up", "along the bar"],
)
def test_a_pinched_bar_withstands_twice_friction_times_force(bar, grasp, direction, expected):
    # From when it slides, with an excess that grows by the rate, it is faster by rate g t^2 / 2.
    while_slipping = TUG_RATE * np.cbrt(6.0 * SLIP_M / (TUG_RATE * GRAVITY))
    found = withstood(bar, grasp, frozen(direction), LARGEST_TUG)
    assert found == pytest.approx(expected + while_slipping, abs=0.12 * expected)
    assert withstood(bar, grasp, frozen(direction), 1.0) == 1.0


def test_a_tug_is_that_of_the_weakest_of_six_directions(bar, grasp, monkeypatch):
    asked = []

    def pulled(runner, grasp, direction, most):
        asked.append(direction)
        return min(most, 7.0 + direction @ [1.0, 2.0, 3.0])

    monkeypatch.setattr(tug_module, "withstood", pulled)
    assert tug(bar, grasp) == 4.0
    assert {tuple(direction) for direction in asked} == {
        tuple(sign * axis) for axis in np.eye(3) for sign in (-1.0, 1.0)
    }


def test_what_does_not_hold_undisturbed_withstands_no_tug(bar, grasp):
    weak = replace(grasp, close=replace(grasp.close, force=0.3))
    assert bar.run(weak, Perturbation.none()).outcome is not Outcome.SUCCESS
    assert tug(bar, weak) == 0.0


def test_a_hand_beside_the_object(bar, grasp):
    """It has no contacts: nothing penetrates, and there is no place of a grip."""
    expected = dict.fromkeys((Metric.EPSILON, Metric.VOLUME, Metric.ROBUST_EPSILON, Metric.TUG), 0)
    assert measured(bar, beside(grasp)) == expected


def test_a_rollout_that_fails_before_the_hand_has_closed(bar, grasp, monkeypatch):
    """Even if the hand touches the object then."""
    monkeypatch.setattr(
        bar, "run", lambda *arguments: SimpleNamespace(outcome=Outcome.ROBOT_HIT_TABLE)
    )
    found = measured(bar, grasp)
    assert Metric.PENETRATION not in found and set(found.values()) == {0.0}


def test_of_a_grip_in_the_middle_of_a_bar(found):
    assert list(found) == MEASURED
    assert found[Metric.COM_DISTANCE] < 0.01
    assert found[Metric.EPSILON] > 0.01 and found[Metric.VOLUME] > 0.0
    assert 0.0 <= found[Metric.PENETRATION] < 0.5e-3
    assert found[Metric.TUG] == pytest.approx(PRESSES - 1.0, abs=1.0)


def test_a_grip_off_the_middle_is_that_far_off(bar):
    found = measured(bar, gripped_from_above(bar, [0, 0.04, 0], 30.0), [Metric.COM_DISTANCE])
    assert found == {Metric.COM_DISTANCE: pytest.approx(0.04, abs=0.012)}


def test_shapes_go_into_each_other_as_they_are_pressed(bar, grasp, found):
    firm = replace(grasp, close=replace(grasp.close, force=10.0 * FORCE))
    [after] = measured(bar, firm, [Metric.PENETRATION]).values()
    assert after > found[Metric.PENETRATION]


def test_robust_epsilon_is_the_mean_over_the_first_trials_of_osdr(bar, grasp, found):
    robot, item = bar.world.robot, bar.world.object
    each = []
    for trial in range(TRIALS):
        noise = sample_perturbation(PROFILE, Criterion.OSDR, 3, trial, len(robot.arm_joints))
        contacts = closed_contacts(bar, grasp, noise)
        each.append(epsilon(primitive_wrenches(contact_points(contacts, robot, item))))
    [mean] = measured(bar, grasp, [Metric.ROBUST_EPSILON], seed=3).values()
    assert mean == pytest.approx(np.mean(each), rel=1e-12)
    assert mean != found[Metric.ROBUST_EPSILON]  # of seed 0


def test_a_measurement_depends_on_nothing_that_ran_before(engine, bar, grasp, found, franka):
    with RolloutRunner(open_world(engine, franka, bar.world.object)) as fresh:
        before = fresh.run(grasp, Perturbation.none()), fresh.world.object_state
        alone = {}
        for metric in reversed(MEASURED):
            alone |= measured(fresh, grasp, [metric])
        assert alone == found
        # Nor do pulls leave a trace.
        assert (fresh.run(grasp, Perturbation.none()), fresh.world.object_state) == before


def test_contacts_are_those_of_the_last_step_of_the_closing(bar, grasp):
    contacts = closed_contacts(bar, grasp, Perturbation.none())
    closed = np.flatnonzero(grasp.schedule(RATE_HZ).phases == Phase.CLOSE)[-1]
    assert closed > 0 and set(contacts.links) <= set(bar.world.robot.hand_links)
    # On the sides that the fingers press, with the force that they were told.
    np.testing.assert_allclose(np.abs(contacts.points[:, 0]), 0.015, atol=1.5e-3)
    for side in (-1.0, 1.0):
        pressed = contacts.forces[np.sign(contacts.points[:, 0]) == side].sum()
        assert pressed == pytest.approx(FORCE, rel=0.1)


def test_friction_is_that_of_object_and_hand_together(bar, grasp):
    contacts = closed_contacts(bar, grasp, Perturbation.none())
    robot = replace(bar.world.robot, hand_friction=0.5)
    points = contact_points(contacts, robot, bar.world.object)
    assert points.friction == 0.5 * FRICTION
    assert points.torsional_friction_m == 0.5 * bar.world.object.spinning_friction
    assert points.radius_m == pytest.approx(np.linalg.norm([0.015, 0.08, 0.015]))


def test_a_good_grasp_of_the_mug(engine, franka, monkeypatch):
    """Of its wall, from above, two centimetres below the rim."""
    monkeypatch.setattr(tug_module, "LARGEST_TUG", 2.0)
    with RolloutRunner(open_world(engine, franka, load_object("mug"))) as runner:
        grasp = gripped_from_above(runner, [-0.04, 0, 0.085], franka.hand_force)
        found = measured(runner, grasp, [Metric.EPSILON, Metric.TUG])
    assert found[Metric.EPSILON] > 0.01
    assert found[Metric.TUG] == 2.0
