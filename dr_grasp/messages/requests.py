"""Encodes requests to score grasps, as the service and the action `score_grasps` take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.messages.encoding import Fields, encode_grasp

MOST_GRASPS = 10_000
"""Most grasps of a request, as in the definitions of our actions: 100,000 take 1.2 GB of memory."""

PROFILE_TRIALS = -1
"""Value of `trials` for the numbers of the profile, as in the definitions of our messages."""

MOST_SENT = 2**31 - 1
"""Largest number of rollouts that fits into the field of a message, an int32; the scorer takes
fewer, and says so itself."""


def encode_request(
    grasps: Sequence[GraspTrajectory],
    *,
    trials: int | None = None,
    criteria: Sequence[str] = (),
    seed: int = 0,
    profile: str = "default",
    until: float | None = None,
    top: int | None = None,
    own_trials: Iterable[tuple[str, int]] = (),
    engine: str | None = None,
    metrics: Sequence[str] = (),
) -> Fields:
    """Fields of a request of the service `score_grasps`, and of a goal of the action.

    Args:
        grasps: The grasps to score.
        trials: Number of rollouts for each criterion; None for the numbers in the profile.
        criteria: Names of the criteria; empty for all four.
        seed: Seed of the perturbations.
        profile: Name of the randomisation profile.
        until: Width of interval at which sampling ends; None for a fixed number of rollouts.
        top: Number of best grasps to find; None to score all alike.
        own_trials: Criteria that get another number of rollouts, each with the number.
        engine: Name of the engine; None for the one that the scorer would choose.
        metrics: Names of metrics to measure beside the criteria.

    Raises:
        SettingsError: There are too many grasps, or a number does not fit into its field.
    """
    check_number_of_grasps(len(grasps))
    own = list(own_trials)
    # What the field cannot carry, or what it would take for "not given"; the rest is the scorer's.
    for number in (trials, *(number for _, number in own)):
        if number is not None and (number == PROFILE_TRIALS or abs(number) > MOST_SENT):
            raise SettingsError(f"trials: expected from 1 to {MOST_SENT}, got {number}")
    if not 0 <= seed <= MAX_SEED:
        raise SettingsError(f"seed: expected from 0 to 2**64 - 1, got {seed}")
    return {
        "grasps": [encode_grasp(grasp) for grasp in grasps],
        "criteria": list(criteria),
        "trials": PROFILE_TRIALS if trials is None else trials,
        "own_trials": [{"criterion": name, "trials": number} for name, number in own],
        "seed": seed,
        "profile": profile,
        "until": until or 0.0,
        "top_k": top or 0,
        "engine": engine or "",
        "metrics": list(metrics),
    }


def check_number_of_grasps(number: int) -> None:
    """Check that grasps fit into one request.

    Raises:
        SettingsError: There are more than `MOST_GRASPS`.
    """
    if number > MOST_GRASPS:
        raise SettingsError(
            f"grasps: expected at most {MOST_GRASPS} in a request, got {number}; send them "
            "in parts, or score a file with `dr-grasp score`"
        )
