"""What sampling until a width costs, and how often its interval holds: both exactly, path by path.

The rule of `--until W`: after each block of trials, sampling stops if the interval is no wider than
W, or if there were as many trials as are allowed. Given the number of successes s of n trials, all
orders in which they can have come are equally probable, whatever the true proportion is. So the
probability that sampling had not stopped before, given s of n, follows from that of s and of s - 1
successes of n - 1 trials; times the binomial probability of s of n, it is that of stopping there.

Part one: rollouts by the rule, by a number that is fixed beforehand and makes Wilson's interval as
narrow (which supposes that somebody knows the true fitness), and by the confidence sequence, which
is for whoever may stop at any time.

Part two: how often each interval misses; at worst among the fitnesses at which the coverage jumps,
which are the ends of the intervals.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.core.confidence import confidence_sequence, narrowed_interval, wilson_interval
from dr_grasp.scoring.request import MOST_UNTIL
from dr_grasp.scoring.tally import BLOCK_TRIALS

Interval = Callable[[int, int], tuple[float, float]]

NUMBERS_AT_ONCE = 4_000_000
"""Numbers that are in memory at once: some 100 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Endings:
    """All ways in which sampling can end.

    Attributes:
        trials: Shape (e,), number of trials.
        successes: Shape (e,), number of successes.
        first: Shape (e,), probability, given these numbers, that sampling did not end before.
        low: Shape (e,), low end of the interval.
        high: Shape (e,), high end of the interval.
    """

    trials: IntArray
    successes: IntArray
    first: FloatArray
    low: FloatArray
    high: FloatArray

    def probability(self, fitness: FloatArray) -> FloatArray:
        """Probability of each ending at each of f fitnesses, shape (f, e)."""
        return self.first * binom.pmf(self.successes, self.trials, fitness[:, None])

    def expected_trials(self, fitness: float) -> float:
        """Mean number of trials."""
        return float((self.probability(np.array([fitness])) @ self.trials)[0])

    def coverage(self, fitness: FloatArray) -> FloatArray:
        """Probability that the interval holds each of f fitnesses, shape (f,)."""
        holds = (self.low <= fitness[:, None]) & (fitness[:, None] <= self.high)
        return np.asarray((self.probability(fitness) * holds).sum(axis=1))

    def worst_coverage(self, most: int = 4000) -> tuple[float, float]:
        """Lowest probability that the interval holds, and the fitness at which it is that low.

        Args:
            most: Most fitnesses that are tried.
        """
        # Rules and intervals are symmetric: what happens above 1/2 happens below.
        ends = np.unique(np.concatenate([self.low, self.high]))
        ends = ends[(ends > 0) & (ends < 0.5)]
        ends = ends[:: max(1, len(ends) // (most // 2))]
        tried = np.sort(np.concatenate([ends - 1e-12, ends + 1e-12, [0.5]]))
        worst = (1.0, 0.5)
        parts = 1 + len(tried) * len(self.low) // NUMBERS_AT_ONCE
        for fitness in np.array_split(tried, parts):
            coverage = self.coverage(fitness)
            place = int(coverage.argmin())
            worst = min(worst, (float(coverage[place]), float(fitness[place])))
        return worst


def endings(interval: Interval, width: float, most: int = MOST_UNTIL) -> Endings:
    """All ways in which sampling until a width can end.

    Args:
        interval: Interval of a proportion, from successes and trials; symmetric, and the wider the
            nearer the share is to 1/2.
        width: Width at which sampling stops.
        most: Largest number of trials.
    """
    ended: list[tuple[int, int, float]] = []
    going, least = np.ones(1), 0  # of `least` and more successes, after `trials` trials
    trials = 0
    while len(going):
        for _ in range(min(BLOCK_TRIALS, most - trials)):
            trials += 1
            successes = np.arange(least, least + len(going) + 1)
            going = (
                np.append(going, 0.0) * (trials - successes) / trials
                + np.append(0.0, going) * successes / trials
            )
        stops = 0
        while stops < len(going) and (
            trials >= most or np.diff(interval(least + stops, trials))[0] <= width
        ):
            stops += 1
        both = range(stops) if stops == len(going) else (*range(stops), *range(-stops, 0))
        ended += [(trials, least + place % len(going), going[place]) for place in both]
        going = going[stops : max(stops, len(going) - stops)]
        least += stops
    numbers = np.array([(n, s) for n, s, _ in ended])
    ends = np.array([interval(s, n) for n, s, _ in ended])
    first = np.array([probability for *_, probability in ended])
    return Endings(numbers[:, 0], numbers[:, 1], first, ends[:, 0], ends[:, 1])


def fixed_number(fitness: float, width: float) -> int:
    """Fewest trials with which Wilson's interval is no wider, if the share is the fitness."""
    trials = 1
    while np.diff(wilson_interval(round(fitness * trials), trials))[0] > width:
        trials += 1
    return trials


def show_price(widths: Sequence[float], fitnesses: Sequence[float]) -> None:
    """Print rollouts by the rule, by a fixed number, and by the confidence sequence."""
    rows = []
    for width in widths:
        by_rule = endings(narrowed_interval, width)
        at_any_time = endings(confidence_sequence, width)
        for fitness in fitnesses:
            fixed = fixed_number(fitness, width)
            rule, anytime = (found.expected_trials(fitness) for found in (by_rule, at_any_time))
            rows.append(
                [
                    f"{width:g}",
                    f"{fitness:g}",
                    str(fixed),
                    f"{rule:.0f} ({rule / fixed:.2f})",
                    f"{anytime:.0f} ({anytime / fixed:.2f})",
                ]
            )
    print_table(["W", "fitness", "fixed number", "--until W", "confidence sequence"], rows)


def show_coverage(widths: Sequence[float], capped: Sequence[tuple[float, int]]) -> None:
    """Print how often each interval misses.

    Args:
        widths: Widths to stop at, with as many trials as that takes.
        capped: Widths, with the largest number of trials.
    """
    endless = [(width, 10**9) for width in widths]
    usual = np.linspace(0.02, 0.98, 500)
    rows = []
    for title, interval, rules in (
        ("--until", narrowed_interval, endless),
        ("--until, few --trials", narrowed_interval, capped),
        ("Wilson", wilson_interval, endless),
    ):
        worst = (1.0, 0.5, 0.0, 0)
        missed = []
        for width, most in rules:
            found = endings(interval, width, most)
            worst = min(worst, (*found.worst_coverage(), width, most))
            missed.append(1 - found.coverage(usual))
        low, high = np.quantile(missed, [0.05, 0.95])
        coverage, fitness, width, most = worst
        where = f"fitness {fitness:.3f}, W {width:.3f}"
        rows.append(
            [
                title,
                f"{100 * np.mean(missed):.1f} %",
                f"{100 * low:.1f} to {100 * high:.1f} %",
                f"{100 * (1 - coverage):.2f} %",
                where if rules is endless else f"{where}, {most} trials",
            ]
        )
    print_table(
        ["interval stopped by its width", "misses", "mostly", "at worst", "where"],
        rows,
        title=f"over fitnesses from 0.02 to 0.98; at worst over all; {len(endless)} widths",
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, default=60, help="number of widths of part two")
    parser.add_argument("--narrowest", type=float, default=0.04, help="of these widths")
    options = parser.parse_args()
    show_price((0.3, 0.2, 0.1, 0.05), (0.5, 0.7, 0.9, 0.95, 0.99))
    widths = np.geomspace(0.9, options.narrowest, options.widths).tolist()
    capped = [(width, most) for width in (0.3, 0.15, 0.08) for most in (*range(1, 100), 200, 300)]
    show_coverage(widths, capped)


if __name__ == "__main__":
    main()
