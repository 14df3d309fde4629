"""A transfer model as scoring uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dr_grasp.core.fitness import GraspScore
from dr_grasp.transfer.model_file import read_model
from dr_grasp.transfer.transfer_model import TransferModel, Uncalibrated


class Estimator:
    """Makes transfer probabilities of scores, and remembers why where it could not."""

    def __init__(self, model: TransferModel, on_problem: Callable[[str], None]) -> None:
        """Use a model.

        Args:
            model: The model.
            on_problem: Told why a score stays uncalibrated, each reason once.
        """
        self._model = model
        self._on_problem = on_problem
        self._told: set[str] = set()

    @classmethod
    def from_file(cls, path: Path, on_problem: Callable[[str], None]) -> Estimator:
        """Use the model of a file.

        Raises:
            FileFormatError: It is no model.
        """
        return cls(read_model(path), on_problem)

    def __call__(self, score: GraspScore, robot: str) -> float | None:
        """The probability that the grasp holds on the arm; None where the model cannot say."""
        answer = self._model.predict(score, robot)
        if not isinstance(answer, Uncalibrated):
            return answer
        if answer.reason not in self._told:
            self._told.add(answer.reason)
            self._on_problem(answer.reason)
        return None
