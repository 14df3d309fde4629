"""The study of the loop, tiny: one laboratory, few attempts, and each of its steps once."""

import json
import sys
from pathlib import Path

import pytest

from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.scoring.profiles import read_profile

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
ATTEMPTS = 20


@pytest.fixture(scope="module")
def study(tmp_path_factory, mug_grasps, block_grasps, shortened):
    """Runs the study as `make loop` does; gives its folder and what it printed."""
    out = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        from transfer_study.plan import SOURCES

        for obj, grasps in (("mug", mug_grasps), ("procedural_000", block_grasps)):
            folder = out / "grasps" / "franka" / obj
            folder.mkdir(parents=True)
            for source in SOURCES:  # the first has them all, so that nothing is searched for
                made = [shortened(grasp) for grasp in grasps] if source is SOURCES[0] else []
                write_grasps(folder / f"{source.name}.json", made)
        words = f"""loop.py --out {out} --robots franka --laboratories slippery_20231017
            --tried procedural_000 --unseen mug --attempts {ATTEMPTS} --grasps 3 --trials 4
            --worlds 20 --jobs 2"""
        patch.setattr(sys, "argv", words.split())
        import loop

        loop.main()
    return out


def test_each_step_leaves_what_the_next_one_needs(study):
    bags = study / "slippery_20231017" / "franka" / "bags"
    tried, unseen = (read_bag(bags / name).attempts for name in ("tried", "unseen"))
    assert {attempt.grasp.object for attempt in tried} == {"procedural_000"}
    assert {attempt.grasp.object for attempt in unseen} == {"mug"}
    assert len(tried) == len(unseen) == ATTEMPTS
    assert len({attempt.attempt_index for attempt in tried + unseen}) == 2 * ATTEMPTS
    assert all(attempt.score is not None for attempt in tried + unseen)


def test_the_profile_is_of_this_laboratory_and_makes_other_labels(study):
    folder = study / "slippery_20231017" / "franka"
    profile = read_profile(folder / "identified_posterior.yaml")
    assert profile.robot == "franka"
    low, high = profile.joints.delay_s
    assert 0.005 < low <= high < 0.035  # the laboratory's delay is between 10 and 30 ms
    scores = read_scores(folder / "mdr_posterior_mug.json")
    assert scores.profile == profile.name and len(scores.scores) == 3
    before = read_scores(study / "before" / "franka" / "mdr_mug.json")
    ids = [[score.grasp_id for score in file.scores] for file in (before, scores)]
    assert ids[0] == ids[1]
    assert before.scores[0].models["profile"] != scores.scores[0].models["profile"]


def test_what_was_found_says_how_sure_it_is(study):
    path = study / "slippery_20231017" / "franka" / "identified_posterior.json"
    found = json.loads(path.read_text())
    keys = {finding["key"]: finding for finding in found["findings"]}
    assert keys["joints.delay_s"]["fitted"] and keys["object_pose.position_std_m"]["fitted"]
    assert all(finding["reason"] for finding in found["findings"])
    assert found["attempts"] == ATTEMPTS
