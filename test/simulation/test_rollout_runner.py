"""What a rollout leaves out: nothing that decides, whatever ran before."""

from types import SimpleNamespace

import numpy as np
import pytest

from dr_grasp.common.resources import config_names
from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import Phase
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.early_end import WINDOW, EarlyEnd
from dr_grasp.simulation.free_way import ArmErrors, FreeWay, find_free_way
from dr_grasp.simulation.motors import RATE_HZ, tracked_positions
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands, run_rollout, simulate
from dr_grasp.simulation.rollout_runner import RolloutRunner, Shortcuts

OBJECT = "procedural_000"


@pytest.fixture(scope="module", params=robot_names())
def arm(request):
    """A runner of rollouts for each robot that we ship, and two grasps for it."""
    grasps = generate(request.param, OBJECT, 2, 0)
    with RolloutRunner(BulletWorld(load_robot(request.param), load_object(OBJECT))) as runner:
        yield SimpleNamespace(runner=runner, world=runner.world, grasps=grasps)


def noise(arm, criterion, trial, profile="default"):
    joints = len(arm.world.robot.arm_joints)
    return sample_perturbation(load_profile(profile), criterion, 0, trial, joints)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_nothing_is_met_on_the_way_that_is_left_out(arm, criterion, monkeypatch):
    """In the whole rollout the hand meets nothing before the step at which it would be entered."""
    entries = []

    def noted(world, commands, perturbation, entry, **observer):
        entries.append(entry.step)
        return simulate(world, commands, perturbation, entry, **observer)

    monkeypatch.setattr("dr_grasp.simulation.rollout_runner.simulate", noted)
    for trial, grasp in enumerate(arm.grasps):
        perturbation = noise(arm, criterion, trial)
        shortened = arm.runner.run(grasp, perturbation)
        met = []

        def look(step, phase, seen, met=met):
            met.append(seen.hand_touches or seen.robot_hits_support or seen.self_collision)

        whole = run_rollout(arm.world, grasp, perturbation, on_observation=look)
        plan = grasp.schedule(RATE_HZ)
        approach = int((plan.phases == Phase.APPROACH).sum())
        entry = entries[-1]
        assert entry > approach / 4  # there is something to leave out
        first = next((i * LOOK_EVERY for i, touching in enumerate(met) if touching), approach)
        assert first > entry
        assert shortened.steps < whole.steps


def test_the_undisturbed_rollout_ends_the_same(arm):
    for grasp in arm.grasps:
        assert arm.runner.run(grasp, Perturbation.none()).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("profile", config_names("profiles"))
def test_an_arm_in_free_air_is_where_the_filter_says(arm, profile):
    world, grasp = arm.world, arm.grasps[0]
    perturbation = noise(arm, Criterion.JSDR, 0, profile)
    plan = grasp.schedule(RATE_HZ)
    commands = Commands.under(perturbation, grasp, plan, world.robot)
    expected = tracked_positions(commands.arm, plan.arm_velocity, commands.start)
    steps = find_free_way(world, grasp, plan).last_free_step(
        ArmErrors.of(perturbation, world.robot.arm_half_ranges), 0.01
    )
    world.start(grasp.object_in_base, perturbation, commands.start, grasp.close.preshape)
    errors = []
    world.follow(commands.arm, plan.arm_velocity)
    for step in range(steps):
        world.drive(step)
        world.advance()
        errors.append(np.abs(world.arm_positions() - expected[step]).max())
    # The violent jitter of `huber2023` takes motors to their limits: there they follow less of it.
    assert np.median(errors) < (1e-4 if profile == "default" else 1.5e-3)
    assert np.max(errors) < (1e-3 if profile == "default" else 5e-3)


def test_without_shortcuts_it_is_the_whole_rollout(arm):
    whole = RolloutRunner(arm.world, Shortcuts.none())
    for trial in range(2):
        perturbation = noise(arm, Criterion.MDR, trial)
        assert whole.run(arm.grasps[0], perturbation) == run_rollout(
            arm.world, arm.grasps[0], perturbation
        )


def test_a_result_does_not_depend_on_what_ran_before(arm):
    first, second = arm.grasps
    work = [
        (first, noise(arm, Criterion.MDR, 0)),
        (first, noise(arm, Criterion.JSDR, 0)),
        (second, noise(arm, Criterion.JSDR, 1)),
        (second, Perturbation.none()),
        (first, noise(arm, Criterion.FDR, 2)),
    ]
    forward = [arm.runner.run(*one) for one in work]
    backward = [arm.runner.run(*one) for one in reversed(work)]
    assert forward == backward[::-1]
    with RolloutRunner(BulletWorld(arm.world.robot, arm.world.object)) as fresh:
        assert [fresh.run(*one) for one in work] == forward


def test_an_object_that_rolls_towards_the_robot_is_simulated_from_the_start(arm, monkeypatch):
    last_free_step = FreeWay.last_free_step
    monkeypatch.setattr(
        FreeWay, "last_free_step", lambda self, errors, moved_m: last_free_step(self, errors, 0.5)
    )
    grasp, perturbation = arm.grasps[0], noise(arm, Criterion.OSDR, 0)
    whole = run_rollout(arm.world, grasp, perturbation)
    runner = RolloutRunner(arm.world, Shortcuts(early_end=False))
    assert runner.run(grasp, perturbation) == whole


def seen(height, *, touches=True, supported=False):
    return Observation(frozen([0.5, 0, height]), 0.0, height, touches, supported, None, None)


class StillHand:
    """A world in which the object is where it is told in the hand."""

    def __init__(self):
        self.place = frozen([0, 0, 0])
        self.distance = 0.0

    def object_clearance(self, within):
        return min(self.distance, within)

    def object_in_hand(self):
        return self.place


STEPS = 1000


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [(Phase.LIFT, Outcome.DROPPED_LIFTING), (Phase.HOLD, Outcome.DROPPED_HOLDING)],
)
def test_an_object_on_the_table_under_an_empty_hand_is_lost(phase, outcome):
    judge, world = Judge(), StillHand()
    end = EarlyEnd(STEPS, world, judge)
    judge.observe(Phase.CLOSE, seen(0.0, supported=True), True)
    if phase is Phase.HOLD:
        judge.observe(Phase.LIFT, seen(0.05), True)
    assert end.observe(0, Phase.CLOSE, seen(0.0, supported=True)) is None
    near = seen(0.01, touches=False, supported=True)
    assert end.observe(5, phase, near) is None
    held = seen(0.05, supported=True)
    assert end.observe(10, phase, held) is None
    in_the_handle = seen(0.05, touches=False, supported=True)
    assert end.observe(15, phase, in_the_handle) is None
    world.distance = 0.1
    falling = seen(0.05, touches=False)
    assert end.observe(20, phase, falling) is None
    far = seen(0.05, touches=False, supported=True)
    assert end.observe(25, phase, far) is outcome


def looks_until_held(creep_m, *, height=0.2, interrupted_at=None):
    """Looks until an object that creeps so far at each look is called held; None if never."""
    judge, world = Judge(), StillHand()
    end = EarlyEnd(STEPS, world, judge)
    judge.observe(Phase.CLOSE, seen(0.0, supported=True), True)
    end.observe(0, Phase.CLOSE, seen(0.0, supported=True))
    for look in range(STEPS // LOOK_EVERY // 2):
        world.place = frozen([0, 0, creep_m * look])
        supported = look == interrupted_at
        looked = seen(height, supported=supported)
        outcome = end.observe(look * LOOK_EVERY, Phase.HOLD, looked)
        if outcome is not None:
            assert outcome is Outcome.SUCCESS
            return look + 1
    return None


def test_an_object_that_is_steady_in_the_hand_is_held():
    assert looks_until_held(0.0) == WINDOW
    # What touched the table in between has to be steady anew.
    assert looks_until_held(0.0, interrupted_at=4) == WINDOW + 5
    # At a tenth of this pace it would not get far; at this pace it would fall.
    assert looks_until_held(1e-6) == WINDOW
    assert looks_until_held(1e-5) is None
    # Not lifted yet.
    assert looks_until_held(0.0, height=0.01) is None
