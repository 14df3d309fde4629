"""Which links touched most often: the same answer in whatever order rollouts are counted."""

import itertools
from collections import Counter

import pytest

from dr_grasp.core.collisions import Collision, listed, most_frequent, sentences
from dr_grasp.core.outcome import TABLE, LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import InvalidGraspError

ITSELF, SUPPORT = Outcome.SELF_COLLISION, Outcome.ROBOT_HIT_TABLE
ELBOW, WRIST = LinkPair("elbow", "hand"), LinkPair("wrist", "hand")
FINGER = LinkPair("finger", TABLE)


def test_the_most_frequent_pair_comes_first_and_of_equal_ones_the_first_by_name():
    counts = {(ITSELF, WRIST): 2, (ITSELF, ELBOW): 2, (ITSELF, FINGER): 3, (SUPPORT, FINGER): 1}
    expected = [(SUPPORT, FINGER, 1), (ITSELF, FINGER, 3), (ITSELF, ELBOW, 2), (ITSELF, WRIST, 2)]
    for order in itertools.permutations(counts.items()):
        found = listed(Counter(dict(order)), Criterion.FDR)
        assert found == tuple(Collision(Criterion.FDR, *ending) for ending in expected)


def test_pairs_are_counted_over_all_criteria():
    # The wrist is never the first of a criterion, and is the most frequent of all.
    per_criterion = [
        *listed({(ITSELF, ELBOW): 5, (ITSELF, WRIST): 4}, Criterion.OSDR),
        *listed({(ITSELF, FINGER): 5, (ITSELF, WRIST): 4}, Criterion.MDR),
        *listed({(SUPPORT, FINGER): 1}, None),
    ]
    for order in (per_criterion, per_criterion[::-1]):
        assert most_frequent(order) == {
            SUPPORT: "finger with table (1 of 1)",
            ITSELF: "wrist with hand (8 of 18)",
        }


def test_only_links_that_may_be_allowed_to_touch_come_with_advice():
    assert sentences(listed({(ITSELF, ELBOW): 17, (ITSELF, WRIST): 2, (SUPPORT, FINGER): 3})) == {
        "robot_hit_table": "robot_hit_table: finger with table (3 of 3)",
        "self_collision": "self_collision: elbow with hand (17 of 19); if these may touch, list "
        "them under allowed_collisions in the robot's YAML",
    }
    assert sentences([]) == {}


def test_what_is_no_collision_is_refused():
    expected = "outcome: expected robot_hit_table or self_collision, got missed"
    with pytest.raises(InvalidGraspError, match=expected):
        Collision(None, Outcome.MISSED, ELBOW, 1)
    with pytest.raises(InvalidGraspError, match="count: expected at least 1, got 0"):
        Collision(None, ITSELF, ELBOW, 0)
