from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import BackendError, InvalidGraspError, SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.arm_backend import ArmBackend

from .arm_double import ArmDouble, PlannerDouble


@pytest.fixture
def arm(franka):
    return ArmDouble(franka)


@pytest.fixture
def planner(franka):
    return PlannerDouble(franka)


@pytest.fixture
def backend(franka, arm, planner):
    with ArmBackend(franka, planner, arm, speed=1.0) as made:
        yield made


@pytest.fixture
def grasp(home_grasp, franka):
    """One that begins away from home, with a short time to close and to hold."""
    home = franka.home
    start, below = home + 0.1, home + np.array([0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    made = home_grasp(
        approach=Waypoints(franka.arm_joints, [0.0, 0.5], [start, below]),
        lift=Waypoints(franka.arm_joints, [0.0, 0.5], [below, start]),
        hold_s=0.05,
    )
    return replace(made, close=replace(made.close, duration_s=0.05))


def attempt(backend, grasp, **options):
    return backend.attempt(grasp, None, **{"seed": 3, "attempt_index": 5, **options})


def kinds(asked):
    return [kind for kind, _ in asked]


def test_a_grasp_that_holds_is_carried_out_to_the_letter(backend, arm, planner, grasp, franka):
    phases = []
    arm.standing = Pose([0.51, 0.0, 0.0], [0, 0, 0, 1])
    made = attempt(backend, grasp, on_phase=phases.append)
    assert made.outcome is Outcome.SUCCESS and made.reason == "held to the end of the hold"
    assert phases == ["prepare", "approach", "close", "lift", "hold", "put_down", "home"]
    assert kinds(arm.asked) == [
        *("place", "hand", "follow", "follow", "hand", "follow"),
        *("follow", "hand", "follow", "follow"),
    ]
    assert arm.asked[0] == ("place", ("mug", 3, 5))
    way, approach, lift, down, back, home = [v for kind, v in arm.asked if kind == "follow"]
    assert np.array_equal(way.positions[-1], grasp.approach.positions[0])
    assert np.array_equal(approach.positions, grasp.approach.positions)
    assert np.array_equal(lift.positions, grasp.lift.positions)
    assert np.array_equal(down.positions, grasp.lift.positions[::-1])
    assert np.array_equal(back.positions, grasp.approach.positions[::-1])
    assert np.array_equal(home.positions[-1], franka.home)
    opened, closed, let_go = [value for kind, value in arm.asked if kind == "hand"]
    assert opened == (grasp.close.preshape.tolist(), 30.0)
    assert closed == (grasp.close.positions.tolist(), 30.0) and let_go == opened
    assert kinds(planner.asked) == [
        *("scene", "collision", "collision", "plan", "attach", "detach", "plan"),
    ]
    assert made.gripper_opening == pytest.approx(0.01)
    assert made.object_before == arm.standing
    assert (made.backend, made.seed, made.attempt_index) == ("moveit", 3, 5)
    assert made.measured is not None


def test_what_is_recorded_as_commanded_is_what_was_sent(backend, grasp, franka):
    made = attempt(backend, grasp)
    commanded = made.commanded
    assert commanded.joints == (*franka.arm_joints, *franka.hand_joints)
    assert (np.diff(commanded.times_s) > 0).all()
    assert commanded.positions[0, -1] == grasp.close.preshape[0]
    assert commanded.positions[-1, -1] == grasp.close.positions[0]


def test_nothing_between_the_fingers_is_missed(backend, arm, grasp):
    arm.between = 0.0005
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.MISSED
    assert "panda_finger_joint1" in made.reason and "closed on nothing" in made.reason
    # Opened, back along the approach, and home; never lifted.
    assert kinds(arm.asked)[4:] == ["hand", "hand", "follow", "follow"]


@pytest.mark.parametrize(
    ("motion", "outcome"),
    [(2, Outcome.DROPPED_LIFTING), (None, Outcome.DROPPED_HOLDING)],
)
def test_fingers_that_close_later_have_lost_it(backend, arm, grasp, motion, outcome, monkeypatch):
    joint = "panda_finger_joint1"

    def lose():
        arm.at[joint] = 0.0

    if motion is not None:
        arm.after["follow", motion] = [lose]
        made = attempt(backend, grasp)
    else:
        made = attempt(backend, grasp, on_phase=lambda name: name == "hold" and lose())
    assert made.outcome is outcome


def test_effort_that_vanishes_tells_of_a_loss_as_well(backend, arm, grasp):
    arm.effort["panda_finger_joint1"] = -25.0
    arm.after["follow", 2] = [lambda: arm.effort.update(panda_finger_joint1=-1.0)]
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.DROPPED_LIFTING
    assert made.reason.startswith("the hand's effort fell from 25 to 1")


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_moves_when_a_posture_would_collide(backend, arm, planner, grasp, number):
    planner.collisions[number] = StepResult(Outcome.IN_COLLISION, "panda_link5 and table")
    made = attempt(backend, grasp)
    where = ("approach", "lift")[number]
    assert (made.outcome, made.reason) == (
        Outcome.IN_COLLISION,
        f"{where}: panda_link5 and table",
    )
    assert kinds(arm.asked) == ["place"]
    assert made.commanded is None and made.measured is None


def test_no_way_to_the_start_is_a_named_outcome(backend, arm, planner, grasp):
    planner.plans[0] = StepResult(Outcome.PLAN_FAILED, "no way found")
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.PLAN_FAILED
    assert made.reason == "way to the start: no way found"
    assert kinds(arm.asked) == ["place"]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (("hand", 0), "hand: it broke; the arm stays where it is"),
        (("follow", 0), "way to the start: it broke; the arm stays where it is"),
        (("follow", 1), "approach: it broke; the arm stays where it is"),
        (("hand", 1), "hand: it broke; the arm stays where it is"),
        (("follow", 2), "lift: it broke; the arm stays where it is"),
    ],
)
@pytest.mark.parametrize(
    "outcome", [Outcome.CONTROLLER_ABORTED, Outcome.TOLERANCE_VIOLATED, Outcome.TIMED_OUT]
)
def test_a_fault_of_a_controller_stops_everything_there(backend, arm, grasp, where, says, outcome):
    arm.faults[where] = StepResult(outcome, "it broke")
    made = attempt(backend, grasp)
    assert (made.outcome, made.reason) == (outcome, says)
    assert arm.asked[-1][0] == where[0]
    assert kinds(arm.asked).count(where[0]) == where[1] + 1


def test_a_fault_on_the_way_back_does_not_change_what_became_of_the_grasp(backend, arm, grasp):
    arm.faults["follow", 3] = StepResult(Outcome.CONTROLLER_ABORTED, "it broke")
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.SUCCESS
    assert made.reason == (
        "held to the end of the hold; afterwards: way down: it broke; the arm stays where it is"
    )
    assert arm.asked[-1][0] == "follow"


def test_an_arm_that_is_not_where_the_approach_begins_does_not_approach(backend, arm, grasp):
    arm.offset = 0.015
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.START_TOO_FAR
    assert " is 0.0150 from where the approach begins" in made.reason
    assert kinds(arm.asked) == ["place", "hand", "follow"]


def test_cancelled_before_it_moves_or_between_motions(backend, arm, grasp):
    made = attempt(backend, grasp, is_cancelled=lambda: True)
    assert made.outcome is Outcome.CANCELLED
    assert kinds(arm.asked) == ["place"]
    arm.asked.clear()
    made = attempt(
        backend, grasp, is_cancelled=lambda: len([k for k in kinds(arm.asked) if k == "hand"]) == 2
    )
    assert made.outcome is Outcome.CANCELLED
    # It closed, was cancelled, and neither lifted nor opened.
    assert kinds(arm.asked) == ["place", "hand", "follow", "follow", "hand"]


def test_a_dry_run_asks_but_does_not_move(backend, arm, planner, grasp):
    made = attempt(backend, grasp, dry_run=True)
    assert made.outcome is Outcome.UNKNOWN
    assert made.reason == "dry run: 1.0 s to it, approach 0.6 s, lift 0.6 s, at 100 % of the limits"
    assert arm.asked == []
    assert kinds(planner.asked) == ["scene", "collision", "collision", "plan"]


def test_slower_is_stretched_in_time_and_not_in_space(franka, arm, planner, grasp):
    with ArmBackend(franka, planner, arm, speed=0.1) as backend:
        attempt(backend, grasp)
    approach = [value for kind, value in arm.asked if kind == "follow"][1]
    assert np.array_equal(approach.positions, grasp.approach.positions)
    assert approach.duration_s > 1.3 * grasp.approach.duration_s
    assert ("plan", 0.1) in planner.asked


def test_joint_states_that_stop_are_recorded_once_something_moved(backend, arm, grasp):
    arm.after["follow", 1] = [lambda: setattr(arm, "silent", True)]
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.BACKEND_ERROR
    assert made.reason == "joint_states: nothing; the arm stays where it is"


def test_without_joint_states_nothing_begins(backend, arm, grasp):
    arm.silent = True
    with pytest.raises(BackendError, match="joint_states: nothing"):
        attempt(backend, grasp)


def test_refusals(franka, arm, planner, backend, grasp):
    with pytest.raises(SettingsError, match="speed: expected above 0 and at most 1, got 0"):
        ArmBackend(franka, planner, arm, speed=0.0)
    bare = replace(franka, hardware=None)
    with pytest.raises(SettingsError, match="robot franka: expected the sections controllers"):
        ArmBackend(bare, planner, arm, speed=1.0)
    with pytest.raises(InvalidGraspError, match="expected franka, got baxter"):
        attempt(backend, replace(grasp, robot="baxter"))
    backend.close()
    backend.close()
    assert planner.closed
    with pytest.raises(BackendError, match="expected an open backend"):
        attempt(backend, grasp)


def test_a_hand_that_does_not_close_is_no_grasp(backend, arm, grasp):
    arm.between = 0.04
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.CONTROLLER_ABORTED
    assert made.reason.startswith("hand: it did not close: moved by 0 where it was told 0.04")
    assert kinds(arm.asked)[-1] == "hand"


def test_a_hand_that_presses_where_it_stands_holds(backend, arm, grasp):
    arm.between = 0.04
    arm.effort["panda_finger_joint1"] = 20.0
    assert attempt(backend, grasp).outcome is Outcome.SUCCESS


def test_a_hand_that_does_not_open_is_not_moved_to_the_object(backend, arm, grasp, monkeypatch):
    monkeypatch.setattr("dr_grasp.execution.arm_run.HAND_EXTRA_S", 0.1)
    arm.most = 0.03
    made = attempt(backend, grasp)
    assert made.outcome is Outcome.CONTROLLER_ABORTED
    assert "hand: it did not open: panda_finger_joint1 is 0.01 from" in made.reason
    assert kinds(arm.asked) == ["place", "hand"]


def test_a_hand_that_says_too_early_that_it_is_open_is_waited_for(backend, arm, grasp):
    late = iter([0.02, 0.02, 0.02, 0.03, 0.037, 0.038, 0.039])
    positions = arm.positions

    def opening():
        at = positions()
        if kinds(arm.asked) == ["place", "hand"]:
            at["panda_finger_joint1"] = next(late, 0.04)
        return at

    arm.positions = opening
    assert attempt(backend, grasp).outcome is Outcome.SUCCESS
    assert 0.037 not in list(late)


def test_after_an_attempt_that_went_wrong_fake_hardware_makes_room_first(
    backend, arm, planner, grasp, franka
):
    arm.faults["follow", 1] = StepResult(Outcome.CONTROLLER_ABORTED, "it broke")
    assert attempt(backend, grasp).outcome is Outcome.CONTROLLER_ABORTED
    arm.faults.clear()
    arm.asked.clear()
    planner.asked.clear()
    assert attempt(backend, grasp).outcome is Outcome.SUCCESS
    assert kinds(arm.asked)[:3] == ["hand", "follow", "place"]
    assert np.array_equal(arm.asked[1][1].positions[-1], franka.home)
    assert kinds(planner.asked)[:3] == ["clear", "plan", "scene"]


def test_what_keeps_it_from_making_room_is_the_outcome(backend, arm, planner, grasp):
    arm.at["panda_joint1"] = 0.5
    planner.plans[0] = StepResult(Outcome.PLAN_FAILED, "no way found")
    made = attempt(backend, grasp)
    assert (made.outcome, made.reason) == (
        Outcome.PLAN_FAILED,
        "making room: way home: no way found",
    )
    assert "place" not in kinds(arm.asked)


def test_a_real_arm_starts_from_where_it_is(backend, arm, grasp):
    arm.places = False
    arm.at["panda_joint1"] = 0.5
    assert attempt(backend, grasp).outcome is Outcome.SUCCESS
    assert kinds(arm.asked)[:3] == ["hand", "follow", "follow"]
