"""Learns from attempts how probable it is that a grasp with given fitnesses and metrics holds.

How good probabilities are is tested on attempts that were not learned from. Since the next object
will be a new one, the model is cross-validated leaving whole objects out. All that is chosen by
looking at outcomes (the strength of the regularisation, and whether steps follow) is chosen anew
within each training part, by another cross-validation: so the losses are of choosing as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dr_grasp import __version__
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError
from dr_grasp.provenance.fingerprint import PROFILE, ROBOT
from dr_grasp.transfer.grasp_tally import GraspTally, Predictor, tally_grasps
from dr_grasp.transfer.model_terms import MetricTerm
from dr_grasp.transfer.regression import Fit, Sample, fit_regression, folds_of, loss_of
from dr_grasp.transfer.rows import AttemptRow, engine_counts, engines_of
from dr_grasp.transfer.transfer_model import Loss, Training, TransferModel, smoothed_logit

FEWEST: Final = 30
"""Fewest attempts of which a model is made."""

ISOTONIC_FROM: Final = 1000
"""Fewest attempts for which isotonic regression is tried after the sigmoid: with fewer, it overfits
(A. Niculescu-Mizil and R. Caruana, "Predicting good probabilities with supervised learning",
2005)."""

NEARLY_ALL: Final = 0.9
"""A criterion that this share of grasps has is used, and grasps without it are left out: using more
criteria is worth more (900 grasps on the twin: Brier score 0.131 with all four, 0.137 with MDR). A
metric is used if it is asked for, and must be in this share."""

WORTH_SAYING: Final = 0.001
"""A smaller difference of log loss [nats] counts as none."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A transfer model, with its cross-validated predictions.

    Attributes:
        model: The model, made of all grasps.
        tallies: The g grasps that the model is made of.
        predicted: Shape (g,), probability of each grasp by a model made without the grasp's object
            (or, if there is only one object, without the grasp).
        notes: What users of the model should know, one line each.
    """

    model: TransferModel
    tallies: tuple[GraspTally, ...]
    predicted: FloatArray
    notes: tuple[str, ...]


def calibrate(rows: Iterable[AttemptRow], metrics: Iterable[Metric] = ()) -> Calibration:
    """Make a transfer model from attempts.

    Args:
        rows: Attempts; those without a score, or that say nothing about their grasp, are left out.
        metrics: Metrics that the model uses beside the criteria; grasps without one are left out.

    Raises:
        DrGraspError: Scores are of several engines, too few attempts are left, all or none held,
            grasps share no criterion, or a metric is missing in too many of them.
    """
    counted = [row for row in rows if row.held is not None]
    scored = [row for row in counted if row.fitness]
    engine = _engine_of(scored)
    every = tally_grasps(scored)
    _check(len(counted), scored, every)
    criteria, terms = _shared_criteria(every), _shared_metrics(every, metrics)
    tallies = tuple(
        tally
        for tally in every
        if tally.fitness.keys() >= {*criteria} and tally.metrics.keys() >= {*terms}
    )
    kept = {tally.last.grasp for tally in tallies}
    scored = [row for row in scored if row.grasp in kept]
    _check(len(scored), scored, tallies)
    robots = sorted({tally.last.robot for tally in tallies})
    objects, object_numbers = np.unique(
        [tally.last.object for tally in tallies], return_inverse=True
    )
    # Of all grasps, the tested ones too: no outcome has a say in it.
    standard = {
        metric: MetricTerm.standardising(np.array([tally.metrics[metric] for tally in tallies]))
        for metric in terms
    }
    sample = Sample(
        features=_features(tallies, criteria, standard, robots),
        held=np.array([tally.eta.held for tally in tallies], np.float64),
        attempts=np.array([tally.eta.attempts for tally in tallies], np.float64),
        objects=object_numbers,
    )
    folds = folds_of(sample)
    predicted, constant = np.zeros((2, len(tallies)))
    steps = len(scored) >= ISOTONIC_FROM
    for inside, outside in folds:
        fit = fit_regression(sample.of(inside), steps)
        predicted[outside] = fit.predict(sample.features[outside])
        constant[outside] = (sample.held[inside].sum() + 0.5) / (sample.attempts[inside].sum() + 1)
    training = Training(
        attempts=len(scored),
        held=int(sample.held.sum()),
        grasps=len(tallies),
        objects=tuple(objects.tolist()),
        backends=dict(sorted(Counter(row.backend for row in scored).items())),
        profiles=tuple(sorted({row.profile for row in scored})),
        folds=len(folds),
        folds_by="object" if len(objects) > 1 else "grasp",
        model=loss_of(sample, predicted),
        constant=loss_of(sample, constant),
        mdr=_loss_of_mdr(sample, tallies) if Criterion.MDR in criteria else None,
        made_with=_made_with(scored),
        engine=engine,
    )
    model = _model(fit_regression(sample, steps), sample, criteria, standard, robots, training)
    notes = _notes(training, counted, (*criteria, *terms), every)
    return Calibration(model, tallies, predicted, tuple(notes))


def _engine_of(scored: Iterable[AttemptRow]) -> Engine:
    """The engine of all scores: fitnesses of different engines are different measurements."""
    engines = engines_of(scored)
    if len(engines) > 1:
        raise DrGraspError(
            f"expected scores of one engine, got {engine_counts(engines)}: --engine chooses one"
        )
    return next(iter(engines), Engine.BULLET)


def _made_with(rows: Iterable[AttemptRow]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for kind, name in ((ROBOT, row.robot), (PROFILE, row.profile)):
            if kind in row.models:
                found[f"{kind} {name}"].add(row.models[kind])
    return {what: tuple(sorted(known)) for what, known in sorted(found.items())}


def _check(counted: int, scored: Sequence[AttemptRow], tallies: Sequence[GraspTally]) -> None:
    if len(scored) < FEWEST:
        unscored = f" ({counted - len(scored)} more have no score)" if counted > len(scored) else ""
        raise DrGraspError(
            f"expected at least {FEWEST} attempts that say something about a grasp with a score, "
            f"got {len(scored)}{unscored}: try more grasps first"
        )
    held = sum(bool(row.held) for row in scored)
    if held in (0, len(scored)):
        raise DrGraspError(
            f"expected attempts that held and attempts that did not, got {len(scored)} that "
            f"{'all held' if held else 'all failed'}: nothing tells good grasps from bad ones yet"
        )
    if len(tallies) < 2:
        raise DrGraspError(
            f"expected at least 2 grasps, got {len(scored)} attempts of {scored[0].grasp_id}: "
            "one fitness says nothing about another"
        )


def _shared_criteria(tallies: Sequence[GraspTally]) -> tuple[Criterion, ...]:
    number = Counter(criterion for tally in tallies for criterion in tally.fitness)
    found = tuple(
        criterion for criterion in Criterion if number[criterion] >= NEARLY_ALL * len(tallies)
    )
    if not found:
        counts = ", ".join(f"{name.value} in {number[name]}" for name in Criterion)
        raise DrGraspError(
            f"expected a criterion that all {len(tallies)} grasps are scored by, got {counts}"
        )
    return found


def _shared_metrics(tallies: Sequence[GraspTally], metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    asked = set(metrics)
    for metric in asked:
        number = sum(metric in tally.metrics for tally in tallies)
        if number < NEARLY_ALL * len(tallies):
            raise DrGraspError(
                f"metrics: expected {metric.value} in the scores of {NEARLY_ALL:.0%} of "
                f"{len(tallies)} grasps, got it in {number}: `dr-grasp score --metrics` measures it"
            )
    return tuple(metric for metric in Metric if metric in asked)


def _features(
    tallies: Sequence[GraspTally],
    criteria: Sequence[Criterion],
    metrics: Mapping[Metric, MetricTerm],
    robots: Sequence[str],
) -> FloatArray:
    """Features of each grasp, shape (g, c + m + r).

    Logits of smoothed fitnesses, standardised metrics, and 1 for the grasp's robot.
    """
    return np.array(
        [
            [smoothed_logit(tally.fitness[criterion]) for criterion in criteria]
            + [standard.of(tally.metrics[metric]) for metric, standard in metrics.items()]
            + [float(tally.last.robot == robot) for robot in robots]
            for tally in tallies
        ]
    )


def _loss_of_mdr(sample: Sample, tallies: Sequence[GraspTally]) -> Loss:
    """Loss of MDR as a probability; the log loss is of the smoothed MDR, see `Training`."""
    found = [tally.fitness[Criterion.MDR] for tally in tallies]
    smoothed = np.array([(mdr.successes + 0.5) / (mdr.trials + 1) for mdr in found])
    itself = loss_of(sample, np.array([mdr.value for mdr in found]))
    return Loss(itself.brier, loss_of(sample, smoothed).log_loss)


def _model(
    fit: Fit,
    sample: Sample,
    criteria: Sequence[Criterion],
    metrics: Mapping[Metric, MetricTerm],
    robots: Sequence[str],
    training: Training,
) -> TransferModel:
    import sklearn

    weights = fit.coefficients.tolist()
    of_metrics = weights[len(criteria) : len(weights) - len(robots)]
    lows, highs = sample.features.min(axis=0).tolist(), sample.features.max(axis=0).tolist()
    return TransferModel(
        software_version=f"dr_grasp {__version__}, scikit-learn {sklearn.__version__}",
        intercept=fit.intercept,
        coefficients=dict(zip(criteria, weights, strict=False)),
        ranges=dict(zip(criteria, zip(lows, highs, strict=True), strict=False)),
        robots=dict(zip(robots, weights[len(weights) - len(robots) :], strict=True)),
        steps=fit.steps,
        strength=fit.strength,
        training=training,
        metrics={
            metric: replace(standard, coefficient=weight)
            for (metric, standard), weight in zip(metrics.items(), of_metrics, strict=True)
        },
    )


def _notes(
    training: Training,
    counted: Sequence[AttemptRow],
    used: Sequence[Predictor],
    tallies: Sequence[GraspTally],
) -> Iterator[str]:
    if training.folds_by == "grasp":
        yield (
            f"one object only ({training.objects[0]}), so it is cross-validated by grasp: whether "
            "it holds for other objects cannot be said"
        )
    if training.model.log_loss > training.constant.log_loss - WORTH_SAYING:
        yield (
            "the model is no better than saying the same of every grasp: these attempts do not "
            "show yet that the fitnesses say anything about them"
        )
    if training.mdr and training.model.log_loss > training.mdr.log_loss - WORTH_SAYING:
        yield "the model is no better than taking MDR itself for the probability"
    if unscored := sum(not row.fitness for row in counted):
        yield f"{unscored} of {len(counted)} attempts have no score: left out"
    number = Counter(
        predictor for tally in tallies for predictor in (*tally.fitness, *tally.metrics)
    )
    grasps = len(tallies)
    if lost := grasps - training.grasps:
        missing = " or ".join(name.value for name in used if number[name] < grasps)
        yield f"{lost} of {grasps} grasps are left out: they lack {missing}"
    for criterion in Criterion:
        if criterion not in used and number[criterion]:
            lack = grasps - number[criterion]
            yield f"{criterion.value} is left out: {lack} of {grasps} grasps lack it"
    for what, names in (("backends", training.backends), ("profiles", training.profiles)):
        if len(names) > 1:
            yield f"{what} are mixed: {', '.join(names)}"
