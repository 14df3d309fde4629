"""What changed since a grasp was scored is named, and nothing else."""

from dataclasses import replace

import pytest

from dr_grasp.common.resources import user_directory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import models_of
from dr_grasp.replaying.since_scored import (
    UNSAID,
    changes_before_execution,
    changes_since_scored,
)
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer


@pytest.fixture
def scored(samples):
    """A grasp, its score, and the models that both are of."""
    grasp = samples.grasp()
    now = models_of(
        robot=load_robot("franka"), object=load_object("mug"), profile=load_profile("default")
    )
    return grasp, samples.score(models=now), now


def test_nothing_has_changed(scored):
    grasp, score, now = scored
    assert changes_since_scored(grasp, score, now).lines == ()
    assert changes_since_scored(grasp, None, {}).lines == ()
    assert (
        changes_before_execution([(grasp, score), (grasp, None)], load_robot("franka")).lines == ()
    )


@pytest.mark.slow
def test_a_score_of_the_scorer_itself_is_of_what_is_there(home_grasp):
    with Scorer(1) as scorer:
        request = ScoreRequest.from_names("default", ["mdr"], 1, 0)
        (score,) = scorer.score([home_grasp()], request).scores
    assert changes_before_execution([(home_grasp(), score)], load_robot("franka")).lines == ()


@pytest.mark.parametrize(("kind", "name"), [("robot", "franka"), ("object", "mug")])
def test_what_changed_is_named_with_both_fingerprints(scored, kind, name):
    grasp, score, now = scored
    found = changes_since_scored(grasp, score, {**now, kind: "0123456789abcdef"})
    line = f"{kind} {name}: scored with {now[kind]}, now 0123456789abcdef: score again"
    assert (found.differ, found.unknown) == ((line,), ())


def test_a_profile_that_changed_is_named(scored):
    grasp, score, now = scored
    score = replace(score, models={**now, "profile": "0123456789abcdef"})
    line = f"profile default: scored with 0123456789abcdef, now {now['profile']}: score again"
    assert changes_since_scored(grasp, score, now).differ == (line,)


def test_what_cannot_be_compared_is_named_apart(scored):
    grasp, score, now = scored
    old = changes_since_scored(grasp, replace(score, models={}), now)
    assert (old.differ, old.unknown) == ((), (UNSAID,))
    elsewhere = changes_since_scored(grasp, replace(score, profile="lab"), now)
    line = f"profile lab: scored with {now['profile']}, now there is none to compare with"
    line += f"; its file belongs in {user_directory() / 'profiles'}"
    assert (elsewhere.differ, elsewhere.unknown) == ((), (line,))
    some = changes_since_scored(grasp, replace(score, models={"robot": now["robot"]}), now)
    assert len(some.unknown) == 2 and "object mug: the scores do not say" in some.unknown[0]


def test_each_line_comes_once_for_many_grasps(scored):
    grasp, score, now = scored
    changed = replace(score, models={**now, "object": "0123456789abcdef"})
    robot = load_robot("franka")
    assert len(changes_before_execution([(grasp, changed)] * 3, robot).lines) == 1
