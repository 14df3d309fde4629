"""A planner scores its grasps, and lets the best one move the arm: python THIS grasps.json."""

import sys
import time
from pathlib import Path

from dr_grasp import DrGraspError, rank, read_grasps
from dr_grasp.ros import DrGraspClient


def main(grasp_file: str, namespace: str = "") -> None:
    """Score the grasps of a file, and execute the best with the nodes in a ROS namespace."""
    grasps = read_grasps(Path(grasp_file)).grasps  # yours come from your planner
    give_up_s = time.monotonic() + 600.0
    with DrGraspClient(namespace, connect_s=30.0) as client:
        # A handful, for a first look: by the service, with few rollouts.
        for score in client.score_few(grasps[:5], trials=2, seed=1).scores:
            fitness = {criterion.name: f.value for criterion, f in score.fitness.items()}
            print(f"{score.grasp_id}: {score.nominal_outcome.label} {fitness}")
        # Many: by the action, which shows its progress and can be cancelled.
        answer = client.score(
            grasps,
            trials=5,
            seed=1,
            on_progress=lambda p: print(f"{p.rollouts_done} of {p.rollouts_total} rollouts"),
            is_cancelled=lambda: time.monotonic() > give_up_s,
        )
        for refusal in answer.refused:
            print(f"not scored: {refusal.reason}")
        print(f"the best of {len(answer.scores)}: {rank(answer.scores)[0].grasp_id}")
        # The best one moves the twin. A real arm asks a person first: see `needs_confirmation`.
        for attempt in client.execute(grasps, answer.scores, top=1).attempts:
            print(f"{attempt.grasp.id}: {attempt.outcome.label} {attempt.reason}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except DrGraspError as error:
        sys.exit(f"score_from_a_planner: {error}")
