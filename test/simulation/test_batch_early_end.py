"""Many rollouts end early as each alone would."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_grasp.core.arrays import frozen
from dr_grasp.core.batch_judge import UNDECIDED, BatchJudge, Observations
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.simulation.batch_early_end import BatchEarlyEnd
from dr_grasp.simulation.early_end import LOST_M, WINDOW, EarlyEnd
from dr_grasp.simulation.rollout import LOOK_EVERY

WORLDS, LOOKS = 6, 3 * WINDOW
STEPS = LOOKS * LOOK_EVERY


def told(seed):
    """What is seen of a rollout: mostly held while lifting and holding, sometimes dropped."""
    rng = np.random.default_rng(seed)
    closes, lifts = rng.integers(1, 4), rng.integers(4, 10)
    loses, creeps = rng.choice([0.0, 0.03, 1.0]), rng.choice([0.0, 1e-4])
    story = []
    for look in range(LOOKS):
        lifting = look >= lifts
        height = 0.05 + 0.02 * min(max(look - lifts, 0), 10)
        touches = bool(rng.random() >= loses if lifting else rng.random() < 0.1)
        seen = Observation(
            object_position=frozen([0.5, 0.0, height]),
            object_speed=0.0,
            hand_height=height,
            hand_touches=touches,
            object_supported=bool(rng.random() < (loses if lifting else 0.5)),
            robot_hits_support=None,
            self_collision=None,
        )
        if lifting:
            phase = Phase.LIFT if look < lifts + 12 else Phase.HOLD
        else:
            phase = Phase.CLOSE if look >= closes else Phase.APPROACH
        in_hand = frozen([0.01, creeps * look, 0.02]) + rng.normal(0.0, 1e-5, 3)
        distance = rng.choice([0.0, LOST_M])
        story.append((look * LOOK_EVERY, phase, seen, in_hand, distance))
    return story


def together(seen):
    return Observations(
        np.array([one.object_position for one in seen]),
        np.array([one.object_speed for one in seen]),
        np.array([one.hand_height for one in seen]),
        np.array([one.hand_touches for one in seen]),
        np.array([one.object_supported for one in seen]),
        np.zeros(len(seen), dtype=bool),
        np.zeros(len(seen), dtype=bool),
    )


def alone(story):
    """When and how one rollout ends, as `EarlyEnd` has it; the judge may not end it."""
    world = SimpleNamespace()
    judge = Judge()
    early = EarlyEnd(STEPS, world, judge)
    for step, phase, seen, in_hand, distance in story:
        world.object_in_hand = lambda in_hand=in_hand: in_hand
        world.object_clearance = lambda within, distance=distance: min(within, distance)
        if judge.observe(phase, seen, False) is not None:
            return step, "judged"
        outcome = early.observe(step, phase, seen)
        if outcome is not None:
            return step, outcome
    return None


def all_at_once(stories):
    """The same of many rollouts in a batch, in which other rollouts ran before."""
    now = {}
    judge = BatchJudge(WORLDS)
    early = BatchEarlyEnd(
        WORLDS, judge, lambda worlds: np.array([now[w] >= LOST_M for w in worlds], dtype=bool)
    )
    ends = [None] * len(stories)
    for before in (True, False):
        everywhere = np.arange(WORLDS)
        judge.begin(everywhere)
        early.begin(everywhere, np.full(WORLDS, 7 if before else STEPS))
        going = [*range(len(stories))]
        for look in range(WINDOW if before else LOOKS):
            if not going:
                break
            moments = [stories[index][look] for index in going]
            steps, phases, seen, in_hand, distances = zip(*moments, strict=True)
            worlds = WORLDS - 1 - np.array(going)
            now.update(zip(worlds.tolist(), distances, strict=True))
            kinds = np.array([int(phase) for phase in phases])
            nothing_ends = np.zeros(len(going), dtype=bool)
            judged = judge.observe(worlds, kinds, together(seen), nothing_ends)
            certain = early.observe(
                worlds, np.array(steps), kinds, together(seen), np.array(in_hand)
            )
            if before:
                continue
            for row, index in enumerate(going):
                if judged[row] != UNDECIDED:
                    ends[index] = steps[row], "judged"
                elif certain[row] != UNDECIDED:
                    ends[index] = steps[row], Outcome(certain[row])
            going = [index for index in going if ends[index] is None]
    return ends


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=WORLDS))
def test_many_rollouts_end_as_each_alone(seeds):
    stories = [told(seed) for seed in seeds]
    assert all_at_once(stories) == [alone(story) for story in stories]


def test_the_stories_end_in_every_way():
    """What keeps the test above honest."""
    ends = {end if end is None else end[1] for end in (alone(told(seed)) for seed in range(60))}
    assert {None, "judged", Outcome.SUCCESS, Outcome.DROPPED_LIFTING} <= ends
    assert ends & {Outcome.MISSED, Outcome.SLIPPED_CLOSING}
