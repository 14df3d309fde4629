"""What identification was worth: coverage of the truth, and labels before and after."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transfer_study.answer import text

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.score_file import read_scores
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.scoring.profiles import load_profile, read_profile
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.calibration import calibrate
from dr_grasp.transfer.comparison import TriedGrasps, estimate
from dr_grasp.transfer.rows import rows_of
from dr_grasp.transfer.statistics import Estimate
from loop_study.plan import Laboratory, Plan
from loop_study.truth import covered, hand_error_m
from loop_study.work import TRIED_BAG, UNSEEN_BAG, Step, Work, findings_path, grasps_of

BEFORE, AFTER = "MDR before", "MDR after"
MODEL_BEFORE, MODEL_AFTER = "model before", "model after"
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Grasps of unseen objects of one arm in one laboratory.

    Attributes:
        laboratory: The laboratory.
        arm: Name of the robot.
        grasps: What was predicted of them and what came of it.
    """

    laboratory: Laboratory
    arm: str
    grasps: TriedGrasps


def print_answer(plan: Plan) -> None:
    """Print what is known of all laboratories that are done."""
    done = [work for work in _identified(plan) if _is_judged(plan, work)]
    print_coverage(plan, done)
    print_hand_errors(plan, done)
    judged = [_judged(plan, work) for work in done]
    for title, group in _groups(judged).items():
        print_labels(title, group)
    for step in Step:
        spent = [json.loads(path.read_text()) for path in plan.out.rglob(_cpu_files(plan, step))]
        if spent:
            print(f"{step.value}: {np.mean(spent):.0f} s of CPU each, {sum(spent):.0f} s in all")


def print_coverage(plan: Plan, done: Sequence[Work]) -> None:
    """Print, parameter by parameter, how often it was fitted and how often the truth is inside."""
    fitted: dict[str, int] = defaultdict(int)
    inside: dict[str, list[bool]] = defaultdict(list)
    for work in done:
        assert work.laboratory is not None
        profile = read_profile(work.path)
        for finding in json.loads(findings_path(work.path).read_text())["findings"]:
            fitted[finding["key"]] += finding["fitted"]
            if finding["fitted"]:
                objects = (*plan.tried, *plan.unseen)
                inside[finding["key"]] += covered(
                    work.laboratory, work.arm, objects, profile, finding
                )
    rows = [
        [key, f"{count} of {len(done)}", str(len(inside[key])), _share(inside[key])]
        for key, count in fitted.items()
    ]
    known = [value for values in inside.values() for value in values]
    rows.append(["all", "", str(len(known)), _share(known)])
    print_table(["parameter", "fitted in", "true values", "in the 90 % range"], rows)


def print_hand_errors(plan: Plan, done: Sequence[Work]) -> None:
    """Print how far the hand is from where it is expected, at the grasps of unseen objects."""
    rows = []
    for work in done:
        assert work.laboratory is not None
        grasps = [grasp for obj in plan.unseen for grasp in grasps_of(plan, work.arm, obj)]
        profiles = load_profile(plan.profile), read_profile(work.path)
        errors = [hand_error_m(work.laboratory, grasps, profile) for profile in profiles]
        rows.append([work.laboratory.name, work.arm, *(f"{1000 * e:.2f}" for e in errors)])
    print_table(["laboratory", "arm", "hand error before [mm]", "after"], rows)


def print_labels(title: str, judged: Sequence[Judged]) -> None:
    """Print losses, rho and AUC of each predictor, and how they differ from before."""
    groups = [one.grasps for one in judged]
    held, attempts = (sum(float(g.held.sum()) for g in groups), _attempts(groups))
    print(
        f"\n{title}: {attempts:.0f} attempts on unseen objects, eta {held / attempts:.2f}; a label "
        f"that knew how often each grasp holds would have a Brier score of {best_brier(groups):.3f}"
    )
    rows = []
    for name in (BEFORE, AFTER, MODEL_BEFORE, MODEL_AFTER):
        if any(name not in group.predicted for group in groups):
            continue
        rows.append(
            [
                name,
                *(f"{loss(groups, name, kind).mean():.3f}" for kind in (brier, log_loss)),
                text(_ratio(groups, name)) if name != BEFORE else "1",
                *(text(estimate(groups, kind, name)) for kind in (bootstrap.rho, bootstrap.auc)),
            ]
        )
    print_table(["", "Brier", "log loss", f"Brier / that of {BEFORE}", "rho", "AUC"], rows)


def brier(predicted: FloatArray, held: FloatArray, attempts: FloatArray) -> FloatArray:
    """Sum over the attempts of each grasp of the squared error of its probability."""
    return held * (1 - predicted) ** 2 + (attempts - held) * predicted**2


def log_loss(predicted: FloatArray, held: FloatArray, attempts: FloatArray) -> FloatArray:
    """Sum over the attempts of each grasp of minus the logarithm of what was predicted [nats]."""
    return -held * np.log(predicted) - (attempts - held) * np.log(1 - predicted)


def best_brier(groups: Sequence[TriedGrasps]) -> float:
    """Brier score of a label that is the rate itself, estimated without bias from attempts.

    A grasp that holds at a rate p costs p (1 - p) even those who know p.
    """
    cost = attempts = 0.0
    for group in groups:
        many = group.attempts > 1
        held, tried = group.held[many], group.attempts[many]
        cost += float((held * (tried - held) / (tried - 1)).sum())
        attempts += float(tried.sum())
    return cost / attempts if attempts else float("nan")


def loss(groups: Sequence[TriedGrasps], name: str, kind: object) -> FloatArray:
    """Mean loss of an attempt in each group, shape (1,); or in resamples of whole grasps."""
    return np.array([_loss(groups, name, kind, None)])


def _loss(
    groups: Sequence[TriedGrasps], name: str, kind: object, rng: np.random.Generator | None
) -> float:
    total = number = 0.0
    for group in groups:
        count = len(group.attempts)
        rows = np.arange(count) if rng is None else rng.integers(count, size=count)
        assert callable(kind)
        losses = kind(group.predicted[name], group.held, group.attempts)
        total += float(losses[rows].sum())
        number += float(group.attempts[rows].sum())
    return total / number


def _ratio(groups: Sequence[TriedGrasps], name: str) -> Estimate:
    """Brier score in parts of that of MDR before; the same grasps are drawn for both."""
    value = _loss(groups, name, brier, None) / _loss(groups, BEFORE, brier, None)
    drawn = [
        _loss(groups, name, brier, np.random.default_rng(seed))
        / _loss(groups, BEFORE, brier, np.random.default_rng(seed))
        for seed in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return Estimate(value, low, high)


def _groups(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """By kind of laboratory and arm, and all together."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[f"{one.arm}, laboratories of {one.laboratory.twin}"].append(one)
    for one in judged:
        groups[f"all arms, laboratories of {one.laboratory.twin}"].append(one)
    if judged:
        groups["all"] = list(judged)
    return groups


def _identified(plan: Plan) -> list[Work]:
    works = [
        Work(plan, Step.IDENTIFY, arm, laboratory)
        for laboratory in plan.laboratories
        for arm in plan.arms
    ]
    return [work for work in works if work.path.exists()]


def _is_judged(plan: Plan, work: Work) -> bool:
    after = (
        Work(plan, Step.AFTER, work.arm, work.laboratory, obj)
        for obj in (*plan.tried, *plan.unseen)
    )
    return all(each.path.exists() for each in after)


def _judged(plan: Plan, work: Work) -> Judged:
    assert work.laboratory is not None
    bags = Work(plan, Step.ATTEMPTS, work.arm, work.laboratory).path
    scores = {
        name: _scores(plan, work, step)
        for name, step in ((BEFORE, Step.BEFORE), (AFTER, Step.AFTER))
    }
    held: dict[str, list[bool]] = defaultdict(list)
    for row in rows_of(UNSEEN_BAG, read_bag(bags / UNSEEN_BAG)):
        if row.held is not None:
            held[row.grasp_id].append(row.held)
    ids = sorted(held)
    predicted = {
        name: np.array([_smoothed(of[grasp]) for grasp in ids]) for name, of in scores.items()
    }
    for name, before in ((MODEL_BEFORE, BEFORE), (MODEL_AFTER, AFTER)):
        found = _by_model(bags / TRIED_BAG, scores[before], work.arm, ids)
        if found is not None:
            predicted[name] = found
    grasps = TriedGrasps(
        predicted,
        np.array([float(sum(held[grasp])) for grasp in ids]),
        np.array([float(len(held[grasp])) for grasp in ids]),
    )
    return Judged(work.laboratory, work.arm, grasps)


def _by_model(
    bag: Path, scores: dict[str, GraspScore], arm: str, ids: Sequence[str]
) -> FloatArray | None:
    """Probabilities by a model of the attempts that identification had; None if there is none."""
    contents = read_bag(bag)
    attempts = tuple(
        replace(attempt, score=scores[attempt.grasp.id]) for attempt in contents.attempts
    )
    try:
        model = calibrate(rows_of(TRIED_BAG, replace(contents, attempts=attempts))).model
    except DrGraspError as error:
        print(f"{bag}: {error}")
        return None
    found = [model.predict(scores[grasp], arm) for grasp in ids]
    return np.clip(np.array(found, dtype=np.float64), 1e-6, 1 - 1e-6)


def _scores(plan: Plan, work: Work, step: Step) -> dict[str, GraspScore]:
    laboratory = None if step is Step.BEFORE else work.laboratory
    return {
        score.grasp_id: score
        for obj in (*plan.tried, *plan.unseen)
        for score in read_scores(Work(plan, step, work.arm, laboratory, obj).path).scores
    }


def _smoothed(score: GraspScore) -> float:
    mdr = score.fitness[Criterion.MDR]
    return (mdr.successes + 0.5) / (mdr.trials + 1)


def _attempts(groups: Sequence[TriedGrasps]) -> float:
    return sum(float(group.attempts.sum()) for group in groups)


def _share(values: Sequence[bool]) -> str:
    return f"{np.mean(values):.2f}" if values else "-"


def _cpu_files(plan: Plan, step: Step) -> str:
    return {
        Step.BEFORE: "before/*/cpu_mdr_*.json",
        Step.ATTEMPTS: "cpu_bags.json",
        Step.IDENTIFY: f"cpu_identified_{plan.method}.json",
        Step.AFTER: f"cpu_mdr_{plan.method}_*.json",
    }[step]
