"""Makes examples/session, the bag that the tests replay: 30 attempts of 10 grasps on the twin.

    python examples/make_session.py examples/session

Repeating it elsewhere gives the same scores, outcomes and motions, under other ids and times. It is
made anew when what scoring or the twin does has changed on purpose, which the change log then says.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from dr_grasp.core.attempt import OutcomeReport
from dr_grasp.core.outcome import Outcome
from dr_grasp.execution.runner import execute_plan, plan_execution
from dr_grasp.generation.sampler import generate
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile

OBJECTS = ("box", "cylinder")
GRASPS_EACH = 5
ATTEMPTS_EACH = 3
TRIALS = 5


def main() -> None:
    """Generate, score, execute and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bag", type=Path)
    options = parser.parse_args()
    grasps = [
        replace(grasp, id=f"{item}-{index}")
        for item in OBJECTS
        for index, grasp in enumerate(generate("franka", item, GRASPS_EACH, seed=6))
    ]
    with Scorer(jobs=2) as scorer:
        scores = scorer.score(grasps, ScoreRequest.from_names("default", [], TRIALS, 6)).scores
    robot = load_robot("franka")
    plan = plan_execution(grasps, scores, len(grasps), robot)
    profile = load_twin_profile("default")
    with BagWriter(options.bag) as bag, TwinBackend(robot, profile, profile_name="default") as twin:
        bag.write_scores(scores, time.time_ns())
        attempts = [
            attempt
            for turn in range(ATTEMPTS_EACH)
            for attempt in execute_plan(
                twin.attempt,
                plan,
                seed=6,
                first_index=turn * len(plan.chosen),
                record=bag.write_attempt,
            )
        ]
        # Somebody who stood beside it saw one otherwise.
        held = next(one for one in attempts if one.outcome is Outcome.SUCCESS)
        bag.write_report(
            OutcomeReport(
                held.attempt_id,
                time.time_ns(),
                Outcome.FAILED,
                "held by its rim, about to fall",
                "Ada",
            )
        )


if __name__ == "__main__":
    main()
