import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import TABLE, Judge, LinkPair, Observation, Outcome
from dr_grasp.core.trajectory import Phase

APPROACH, CLOSE, LIFT, HOLD = Phase


def see(z=0.05, x=0.5, speed=0.0, hand=0.05, touches=False, supported=True, **flags):
    return Observation(
        object_position=frozen([x, 0.0, z]),
        object_speed=speed,
        hand_height=hand,
        hand_touches=touches,
        object_supported=supported,
        robot_hits_support=flags.get("hits"),
        self_collision=flags.get("self_collision"),
    )


LINKS = LinkPair("elbow", "hand")
AT_TABLE = LinkPair("finger", TABLE)
AT_REST = [(APPROACH, see(hand=0.3), False)] * 5
REACHED = [*AT_REST, (APPROACH, see(), True)]
HELD = see(touches=True)
GRASPED = [*REACHED, (CLOSE, HELD, False), (CLOSE, HELD, True)]
UP = see(z=0.25, hand=0.25, touches=True, supported=False)
LIFTED = [*GRASPED, (LIFT, UP, False), (LIFT, UP, True)]
PUSHED = [*AT_REST, (APPROACH, see(x=0.521, touches=True), True)]
FALLING = see(speed=0.5)
LEFT = [(LIFT, see(hand=0.25), True), (HOLD, see(hand=0.25), True)]
ON_TABLE = see(z=0.25, hand=0.25, touches=True)
TIPPED = see(z=0.055, hand=0.1, touches=True, supported=False)
SLID = see(z=0.199, hand=0.25, touches=True, supported=False)


def judge(story):
    """The first outcome, which must come with the last observation of the story."""
    watching = Judge()
    for index, (phase, seen, ends) in enumerate(story):
        outcome = watching.observe(phase, seen, ends)
        if outcome is not None:
            assert index == len(story) - 1, f"decided early, at {index}: {outcome.name}"
            return outcome
    return None


STORIES = {
    "held to the end": (Outcome.SUCCESS, [*LIFTED, (HOLD, UP, False), (HOLD, UP, True)]),
    "pushed but held": (
        Outcome.SUCCESS,
        [*PUSHED, (CLOSE, HELD, True), (LIFT, UP, True), (HOLD, UP, True)],
    ),
    "let go while lifting, caught again": (
        Outcome.SUCCESS,
        [*GRASPED, (LIFT, see(z=0.25, hand=0.25), False), (LIFT, UP, True), (HOLD, UP, True)],
    ),
    "let go at the end of the lift, caught again": (
        Outcome.SUCCESS,
        [*GRASPED, (LIFT, see(z=0.25, hand=0.25, supported=False), True), (HOLD, UP, True)],
    ),
    "closed around a handle, which the lift brought to the fingers": (
        Outcome.SUCCESS,
        [*REACHED, (CLOSE, see(), True), (LIFT, UP, False), (LIFT, UP, True), (HOLD, UP, True)],
    ),
    "a handle that slipped off the fingers": (
        Outcome.DROPPED_LIFTING,
        [*REACHED, (CLOSE, see(), True), (LIFT, UP, False), *LEFT],
    ),
    "never touched": (
        Outcome.MISSED,
        [*REACHED, (CLOSE, see(), False), (CLOSE, see(), True), *LEFT],
    ),
    "brushed by the hand on its way up": (
        Outcome.MISSED,
        [*REACHED, (CLOSE, see(), True), (LIFT, see(hand=0.1, touches=True), False), *LEFT],
    ),
    "tipped by the hand on its way up": (
        Outcome.MISSED,
        [*REACHED, (CLOSE, see(), True), (LIFT, TIPPED, False), *LEFT],
    ),
    "pushed, not held": (Outcome.PUSHED_AWAY, [*PUSHED, (CLOSE, see(x=0.521), True), *LEFT]),
    "touched, then lost": (
        Outcome.SLIPPED_CLOSING,
        [*REACHED, (CLOSE, HELD, False), (CLOSE, see(), True), *LEFT],
    ),
    "not in the hand after the lift": (
        Outcome.DROPPED_LIFTING,
        [*GRASPED, (LIFT, see(z=0.2, hand=0.25, supported=False), True), LEFT[1]],
    ),
    "in the hand but still on the table": (
        Outcome.DROPPED_LIFTING,
        [*GRASPED, (LIFT, ON_TABLE, True), (HOLD, ON_TABLE, True)],
    ),
    "slid down in the hand": (
        Outcome.DROPPED_LIFTING,
        [*GRASPED, (LIFT, SLID, True), (HOLD, SLID, True)],
    ),
    "lost while holding": (
        Outcome.DROPPED_HOLDING,
        [*LIFTED, (HOLD, UP, False), (HOLD, see(z=0.05, hand=0.25), True)],
    ),
    "table hit while approaching": (
        Outcome.ROBOT_HIT_TABLE,
        [(APPROACH, see(hits=AT_TABLE), False)],
    ),
    "table hit while holding": (
        Outcome.ROBOT_HIT_TABLE,
        [*LIFTED, (HOLD, see(touches=True, supported=False, hits=AT_TABLE), False)],
    ),
    "links collide": (
        Outcome.SELF_COLLISION,
        [*GRASPED, (LIFT, see(self_collision=LINKS, touches=True), False)],
    ),
    "moving when the approach ends": (
        Outcome.NOT_SETTLED,
        [*[(APPROACH, FALLING, False)] * 9, (APPROACH, FALLING, True)],
    ),
    "touched while still moving": (
        Outcome.NOT_SETTLED,
        [(APPROACH, FALLING, False), (APPROACH, see(touches=True), False)],
    ),
    "at rest too briefly": (
        Outcome.NOT_SETTLED,
        [*AT_REST[:3], (APPROACH, FALLING, False), *AT_REST[:3], (APPROACH, see(), True)],
    ),
    "position is not a number": (Outcome.DIVERGED, [(APPROACH, see(z=np.nan), False)]),
    "speed is infinite": (Outcome.DIVERGED, [*GRASPED, (LIFT, see(speed=np.inf), False)]),
    "flew away": (Outcome.DIVERGED, [*REACHED, (CLOSE, see(x=-10.1), False)]),
    "too fast": (Outcome.DIVERGED, [*REACHED, (CLOSE, see(speed=30.1), False)]),
}


@pytest.mark.parametrize("name", STORIES)
def test_every_story_has_its_outcome(name):
    expected, story = STORIES[name]
    assert judge(story) is expected


def test_the_stories_tell_of_every_outcome_that_a_rollout_can_have():
    not_the_judges = {
        Outcome.UNKNOWN,
        Outcome.FAILED,
        Outcome.REFUSED,
        Outcome.CANCELLED,
        Outcome.BACKEND_ERROR,
        Outcome.START_TOO_FAR,
        Outcome.IN_COLLISION,
        Outcome.PLAN_FAILED,
        Outcome.CONTROLLER_ABORTED,
        Outcome.TOLERANCE_VIOLATED,
        Outcome.TIMED_OUT,
    }
    assert {outcome for outcome, _ in STORIES.values()} == set(Outcome) - not_the_judges


def test_nothing_is_decided_before_the_end():
    assert judge(LIFTED) is None


def test_what_the_hand_moves_has_settled():
    story = [*AT_REST, (APPROACH, see(speed=0.5, touches=True), False), (APPROACH, FALLING, True)]
    assert judge(story) is None


def test_slip_is_counted_from_the_end_of_closing():
    # The hand rises 0.2; the object may rise 0.05 less.
    for rise, expected in ((0.151, Outcome.SUCCESS), (0.149, Outcome.DROPPED_LIFTING)):
        seen = see(z=0.05 + rise, hand=0.25, touches=True, supported=False)
        assert judge([*GRASPED, (LIFT, seen, True), (HOLD, seen, True)]) is expected


def test_displacement_is_counted_from_the_first_observation():
    missed = [(CLOSE, see(), True), *LEFT]
    for shift, expected in ((0.019, Outcome.MISSED), (0.021, Outcome.PUSHED_AWAY)):
        story = [*AT_REST, (APPROACH, see(x=0.5 + shift), True), *missed]
        assert judge(story) is expected


def test_labels_are_names_and_come_back():
    for outcome in Outcome:
        assert outcome.label == outcome.name.lower()
        assert Outcome.from_label(outcome.label) is outcome


def test_unknown_label_is_refused_with_the_valid_ones():
    with pytest.raises(ValueError, match=r"outcome: expected one of unknown, success, .*'won'"):
        Outcome.from_label("won")


def test_an_observation_names_the_links_by_which_it_decided():
    seen = see(hits=AT_TABLE, self_collision=LINKS)
    assert seen.links(Outcome.ROBOT_HIT_TABLE) == AT_TABLE
    assert seen.links(Outcome.SELF_COLLISION) == LINKS
    assert seen.links(Outcome.MISSED) is None
    # A robot that hits both at once has hit the table: as before.
    assert Judge().observe(APPROACH, seen, False) is Outcome.ROBOT_HIT_TABLE


def test_the_links_of_a_robot_have_one_order_and_can_be_shown():
    assert LinkPair.of_robot("hand", "elbow") == LinkPair.of_robot("elbow", "hand") == LINKS
    assert str(LINKS) == "elbow with hand"
    assert str(LinkPair("a\nb", "c" * 600)) == "a\\nb with " + "c" * 500


def test_outcomes_say_whether_a_grasp_held_or_nothing_about_it():
    lost = {
        *(Outcome.MISSED, Outcome.PUSHED_AWAY, Outcome.SLIPPED_CLOSING, Outcome.FAILED),
        *(Outcome.DROPPED_LIFTING, Outcome.DROPPED_HOLDING),
        *(Outcome.ROBOT_HIT_TABLE, Outcome.SELF_COLLISION),
    }
    assert {outcome for outcome in Outcome if outcome.held} == {Outcome.SUCCESS}
    assert {outcome for outcome in Outcome if outcome.held is False} == lost
