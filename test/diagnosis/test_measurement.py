"""Diagnosis against what mechanics says of grips that are made for it."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.arrays import frozen
from dr_grasp.core.diagnosis import LOWEST_FRICTION, QUANTITIES
from dr_grasp.core.geometry import grip_frame
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import Phase
from dr_grasp.diagnosis.measurement import HALVINGS, diagnose, least_friction
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.proposal import Proposal
from dr_grasp.provenance.fingerprint import grasp_fingerprint
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner

from ..simulation.made import object_of

MASS = 0.1
DOWN, ACROSS = [0, 0, -1], [1, 0, 0]


def gripped_from_above(runner, place):
    """A grasp of an object at a place in its frame, the fingers closing along x."""
    evaluator = Evaluator(runner.world, "test", 0)
    return evaluator.plan(Proposal(0, grip_frame(place, DOWN, ACROSS), "pinch"))


@pytest.fixture(scope="module")
def bar(franka, tmp_path_factory):
    """A bar of 3 x 16 x 3 cm that lies across the fingers."""
    path = tmp_path_factory.mktemp("bar") / "bar.stl"
    trimesh.creation.box((0.03, 0.16, 0.03)).export(path)
    with RolloutRunner(BulletWorld(franka, object_of(path, MASS))) as runner:
        yield runner


@pytest.fixture(scope="module")
def gentle_grasp(bar):
    """In the middle of the bar, with so little force that friction matters."""
    grasp = gripped_from_above(bar, [0, 0, 0])
    return replace(grasp, close=replace(grasp.close, force=5.0))


@pytest.fixture(scope="module")
def gentle(bar, gentle_grasp):
    return diagnose(bar, gentle_grasp)


def test_a_bisection_finds_the_least_that_holds_in_a_bounded_number_of_rollouts():
    asked = []

    def holds(share):
        asked.append(share)
        return share >= 0.4321

    found = least_friction(holds)
    assert 0.4321 <= found < 0.4321 + 0.0075
    assert len(asked) == HALVINGS + 1 == 8
    assert least_friction(lambda share: True) == LOWEST_FRICTION
    assert least_friction(lambda share: False) == 1.0


def test_a_grip_in_the_middle_of_a_bar_is_sound(gentle):
    assert gentle.outcome is Outcome.SUCCESS and gentle.mdr is gentle.friction_loss is None
    assert gentle.surface_distance_m < 1e-4  # Bullet's margin of 1 mm is not the mesh's fault
    assert abs(gentle.deepest_penetration_m) < 0.5e-3
    assert gentle.grip_offset_m < 0.01


def test_half_the_friction_needs_twice_the_share_of_it(franka, bar, gentle_grasp, gentle):
    assert gentle.least_friction > 2 * LOWEST_FRICTION
    slippery = replace(bar.world.object, lateral_friction=0.3)
    with RolloutRunner(BulletWorld(franka, slippery)) as runner:
        share = diagnose(runner, gentle_grasp).least_friction
    assert share == pytest.approx(2 * gentle.least_friction, abs=0.03)


def test_a_heavier_object_needs_more_friction(franka, bar, gentle_grasp, gentle):
    spec = bar.world.object
    heavy = replace(spec, mass=2 * spec.mass, inertia=2 * spec.inertia)
    with RolloutRunner(BulletWorld(franka, heavy)) as runner:
        assert diagnose(runner, gentle_grasp).least_friction > 1.5 * gentle.least_friction


def test_a_grip_off_the_middle_is_that_far_off(bar):
    grasp = gripped_from_above(bar, [0, 0.04, 0])
    found = diagnose(bar, grasp)
    assert found.grip_offset_m == pytest.approx(0.04, abs=0.012)
    # The bar lies flat, across the fingers: all of it is lever.
    assert found.grip_lever_m == pytest.approx(found.grip_offset_m, abs=0.005)


def test_a_weight_below_the_grip_has_no_lever(franka, bar, gentle_grasp):
    """A bar as heavy below as if it were 2 cm higher hangs from the grip as a pendulum does."""
    low = replace(bar.world.object, center_of_mass=frozen([0, 0, -0.02]))
    with RolloutRunner(BulletWorld(franka, low)) as runner:
        found = diagnose(runner, gentle_grasp)
    assert found.grip_offset_m == pytest.approx(0.02, abs=0.005)
    # Where the fingers press is known to some millimetres: their pads are 18 mm wide.
    assert found.grip_lever_m < 0.005


def test_shapes_go_into_each_other_as_they_are_pressed(bar, gentle_grasp, gentle):
    firm = replace(gentle_grasp, close=replace(gentle_grasp.close, force=30.0))
    assert diagnose(bar, firm).deepest_penetration_m > gentle.deepest_penetration_m + 0.5e-3


def test_a_quicker_lift_accelerates_more(bar, gentle_grasp, gentle):
    """Of half the time: four times where it is smooth, twice where it sets in at once."""
    lift = gentle_grasp.lift
    slower = replace(gentle_grasp, lift=replace(lift, times_s=lift.times_s * 2))
    ratio = gentle.lift_acceleration / diagnose(bar, slower).lift_acceleration
    assert 1.8 < ratio < 4.4


def test_a_hull_is_gripped_where_the_mug_has_no_surface(franka):
    """Between body and handle the hull is solid; the pieces leave that open, but for little."""
    path = resolve_uri("pybullet_data://objects/mug.obj")
    found = {}
    for decomposition in ("hull", "coacd"):
        with RolloutRunner(BulletWorld(franka, object_of(path, MASS, decomposition))) as runner:
            grasp = gripped_from_above(runner, [0, 0.06, 0.07])
            found[decomposition] = diagnose(runner, grasp).surface_distance_m
    assert found["hull"] > 0.01 and 0.1e-3 < found["coacd"] < 0.003


def test_of_a_grasp_that_fails_nothing_is_measured(bar, gentle_grasp):
    there = gentle_grasp.object_in_base.perturbed([0, 0.3, 0], [0, 0, 0])
    found = diagnose(bar, replace(gentle_grasp, object_in_base=there))
    assert found.outcome is Outcome.MISSED and not found.holds
    assert found.trajectory == grasp_fingerprint(replace(gentle_grasp, object_in_base=there))
    assert {found.value(quantity) for quantity in QUANTITIES} == {None}


def test_looking_changes_nothing(bar, gentle_grasp, gentle):
    """What a rollout does is the same to the bit, looked at or not; and so are the numbers."""
    poses = []

    def note(phase):
        poses.append(bar.world.object_pose())

    run_rollout(bar.world, gentle_grasp, Perturbation.none(), note)
    assert diagnose(bar, gentle_grasp) == gentle

    def look(step, phase, seen):
        bar.world.hand_contacts()

    run_rollout(
        bar.world,
        gentle_grasp,
        Perturbation.none(),
        note,
        look,
    )
    assert len(poses) == 2 * len(Phase) and poses[:4] == poses[4:]


ELSEWHERE = """
import pickle, sys
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.diagnosis.measurement import diagnose
from dr_grasp.simulation.rollout_runner import RolloutRunner
spec, grasp = pickle.load(sys.stdin.buffer)
with RolloutRunner(BulletWorld(load_robot(grasp.robot), spec)) as runner:
    sys.stdout.buffer.write(pickle.dumps(diagnose(runner, grasp)))
"""


def test_a_diagnosis_is_the_same_in_another_process(bar, gentle_grasp, gentle):
    """Where nothing ran before it, as here other grasps did."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps((bar.world.object, gentle_grasp)),
        capture_output=True,
        check=True,
        timeout=600,
    )
    assert pickle.loads(done.stdout) == diagnose(bar, gentle_grasp) == gentle


def test_contacts_are_in_the_objects_frame(bar, gentle_grasp):
    found = []
    run_rollout(
        bar.world,
        gentle_grasp,
        Perturbation.none(),
        lambda _: found.append(bar.world.hand_contacts()),
    )
    before, *_, held = found
    assert len(before.links) == len(before.points) == 0
    # The fingers press on the sides, one from either, with 5 N each.
    np.testing.assert_allclose(np.abs(held.points[:, 0]), 0.015 + held.margin, atol=1e-4)
    np.testing.assert_allclose(np.abs(held.normals[:, 0]), 1.0, atol=1e-3)
    assert (np.sign(held.points[:, 0]) == np.sign(held.normals[:, 0])).all()
    for link in set(held.links):
        assert held.forces[np.array(held.links) == link].sum() == pytest.approx(5.0, abs=0.5)
