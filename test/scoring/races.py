"""Requests for the best of many grasps, and what tests of races look at."""

from dr_grasp.core.perturbation import Criterion
from dr_grasp.scoring.request import ScoreRequest

OSDR, JSDR, FDR, MDR = Criterion
TOP = 10


def request_of(criteria=("mdr",), trials=200, top=TOP, seed=0):
    return ScoreRequest.from_names("default", criteria, trials, seed, top=top)


def trials_by_id(batch):
    return {s.grasp_id: {c: f.trials for c, f in s.fitness.items()} for s in batch.scores}
