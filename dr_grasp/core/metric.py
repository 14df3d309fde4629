"""Numbers about a grasp beside its fitnesses: of its contacts, of pulling it, of two engines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dr_grasp.core.named import NamedEnum


class Metric(NamedEnum):
    """A number about a grasp; the values are the names that users write.

    EPSILON: the largest wrench, in any direction, that contacts of a total normal force of 1 can
    resist [1] (C. Ferrari and J. Canny, "Planning optimal grasps", 1992); torques are divided by
    the object's radius. VOLUME: volume of the set of these wrenches [1]. ROBUST_EPSILON: mean of
    epsilon over perturbations of OSDR, with 0 where there is no grip [1] (the robust epsilon of
    J. Mahler et al., "Dex-Net 2.0", 2017, for our perception error). TUG: the largest force on the
    held object that it withstands in the weakest of six directions, in multiples of its weight
    [1]. PENETRATION: how deep hand and object penetrate each other when the hand has closed [m].
    COM_DISTANCE: distance of the mean contact from the object's centre of mass [m]. ENGINE_GAP: by
    how much MDR differs between PyBullet and MuJoCo [1]. WORST_ENGINE_MDR: the lower of both [1].
    """

    EPSILON = "epsilon"
    VOLUME = "volume"
    ROBUST_EPSILON = "robust_epsilon"
    TUG = "tug"
    PENETRATION = "penetration"
    COM_DISTANCE = "com_distance"
    ENGINE_GAP = "engine_gap"
    WORST_ENGINE_MDR = "worst_engine_mdr"

    @property
    def more_is_better(self) -> bool:
        """Whether a grasp with a larger number is expected to hold more often."""
        return self not in (Metric.PENETRATION, Metric.COM_DISTANCE, Metric.ENGINE_GAP)

    @property
    def in_millimetres(self) -> bool:
        """Whether the number is a length [m], which is shown in millimetres."""
        return self in (Metric.PENETRATION, Metric.COM_DISTANCE)


ENGINE_DOUBT: Final = (Metric.ENGINE_GAP, Metric.WORST_ENGINE_MDR)
"""Metrics that need rollouts in both PyBullet and MuJoCo."""

LONG: Final = {Metric.ROBUST_EPSILON: 20, Metric.TUG: 7}
"""Metrics that take many rollouts, and how many; all others but `ENGINE_DOUBT` follow from one."""

EVERY_METRIC: Final = "all"
"""Stands for all metrics, where users write names of metrics."""


def metrics_from_names(names: Iterable[str]) -> tuple[Metric, ...]:
    """Find metrics by name, in the order of the enumeration and without repetition.

    Args:
        names: Names of metrics; `EVERY_METRIC` stands for all of them.

    Raises:
        UnknownNameError: There is no such metric.
    """
    found: set[Metric] = set()
    for name in names:
        found.update(Metric if name == EVERY_METRIC else [Metric.from_name(name)])
    return tuple(metric for metric in Metric if metric in found)


def measurements(metrics: Iterable[Metric]) -> list[tuple[Metric, ...]]:
    """Gather metrics, without engine doubt, into those that are measured together."""
    measured = [metric for metric in metrics if metric not in ENGINE_DOUBT]
    together = tuple(metric for metric in measured if metric not in LONG)
    alone: list[tuple[Metric, ...]] = [(metric,) for metric in measured if metric in LONG]
    return [together, *alone] if together else alone


def rollouts_of(together: tuple[Metric, ...]) -> int:
    """Number of rollouts that metrics take which are measured together."""
    return LONG.get(together[0], 1)


def metric_label(metric: Metric) -> str:
    """Name of a metric in words with its unit, e.g. "penetration (mm)"."""
    name = metric.value.replace("_", " ")
    return f"{name} (mm)" if metric.in_millimetres else name


def metric_text(metric: Metric, value: float | None) -> str:
    """Write a value without its unit, in millimetres for a length; "-" for None."""
    if value is None:
        return "-"
    return f"{1e3 * value:.1f}" if metric.in_millimetres else f"{value:.3g}"
