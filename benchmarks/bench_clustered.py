"""How often 95 % intervals of eta hold, and how wide they are, where a grasp is tried often.

Grasps hold with probabilities that are Beta distributed around the true eta, so that attempts of
the same grasp are correlated: 0, they are independent; 1, each grasp holds always or never.
`interval_over_grasps` is compared to Wilson's interval of all attempts, which takes them for
independent, and to percentiles of a bootstrap of grasps.
"""

import argparse

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.core.confidence import wilson_interval
from dr_grasp.transfer.clustered import interval_over_grasps

ETAS = (0.5, 0.84, 0.95, 0.99)
CORRELATIONS = (0.0, 0.1, 0.3, 0.6, 1.0)
RESAMPLES = 400


def attempted(eta: float, correlation: float, attempts: IntArray, rng: np.random.Generator):
    """How many attempts of each grasp held, shape (s, g) as that of their numbers."""
    if correlation == 0:
        holds: FloatArray = np.full(attempts.shape, eta)
    elif correlation == 1:
        holds = (rng.uniform(size=attempts.shape) < eta).astype(np.float64)
    else:
        scale = 1 / correlation - 1
        holds = rng.beta(eta * scale, (1 - eta) * scale, attempts.shape)
    return rng.binomial(attempts, holds)


def over_grasps(held: IntArray, attempts: IntArray) -> FloatArray:
    """Intervals over grasps, shape (s, 2)."""
    return np.array([interval_over_grasps(*sample) for sample in zip(held, attempts, strict=True)])


def independent(held: IntArray, attempts: IntArray) -> FloatArray:
    """Wilson's intervals of all attempts, shape (s, 2)."""
    counts = zip(held.sum(axis=1), attempts.sum(axis=1), strict=True)
    return np.array([wilson_interval(int(won), int(tried)) for won, tried in counts])


def bootstrapped(held: IntArray, attempts: IntArray) -> FloatArray:
    """Percentiles of resamples of grasps, shape (s, 2)."""
    rng = np.random.default_rng(0)
    ends = []
    for won, tried in zip(held, attempts, strict=True):
        drawn = rng.integers(len(won), size=(RESAMPLES, len(won)))
        etas = won[drawn].sum(axis=1) / tried[drawn].sum(axis=1)
        ends.append(np.quantile(etas, [0.025, 0.975]))
    return np.array(ends)


METHODS = {"over grasps": over_grasps, "Wilson": independent, "bootstrap": bootstrapped}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300, help="data sets of each kind")
    options = parser.parse_args()
    rows = []
    for grasps in (5, 10, 27, 100):
        for name, least, most in (("3", 3, 3), ("10", 10, 10), ("1 to 15", 1, 15)):
            rng = np.random.default_rng(grasps)
            found: dict[str, list[tuple[float, float]]] = {method: [] for method in METHODS}
            for eta in ETAS:
                for correlation in CORRELATIONS:
                    attempts = rng.integers(least, most + 1, (options.samples, grasps))
                    held = attempted(eta, correlation, attempts, rng)
                    for method, interval in METHODS.items():
                        low, high = interval(held, attempts).T
                        holds = (low <= eta) & (eta <= high)
                        found[method].append((float(holds.mean()), float((high - low).mean())))
            cells = []
            for measured in found.values():
                coverage, width = np.array(measured).T
                cells.append(f"{coverage.mean():.3f}, {coverage.min():.2f}, {width.mean():.2f}")
            rows.append([str(grasps), name, *cells])
    print_table(
        ["grasps", "attempts of each", *METHODS],
        rows,
        title=f"mean and worst coverage, and mean width, over eta {ETAS} and correlations "
        f"{CORRELATIONS}; {options.samples} data sets each",
    )
    held = [10] * 18 + [9, 8, 7, 6, 5, 4, 3, 2, 3]
    rows = [
        [name, *(f"{end:.2f}" for end in interval(np.array([held]), np.full((1, 27), 10))[0])]
        for name, interval in METHODS.items()
    ]
    print_table(["interval", "low", "high"], rows, title=f"{sum(held)} of 270 attempts, 27 grasps")


if __name__ == "__main__":
    main()
