"""Parts of a transfer model: what a metric adds, and the steps after the regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import ConfigDict

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.texts import LONGEST_NAME

AS_WRITTEN: Final = ConfigDict(extra="forbid", strict=True, str_max_length=LONGEST_NAME)
"""How the parts of a model are read from its file."""


@dataclass(frozen=True, slots=True)
class MetricTerm:
    """What a metric adds to the linear predictor: coefficient * (value - mean) / deviation.

    Attributes:
        coefficient: Coefficient of the standardised metric.
        mean: Mean of the metric over the grasps that the model was made from, in its unit.
        deviation: Its standard deviation over these grasps, above 0.
        low: Its smallest value over these grasps; a smaller one counts as this.
        high: Its largest value over these grasps; a larger one counts as this.
    """

    __pydantic_config__ = AS_WRITTEN

    coefficient: float
    mean: float
    deviation: float
    low: float
    high: float

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: The deviation is not above 0, or the range is reversed.
        """
        if not self.deviation > 0:
            raise ValueError(f"deviation: expected above 0, got {self.deviation}")
        if self.low > self.high:
            raise ValueError(f"expected low <= high, got {self.low} > {self.high}")

    @classmethod
    def standardising(cls, values: FloatArray) -> MetricTerm:
        """Make a term with a coefficient of 1, of values of shape (g,) of at least one grasp."""
        # Where all are the same, what is standardised is 0, whatever it is divided by.
        deviation = float(values.std()) or 1.0
        return cls(1.0, float(values.mean()), deviation, float(values.min()), float(values.max()))

    def of(self, value: float) -> float:
        """What a value adds to the linear predictor."""
        within = min(max(value, self.low), self.high)
        return self.coefficient * (within - self.mean) / self.deviation


@dataclass(frozen=True, slots=True)
class Steps:
    """An isotonic regression of probabilities, which are interpolated linearly between k knots.

    Attributes:
        given: The probabilities at the knots before the regression, strictly increasing.
        calibrated: The probabilities at the knots after it, never decreasing, in [0, 1].
    """

    __pydantic_config__ = AS_WRITTEN

    given: tuple[float, ...]
    calibrated: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the knots.

        Raises:
            ValueError: There are no knots, or their numbers differ, or they are not in order.
        """
        x, y = self.given, self.calibrated
        if len(x) != len(y) or not x:
            raise ValueError(
                f"expected as many knots given as calibrated, got {len(x)} and {len(y)}"
            )
        if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any() or y[0] < 0 or y[-1] > 1:
            raise ValueError("expected knots in order and probabilities in [0, 1]")

    def predict(self, probabilities: FloatArray) -> FloatArray:
        """Probabilities after the regression, of probabilities before it, of any shape."""
        return np.asarray(np.interp(probabilities, self.given, self.calibrated))
