"""Measures the margins of a grasp: of each parameter alone by bisection, of all together by ADR.

What is drawn for a trial depends on the seed and the number of the trial alone. So all values of
all parameters, and all grasps, meet the same noise (common random numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.adr import Boundary, Ranges, Thresholds
from dr_grasp.core.doubt import Doubt, perturbed, shrunk
from dr_grasp.core.margin import Count, GraspMargins, JointRanges, Margin
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import (
    Criterion,
    Perturbation,
    known_errors,
    sample_perturbation,
)
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.margins.request import MarginRequest
from dr_grasp.margins.sequential import is_borne
from dr_grasp.provenance.fingerprint import grasp_fingerprint
from dr_grasp.simulation.rollout_runner import RolloutRunner

MOVES = 4
"""In how many moves a range that grows with all others reaches what its parameter bears alone."""

TRIALS_A_MOVE = 5
"""Trials at a boundary before it moves (ADR's m): 4 of 5 successes are the rate at which it grows,
0.8. With many boundaries, few trials at each are enough: their errors average out."""

_DIRECTIONS, _RANGES = 100, 101
"""Keys of random streams; those of `sample_perturbation` begin with the number of a criterion."""

Coordinates = Mapping[Doubt, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """One rollout at chosen values of some parameters.

    Attributes:
        coordinates: Coordinates of the parameters that are not nominal.
        number: Number of the trial: of its background and its directions.
        background: Whether the background is added.
    """

    coordinates: Coordinates
    number: int
    background: bool = True


def measure(runner: RolloutRunner, grasp: GraspTrajectory, request: MarginRequest) -> GraspMargins:
    """Measure the margins of a grasp.

    Args:
        runner: Runs rollouts of the grasp's robot and object.
        grasp: The grasp, checked against the robot.
        request: How margins are measured.
    """
    half_ranges, obj = runner.world.robot.arm_half_ranges, runner.world.object
    known = known_errors(request.profile)
    rollouts = 1

    def succeeds(trial: Trial) -> bool:
        nonlocal rollouts
        rollouts += 1
        base = known
        if trial.background:
            drawn = sample_perturbation(
                request.profile, Criterion.MDR, request.seed, trial.number, len(half_ranges)
            )
            friction = obj.rolling_friction, obj.spinning_friction
            base = shrunk(drawn, request.background, known, *friction)
        directions = _stream(request.seed, _DIRECTIONS, trial.number)
        perturbation = perturbed(base, trial.coordinates, directions, half_ranges)
        return runner.run(grasp, perturbation).outcome is Outcome.SUCCESS

    outcome = runner.run(grasp, Perturbation.none()).outcome
    trajectory = grasp_fingerprint(grasp)
    if outcome is not Outcome.SUCCESS:
        return GraspMargins(grasp.id, trajectory, outcome)
    holds, background = tested({}, succeeds, request.thresholds)
    margins: tuple[Margin, ...] = ()
    joint = None
    if holds:
        margins = tuple(
            margin_at(boundary, background, succeeds, request) for boundary in request.boundaries
        )
        if request.rounds:
            joint = grown(margins, succeeds, request)
    return GraspMargins(grasp.id, trajectory, outcome, background, margins, joint, rollouts)


def tested(
    coordinates: Coordinates, succeeds: Callable[[Trial], bool], thresholds: Thresholds
) -> tuple[bool, Count]:
    """Whether a grasp bears some values with the background, and the trials that showed it."""
    borne, *count = is_borne(lambda number: succeeds(Trial(coordinates, number)), thresholds)
    return borne, Count(*count)


def margin_at(
    boundary: Boundary,
    background: Count,
    succeeds: Callable[[Trial], bool],
    request: MarginRequest,
) -> Margin:
    """Find the margin of one parameter to one side, by bisection.

    The square root of the coordinate is halved, so that small margins, which matter most, are known
    better than large ones: after four halvings, 4 mm are known within 2 mm, and 40 mm within 6 mm.

    Args:
        boundary: The parameter and the side.
        background: Trials with the background alone, which the grasp bears.
        succeeds: Runs a trial.
        request: How margins are measured.
    """
    doubt, limit = boundary.doubt, boundary.limit
    borne, count = tested({doubt: limit}, succeeds, request.thresholds)
    if borne:
        return Margin(boundary, doubt.amount(limit), count)
    # Square roots of the parts of the limit that are borne and lost.
    (bears, held), (loses, lost) = (0.0, background), (1.0, count)
    for _ in range(request.halvings):
        middle = (bears + loses) / 2.0
        borne, count = tested({doubt: limit * middle**2}, succeeds, request.thresholds)
        if borne:
            bears, held = middle, count
        else:
            loses, lost = middle, count
    ends = doubt.amount(limit * bears**2), doubt.amount(limit * loses**2)
    return Margin(boundary, ends[0], held, ends[1], lost)


def grown(
    margins: tuple[Margin, ...], succeeds: Callable[[Trial], bool], request: MarginRequest
) -> JointRanges:
    """Grow the ranges of all parameters together, by ADR, from the scene with its known errors.

    Each range grows by a part of what its parameter bears alone, so that all are equally hard. In a
    round each boundary is tried as ADR does it: one parameter is at the boundary, the others are
    drawn from their ranges; there is no other noise. It ends with the last round, or with a round
    in which no more ranges grew than shrank.

    Args:
        margins: Margins of each parameter alone.
        succeeds: Runs a trial.
        request: How margins are measured.
    """
    rates = request.thresholds
    steps = {
        margin.boundary: margin.boundary.doubt.coordinate(margin.bears) / MOVES
        for margin in margins
        if margin.share > 0.0
    }
    ranges = Ranges(Thresholds(rates.high, rates.low, TRIALS_A_MOVE), steps)
    for number in range(request.rounds):
        before = {boundary: abs(ranges.end(boundary)) for boundary in steps}
        trials = [
            (boundary, index * TRIALS_A_MOVE + trial)
            for index, boundary in enumerate(steps)
            for trial in range(TRIALS_A_MOVE)
        ]
        # All of a round are run before any range moves. Ranges of width 0 are the scene
        # with its known errors, which the trials of the background showed to succeed.
        outcomes = [
            number == 0
            or succeeds(
                Trial(
                    ranges.draw(_stream(request.seed, _RANGES, number, index), boundary),
                    index,
                    background=False,
                )
            )
            for boundary, index in trials
        ]
        for (boundary, _), success in zip(trials, outcomes, strict=True):
            ranges.tell(boundary, success)
        moved = [abs(ranges.end(each)) - width for each, width in before.items()]
        if sum(move > 0.0 for move in moved) <= sum(move < 0.0 for move in moved):
            break
    ends = {doubt: ranges.bounds(doubt) for doubt in request.doubts}
    return JointRanges(
        {doubt: (doubt.amount(low), doubt.amount(high)) for doubt, (low, high) in ends.items()}
    )


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
