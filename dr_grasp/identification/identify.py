"""Fits the ranges of a profile to what happened in a laboratory."""

from __future__ import annotations

from collections.abc import Callable

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.perturbation import Profile
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Identification
from dr_grasp.identification.rollouts import Follow
from dr_grasp.identification.settings import IdentificationSettings
from dr_grasp.workers.pool import Pool

__all__ = ["IdentificationSettings", "identify"]


def identify(
    evidence: Evidence,
    old: Profile,
    settings: IdentificationSettings,
    pool: Pool,
    *,
    name: str = "identified",
    journal: RunStore | None = None,
    follow: Follow = lambda what, done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Identification:
    """Fit a profile to recorded attempts: motion first, then where objects were, then outcomes.

    Args:
        evidence: The attempts, of one robot.
        old: The profile to begin from, which says what is expected without evidence.
        settings: How to identify.
        pool: Runs the rollouts.
        name: Name of the new profile.
        journal: Keeps the rollouts, so that a run can go on later; None to keep none.
        follow: Called as rollouts are done.
        is_cancelled: Polled often; True ends the run.

    Returns:
        The new profile, and what was found of each of its parameters.

    Raises:
        RunCancelledError: The run was cancelled.
        DrGraspError: There are too few attempts, or the old profile is of another robot.
    """
    raise NotImplementedError
