"""Reads what the study has made: of each grasp, what is said of it, and what came of it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.metric import ENGINE_DOUBT, Metric
from dr_grasp.core.outcome import LOST, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.transfer.comparison import TriedGrasps
from dr_grasp.transfer.regression import Sample, fit_regression, folds_of
from dr_grasp.transfer.transfer_model import smoothed_logit
from transfer_study.plan import ENGINES, LABORATORIES, Plan, bag_name
from transfer_study.work import grasps_of

DEFAULT = "mdr bullet"
"""The predictor that all others are held against: the label that `dr-grasp score` ranks by."""

MODEL = "model of all"


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A grasp: what is said of it, and what came of it.

    Attributes:
        arm: Name of the robot.
        object: Name of the object.
        said: Value of each predictor by its name; more means that it should hold more often. NaN of
            a metric that the grasp has not, since the hand touches nothing; `worst_if_none`
            decides.
        features: What the model of all learns from.
        cpu_s: CPU time of each predictor [s].
        held: Attempts in which it held, by twin.
        attempts: All attempts that say whether it held, by twin.
    """

    arm: str
    object: str
    said: Mapping[str, float]
    features: Mapping[str, float]
    cpu_s: Mapping[str, float]
    held: Mapping[str, int]
    attempts: Mapping[str, int]


def read_evidence(plan: Plan, rounds: Sequence[int], measured: bool) -> list[Evidence]:
    """All grasps of some rounds, with what was made of them.

    Args:
        plan: The study.
        rounds: Numbers of the rounds. What follows the first one that is not whole is left out, so
            that every arm and object has as many grasps.
        measured: Whether metrics count: a round is not whole without them then.
    """
    pairs = [(arm, obj) for arm in plan.arms for obj in plan.objects]
    found: list[Evidence] = []
    for number in rounds:
        folders = [plan.round_folder(number, *pair) for pair in pairs]
        if not all(path.exists() for folder in folders for path in _files(plan, folder, measured)):
            break
        for pair in pairs:
            found += _of_round(plan, number, *pair, measured)
    return found


def _files(plan: Plan, folder: Path, measured: bool) -> Iterator[Path]:
    for engine in ENGINES:
        yield folder / f"labels_{engine.value}.json"
    for twin in plan.twins:
        yield from (folder / bag_name(twin, laboratory) for laboratory in LABORATORIES)
    if measured:
        yield from (folder / f"metrics_{engine.value}.json" for engine in ENGINES)


def _of_round(plan: Plan, number: int, arm: str, obj: str, measured: bool) -> Iterator[Evidence]:
    folder = plan.round_folder(number, arm, obj)
    scores = {
        engine.value: {
            score.grasp_id: score
            for score in read_scores(folder / f"labels_{engine.value}.json").scores
        }
        for engine in ENGINES
    }
    costs = {engine.value: _json(folder / f"cpu_labels_{engine.value}.json") for engine in ENGINES}
    with_metrics = [engine.value for engine in ENGINES] if measured else []
    metrics = {name: _json(folder / f"metrics_{name}.json") for name in with_metrics}
    metric_costs = {name: _json(folder / f"cpu_metrics_{name}.json") for name in with_metrics}
    held: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(plan.twins, 0))
    attempts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(plan.twins, 0))
    for twin in plan.twins:
        for laboratory in LABORATORIES:
            for attempt in read_bag(folder / bag_name(twin, laboratory)).attempts:
                if attempt.outcome not in (Outcome.SUCCESS, *LOST):
                    continue  # it says nothing about the grasp
                attempts[attempt.grasp.id][twin] += 1
                held[attempt.grasp.id][twin] += attempt.outcome is Outcome.SUCCESS
    for grasp in grasps_of(plan, number, arm, obj):
        labels = {name: of[grasp.id] for name, of in scores.items()}
        said, features = _said(labels), _features(labels)
        cpu_s = _label_costs({name: of[grasp.id] for name, of in costs.items()})
        for name, of_engine in metrics.items():
            for metric in (one for one in Metric if one not in ENGINE_DOUBT):
                value = of_engine[grasp.id].get(metric.value, math.nan)
                value = value if metric.more_is_better else -value
                said[f"{metric.value} {name}"] = value
                features[f"{metric.value} {name}"] = value
                cpu_s[f"{metric.value} {name}"] = metric_costs[name][grasp.id][metric.value]
        if all(attempts[grasp.id].values()):
            yield Evidence(arm, obj, said, features, cpu_s, held[grasp.id], attempts[grasp.id])


def _said(labels: Mapping[str, GraspScore]) -> dict[str, float]:
    """What labels say, each engine's alone and of both together."""
    said: dict[str, float] = {}
    for criterion in Criterion:
        values = {name: score.fitness[criterion].value for name, score in labels.items()}
        said |= {f"{criterion.value} {name}": value for name, value in values.items()}
        said[f"{criterion.value} mean"] = float(np.mean([*values.values()]))
        said[f"{criterion.value} min"] = min(values.values())
    mdr = [score.fitness[Criterion.MDR].value for score in labels.values()]
    said["engine_gap"] = -abs(mdr[0] - mdr[1])
    said["nominal bullet"] = float(labels[ENGINES[0].value].nominal_success)
    said["nominal mujoco"] = float(labels[ENGINES[1].value].nominal_success)
    return said


def _features(labels: Mapping[str, GraspScore]) -> dict[str, float]:
    return {
        f"{criterion.value} {name}": smoothed_logit(score.fitness[criterion])
        for name, score in labels.items()
        for criterion in Criterion
    }


def _label_costs(costs: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """CPU time of predictors made of labels [s]."""
    names = [criterion.value for criterion in Criterion]
    spent = {f"{name} {engine}": of[name] for engine, of in costs.items() for name in names}
    spent |= {f"nominal {engine}": of["nominal"] for engine, of in costs.items()}
    for name in names:
        both = sum(of[name] for of in costs.values())
        spent |= {f"{name} mean": both, f"{name} min": both}
    spent["engine_gap"] = spent["mdr min"]
    return spent


def groups_of(evidence: Iterable[Evidence], twins: Sequence[str]) -> dict[str, TriedGrasps]:
    """The grasps of each arm with their attempts on some twins, and the model's predictions.

    Attempts on several twins are added up: they are of the same grasps, so not independent.
    """
    of_arm: dict[str, list[Evidence]] = defaultdict(list)
    for grasp in evidence:
        of_arm[grasp.arm].append(grasp)
    return {arm: _group(grasps, twins) for arm, grasps in of_arm.items()}


def _group(grasps: list[Evidence], twins: Sequence[str]) -> TriedGrasps:
    held = np.array([sum(grasp.held[twin] for twin in twins) for grasp in grasps], float)
    attempts = np.array([sum(grasp.attempts[twin] for twin in twins) for grasp in grasps], float)
    predicted = {
        name: worst_if_none(np.array([grasp.said[name] for grasp in grasps]))
        for name in grasps[0].said
    }
    predicted[MODEL] = _predicted_by_model(grasps, held, attempts)
    return TriedGrasps(predicted, held, attempts)


def worst_if_none(values: FloatArray) -> FloatArray:
    """Let grasps without a value count as the worst that has one; shape (g,) or (g, n)."""
    return np.where(np.isnan(values), np.nanmin(values, axis=0), values)


def _predicted_by_model(grasps: list[Evidence], held: Any, attempts: Any) -> Any:
    """What a regression on all labels and metrics predicts, learned without the grasp's object."""
    # Every grasp has the same features, in the same order.
    features = worst_if_none(np.array([[*grasp.features.values()] for grasp in grasps]))
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    _, objects = np.unique([grasp.object for grasp in grasps], return_inverse=True)
    sample = Sample(features, held, attempts, objects)
    predicted = np.zeros(len(grasps))
    for inside, outside in folds_of(sample):
        predicted[outside] = fit_regression(sample.of(inside), False).predict(features[outside])
    return predicted


def mean_cpu_s(grasps: Iterable[Evidence]) -> dict[str, float]:
    """Mean CPU time of each predictor [s]."""
    costs = [grasp.cpu_s for grasp in grasps]
    return {name: float(np.mean([cost[name] for cost in costs])) for name in costs[0]}


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content
