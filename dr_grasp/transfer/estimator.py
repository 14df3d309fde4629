"""Estimates transfer probabilities while grasps are scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.metric import Metric
from dr_grasp.transfer.transfer_model import read_model


class Estimator:
    """Estimates transfer probabilities of scores by a model, where the model can be used."""

    def __init__(self, path: Path, on_problem: Callable[[str], None]) -> None:
        """Read a model.

        Args:
            path: File of the model.
            on_problem: Called with each reason, once, for which a score stays uncalibrated, or is
                calibrated by a model of something else.

        Raises:
            FileFormatError: The file holds no model.
        """
        self._model = read_model(path)
        self._on_problem = on_problem
        self._reported: set[str] = set()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Metrics that the model needs in a score."""
        return tuple(self._model.metrics)

    def __call__(self, score: GraspScore, robot: str) -> float | None:
        """Estimate the probability that a grasp holds on the arm; None where the model cannot."""
        problem = self._model.problem_with(score, robot)
        if problem:
            self._report(problem)
            return None
        for doubt in self._model.doubts_about(score, robot):
            self._report(doubt)
        return self._model.predict(score, robot)

    def _report(self, problem: str) -> None:
        if problem not in self._reported:
            self._reported.add(problem)
            self._on_problem(problem)
