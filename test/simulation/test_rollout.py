"""The loop, and that a rollout depends on nothing but its arguments."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.core.trajectory import Phase
from dr_grasp.objects.object_spec import load_object
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout import Commands, run_rollout, settled_pose


class LoggingWorld(BulletWorld):
    """Notes where everything is after each step, and what the arm was told."""

    def __init__(self, *arguments):
        self.states = []
        self.commands = []
        super().__init__(*arguments)

    def drive(self, command):
        self.commands.append(
            np.array(self._aims[command]) + np.array(self._velocities[command]) / RATE_HZ
        )
        super().drive(command)

    def advance(self):
        super().advance()
        pose = self.object_pose()
        self.states.append(
            [
                *pose.position,
                *pose.quaternion_xyzw,
                *self.arm_positions(),
                *self.hand_positions(),
                *self.object_in_hand(),
            ]
        )


def simulate(world, grasp, perturbation):
    """Outcome and the states of all steps."""
    world.states.clear()
    world.commands.clear()
    rollout = run_rollout(world, grasp, perturbation)
    assert rollout.steps == len(world.states)
    return rollout.outcome, np.array(world.states)


def hit_the_table(grasp, franka):
    """The grasp, but the approach ends in the table, and the object is out of the way."""
    # From home, bent forward at the shoulder until the hand is below the table's top.
    low = np.array(franka.home)
    low[1] = 1.2
    positions = np.linspace(franka.home, low, len(grasp.approach.positions))
    lift = np.tile(positions[-1], (len(grasp.lift.positions), 1))
    return replace(
        grasp,
        object_in_base=grasp.object_in_base.perturbed([0, 0.45, 0], [0, 0, 0]),
        approach=replace(grasp.approach, positions=positions),
        lift=replace(grasp.lift, positions=lift),
    )


VIOLENT = replace(
    Perturbation.none(),
    translation_m=frozen([0.02, 0.03, 0.0]),
    rotation_rpy_rad=frozen([0.5, 0.2, 1.0]),
    joint_offset=frozen(np.full(7, 0.01)),
    jitter_std=0.01,
    jitter_seed=1,
    lateral_friction_scale=0.1,
    rolling_friction=0.05,
    spinning_friction=0.4,
    mass_scale=4.0,
    center_of_mass_m=frozen([0.02, 0.02, 0.02]),
    gripper_force_scale=2.0,
    delay_s=0.1,
    lag_s=0.1,
)


def stop_after(steps):
    """Leaves a rollout in the middle, where the object is in contact with whatever it touches."""

    class StopError(Exception):
        pass

    def leave(world, grasp, perturbation):
        advance, left = world.advance, [steps]

        def counted():
            advance()
            left[0] -= 1
            if left[0] == 0:
                raise StopError

        world.advance = counted
        try:
            with pytest.raises(StopError):
                run_rollout(world, grasp, perturbation)
        finally:
            del world.advance

    return leave


@pytest.mark.parametrize("name", ["mug", "block"])
def test_a_rollout_does_not_depend_on_what_ran_before_it(name, franka, request, shortened):
    grasp, other, third = map(shortened, request.getfixturevalue(f"{name}_grasps"))
    obj = load_object(grasp.object)
    profile, reference = load_profile("default"), load_profile("huber2023")
    perturbations = [
        Perturbation.none(),
        sample_perturbation(profile, Criterion.FDR, 3, 1, 7),
        sample_perturbation(profile, Criterion.MDR, 3, 0, 7),
    ]
    fresh = []
    for perturbation in perturbations:
        with LoggingWorld(franka, obj) as world:
            fresh.append(simulate(world, grasp, perturbation))
    # What ran before: most of it ends with the object on the table, or in the hand.
    histories = [
        lambda w: run_rollout(w, other, VIOLENT),
        lambda w: run_rollout(w, hit_the_table(grasp, franka), Perturbation.none()),
        settled_pose,
        lambda w: run_rollout(w, third, sample_perturbation(reference, Criterion.MDR, 0, 5, 7)),
        lambda w: stop_after(30)(w, grasp, VIOLENT),
        lambda w: stop_after(61)(w, other, Perturbation.none()),
        lambda w: stop_after(400)(w, third, perturbations[1]),
        lambda w: w.hits_support(other.approach.positions[-1], franka.hand_open),
        lambda w: simulate(w, grasp, perturbations[2]),
    ]
    with LoggingWorld(franka, obj) as world:
        for index, history in enumerate(histories):
            history(world)
            which = index % len(perturbations)
            outcome, states = simulate(world, grasp, perturbations[which])
            assert outcome is fresh[which][0], f"history {index}"
            assert np.array_equal(states, fresh[which][1]), f"history {index}"


@pytest.mark.parametrize("name", ["mug", "block"])
def test_a_beginning_does_not_depend_on_where_the_rollout_before_was_left(name, franka, request):
    """As above, but brief and often: what stays of old contacts shows at the first new one."""
    grasp, other, _ = request.getfixturevalue(f"{name}_grasps")
    obj = load_object(grasp.object)
    steps, nominal = 60, Perturbation.none()
    with LoggingWorld(franka, obj) as world:
        stop_after(steps)(world, grasp, nominal)
        fresh = world.states
    assert len(fresh) == steps
    rng = np.random.default_rng(0)
    with LoggingWorld(franka, obj) as world:
        for repetition in range(40):
            before = (grasp, other)[repetition % 2]
            stop_after(int(rng.integers(2, 150)))(
                world, before, (nominal, VIOLENT)[repetition % 3 % 2]
            )
            world.states.clear()
            stop_after(steps)(world, grasp, nominal)
            assert world.states == fresh, f"repetition {repetition}"


ELSEWHERE = """
import pickle, sys
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout
found = []
for grasp, perturbation in pickle.load(sys.stdin.buffer):
    with BulletWorld(load_robot(grasp.robot), load_object(grasp.object)) as world:
        def note(phase):
            found.append((phase, world.object_pose(), world.arm_positions().tolist()))
        found.append(run_rollout(world, grasp, perturbation, note))
sys.stdout.buffer.write(pickle.dumps(found))
"""


def test_a_rollout_is_the_same_in_another_process(franka, mug_grasps, block_grasps):
    profile = load_profile("default")
    jobs = [
        (grasp, sample_perturbation(profile, Criterion.MDR, 1, trial, 7))
        for grasp, trial in ((mug_grasps[0], 0), (block_grasps[0], 1))
    ]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        input=pickle.dumps(jobs),
        capture_output=True,
        check=True,
        timeout=600,
    )
    there = pickle.loads(done.stdout)
    here = []
    for grasp, perturbation in jobs:
        with BulletWorld(franka, load_object(grasp.object)) as world:

            def note(phase, world=world):
                here.append((phase, world.object_pose(), world.arm_positions().tolist()))

            here.append(run_rollout(world, grasp, perturbation, note))
    assert here == there


def test_the_arm_is_told_the_schedule_and_the_noise(franka, mug_grasps):
    grasp = mug_grasps[0]
    perturbation = sample_perturbation(load_profile("default"), Criterion.JSDR, 0, 0, 7)
    with LoggingWorld(franka, load_object("mug")) as world:
        outcome, states = simulate(world, grasp, perturbation)
        commands = np.array(world.commands)
    plan = grasp.schedule(240.0)
    noise = perturbation.command_noise(len(plan.phases), franka.arm_half_ranges)
    assert outcome is Outcome.SUCCESS and len(states) == len(plan.phases)
    # The arm starts where its wrong calibration puts it, then gets one command a step.
    start = plan.arm[0] - plan.arm_velocity[0] / 240
    np.testing.assert_allclose(
        commands[0], start + perturbation.joint_offset * franka.arm_half_ranges, atol=1e-12
    )
    np.testing.assert_allclose(commands[1:], plan.arm + noise, atol=1e-12)


def test_a_success_goes_through_all_phases_and_lifts_the_object(mug_world, mug_grasps):
    seen = []
    rollout = run_rollout(
        mug_world,
        mug_grasps[0],
        Perturbation.none(),
        lambda phase: seen.append((phase, mug_world.object_pose().position[2])),
    )
    assert rollout.outcome is Outcome.SUCCESS
    assert rollout.steps == len(mug_grasps[0].schedule(240.0).phases)
    assert [phase for phase, _ in seen] == list(Phase)
    heights = dict(seen)
    assert heights[Phase.LIFT] - heights[Phase.CLOSE] > 0.15
    assert heights[Phase.HOLD] == pytest.approx(heights[Phase.LIFT], abs=0.02)


def test_the_hand_closes_when_the_trajectory_says_so_and_touches_nothing(mug_world, mug_grasps):
    grasp = mug_grasps[0]
    far = replace(grasp, object_in_base=grasp.object_in_base.perturbed([0.2, 0.4, 0], [0, 0, 0]))
    opening = {}
    rollout = run_rollout(
        mug_world,
        far,
        Perturbation.none(),
        lambda phase: opening.update({phase: mug_world.hand_positions()[0]}),
    )
    assert rollout.outcome is Outcome.MISSED
    assert opening[Phase.APPROACH] == pytest.approx(grasp.close.preshape[0], abs=1e-4)
    assert opening[Phase.CLOSE] == pytest.approx(grasp.close.positions[0], abs=1e-3)
    # It lifts all the same: what counts is what the hand holds in the end.
    assert opening.keys() == set(Phase)


def test_a_robot_that_hits_the_table_says_so(mug_world, mug_grasps, franka):
    rollout = run_rollout(mug_world, hit_the_table(mug_grasps[0], franka), Perturbation.none())
    assert rollout.outcome is Outcome.ROBOT_HIT_TABLE
    assert str(rollout.links) == "panda_link7 with table"  # the hand points back under the arm


def test_a_heavy_and_slippery_object_is_not_held(mug_world, mug_grasps):
    slippery = replace(Perturbation.none(), lateral_friction_scale=0.02, mass_scale=10.0)
    outcome = run_rollout(mug_world, mug_grasps[0], slippery).outcome
    assert outcome in (
        Outcome.SLIPPED_CLOSING,
        Outcome.DROPPED_LIFTING,
        Outcome.DROPPED_HOLDING,
        Outcome.PUSHED_AWAY,
    )


def test_late_drives_get_the_commands_later(franka, mug_grasps):
    """Arm and hand by the delay, and the arm alone by its lag."""
    mug_grasp = mug_grasps[0]
    plan = mug_grasp.schedule(RATE_HZ)
    prompt = Commands.under(Perturbation.none(), mug_grasp, plan, franka)
    assert prompt.closing == int(np.argmax(plan.phases == Phase.CLOSE))
    np.testing.assert_array_equal(prompt.arm, plan.arm)
    steps = 12
    changed = replace(Perturbation.none(), delay_s=steps / RATE_HZ)
    delayed = Commands.under(changed, mug_grasp, plan, franka)
    np.testing.assert_allclose(delayed.arm[steps:], plan.arm[:-steps], atol=1e-12)
    np.testing.assert_allclose(delayed.arm_velocity[steps:], plan.arm_velocity[:-steps], atol=1e-9)
    assert delayed.closing == prompt.closing + steps
    lagging = Commands.under(replace(changed, lag_s=0.05), mug_grasp, plan, franka)
    assert lagging.closing == delayed.closing
    assert np.abs(lagging.arm - delayed.arm).max() > 1e-3
    np.testing.assert_array_equal(lagging.start, prompt.start)


class PressingWorld(LoggingWorld):
    """Notes how hard the hand is told to press, and when."""

    def command_hand(self, positions, force):
        self.commands.append((len(self.states), force))
        super().command_hand(positions, force)

    def drive(self, command):
        BulletWorld.drive(self, command)


def test_the_hand_is_told_another_force_and_a_later_time(franka, mug_grasps):
    mug_grasp = mug_grasps[0]
    with PressingWorld(franka, load_object(mug_grasp.object)) as world:
        closing = Commands.under(
            Perturbation.none(), mug_grasp, mug_grasp.schedule(RATE_HZ), franka
        ).closing
        for scale, delay in ((1.0, 0), (0.4, 12)):
            changed = replace(
                Perturbation.none(), gripper_force_scale=scale, delay_s=delay / RATE_HZ
            )
            simulate(world, mug_grasp, changed)
            assert world.commands[-1] == (closing + delay, scale * mug_grasp.close.force)
