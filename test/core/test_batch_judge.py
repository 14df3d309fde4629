"""The rule for many rollouts is that for one, whatever is observed."""

import itertools
from random import Random

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dr_grasp.core.arrays import frozen
from dr_grasp.core.batch_judge import UNDECIDED, BatchJudge, Observations
from dr_grasp.core.outcome import TABLE, Judge, LinkPair, Observation, Outcome
from dr_grasp.core.trajectory import Phase

HIT = LinkPair("finger", TABLE)
ITSELF = LinkPair("elbow", "hand")


def seen(x=0.5, z=0.05, speed=0.0, hand=0.05, touches=False, supported=True, hit=None, own=None):
    return Observation(frozen([x, 0.0, z]), speed, hand, touches, supported, hit, own)


# Values on both sides of every limit of the rule, so that short stories meet all its branches.
USUAL = [
    seen(*values)
    for values in itertools.product(
        [0.5, 0.521],
        [0.05, 0.0651, 0.199, 0.25],
        [0.0, 0.031],
        [0.05, 0.25],
        [False, True],
        [False, True],
    )
]
ODD = [
    seen(z=np.nan),
    seen(x=-np.inf),
    seen(z=10.5),
    seen(speed=30.5),
    seen(speed=np.nan, hit=HIT),
    seen(hit=HIT),
    seen(own=ITSELF),
    seen(hit=HIT, own=ITSELF),
]
OBSERVATIONS = st.sampled_from(USUAL + ODD)
CALM = seen(hand=0.3)


@st.composite
def stories(draw):
    """Observations of a whole rollout, often with the object left in peace at first."""
    story = []
    if draw(st.booleans()):
        story += [(Phase.APPROACH, CALM, False)] * draw(st.integers(4, 6))
    for phase in draw(st.sampled_from([tuple(Phase), tuple(Phase), (Phase.APPROACH, Phase.LIFT)])):
        count = draw(st.integers(1, 4))
        story += [(phase, draw(OBSERVATIONS), index == count - 1) for index in range(count)]
    return story


def told_by_hand(approach, *closing, lift, hold, at_rest=4):
    """A story of an object that first stands still for some moments: what is seen after them."""
    return (
        [(Phase.APPROACH, CALM, False)] * at_rest
        + [(Phase.APPROACH, approach, True)]
        + [(Phase.CLOSE, one, one is closing[-1]) for one in closing]
        + [(Phase.LIFT, lift, True), (Phase.HOLD, hold, True)]
    )


FREE, GRIPPED = seen(), seen(touches=True)
LIFTED = seen(z=0.25, hand=0.25, touches=True, supported=False)
EXAMPLES = {
    Outcome.SUCCESS: told_by_hand(FREE, GRIPPED, lift=LIFTED, hold=LIFTED),
    Outcome.MISSED: told_by_hand(FREE, FREE, lift=FREE, hold=FREE),
    Outcome.PUSHED_AWAY: told_by_hand(seen(x=0.521), FREE, lift=FREE, hold=FREE),
    Outcome.SLIPPED_CLOSING: told_by_hand(FREE, GRIPPED, FREE, lift=FREE, hold=FREE),
    Outcome.DROPPED_LIFTING: told_by_hand(FREE, GRIPPED, lift=FREE, hold=FREE),
    Outcome.DROPPED_HOLDING: told_by_hand(FREE, GRIPPED, lift=LIFTED, hold=FREE),
    Outcome.ROBOT_HIT_TABLE: told_by_hand(seen(hit=HIT), FREE, lift=FREE, hold=FREE),
    Outcome.SELF_COLLISION: told_by_hand(FREE, seen(own=ITSELF), lift=FREE, hold=FREE),
    Outcome.NOT_SETTLED: told_by_hand(FREE, GRIPPED, lift=LIFTED, hold=LIFTED, at_rest=0),
    Outcome.DIVERGED: told_by_hand(FREE, GRIPPED, lift=seen(z=np.nan), hold=FREE),
}
"""A story that ends in each outcome; at random the rarer ones may not come up."""


def together(many):
    return Observations(
        object_position=np.array([one.object_position for one in many]),
        object_speed=np.array([one.object_speed for one in many]),
        hand_height=np.array([one.hand_height for one in many]),
        hand_touches=np.array([one.hand_touches for one in many]),
        object_supported=np.array([one.object_supported for one in many]),
        robot_hits_support=np.array([one.robot_hits_support is not None for one in many]),
        self_collision=np.array([one.self_collision is not None for one in many]),
    )


@settings(max_examples=200)
@given(st.lists(stories(), min_size=1, max_size=5), st.randoms(use_true_random=False))
@example(list(EXAMPLES.values())[:5], Random(0))
@example(list(EXAMPLES.values())[5:], Random(1))
def test_many_rollouts_are_judged_as_each_alone(told, random):
    """Rollouts of different lengths, at different places of a batch, which had others before."""
    places = random.sample(range(8), len(told))
    batch = BatchJudge(8)
    stale = together([seen(0.4, 0.3, touches=True, supported=False)] * 8)
    for phase in Phase:
        batch.observe(np.arange(8), np.full(8, int(phase)), stale, np.full(8, False))
    batch.begin(np.array(places))
    judges = [Judge() for _ in told]
    going = dict(enumerate(told))
    for step in range(max(map(len, told))):
        going = {index: story for index, story in going.items() if step < len(story)}
        if not going:
            break
        now = [story[step] for story in going.values()]
        worlds = np.array([places[index] for index in going])
        outcomes = batch.observe(
            worlds,
            np.array([int(phase) for phase, _, _ in now]),
            together([one for _, one, _ in now]),
            np.array([ends for _, _, ends in now]),
        )
        failures = batch.failures(worlds)
        for row, index in enumerate(list(going)):
            expected = judges[index].observe(*now[row])
            assert outcomes[row] == (UNDECIDED if expected is None else int(expected))
            assert failures[row] == judges[index].failure()
            if expected is not None:
                del going[index]


def test_the_examples_meet_every_outcome_of_the_rule():
    """What keeps the test above honest: its examples end in each outcome that a judge can give."""
    ends = {}
    for name, story in EXAMPLES.items():
        judge = Judge()
        outcomes = [judge.observe(*moment) for moment in story]
        ends[name] = next(outcome for outcome in outcomes if outcome is not None)
    assert ends == {outcome: outcome for outcome in map(Outcome, range(1, 11))}
