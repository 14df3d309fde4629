"""Blocks of rollouts, the unit of work of scoring, and the function by which a worker runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, Profile, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.simulation.rollout import Rollout
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts, kept_runner


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive trials of one grasp under one criterion, or a measurement: the unit of work.

    Attributes:
        grasp_index: Position of the grasp in the batch.
        grasp: The grasp, checked.
        profile: The profile from which perturbations are drawn.
        criterion: The criterion; None for the undisturbed rollout.
        seed: Seed of the perturbations.
        first: Index of the first trial.
        count: Number of trials, or of the rollouts that the measurement takes.
        shortcuts: What the rollouts leave out because it decides nothing.
        engine: The engine in which the rollouts are simulated.
        metrics: What is measured of the grasp, in place of trials; empty for trials.
    """

    grasp_index: int
    grasp: GraspTrajectory
    profile: Profile
    criterion: Criterion | None
    seed: int
    first: int
    count: int
    shortcuts: Shortcuts = ALL
    engine: Engine = Engine.BULLET
    metrics: tuple[Metric, ...] = ()

    def __str__(self) -> str:
        """Name the block in an error."""
        if self.metrics:
            return f"grasp {self.grasp.id}, {', '.join(metric.value for metric in self.metrics)}"
        what = "undisturbed" if self.criterion is None else self.criterion.value
        return f"grasp {self.grasp.id}, {what}, trials from {self.first} on"

    def perturbations(self, arm_joints: int) -> Iterator[Perturbation]:
        """The perturbation of each trial, for an arm of that number of joints."""
        for trial in range(self.first, self.first + self.count):
            if self.criterion is None:
                yield Perturbation.none()
            else:
                yield sample_perturbation(
                    self.profile, self.criterion, self.seed, trial, arm_joints
                )


@dataclass(frozen=True, slots=True)
class Counts:
    """How the rollouts of a block ended, or what it measured.

    Attributes:
        outcomes: Number of rollouts by outcome.
        collisions: Number of rollouts by outcome and by the links that touched, where any did.
        metrics: Values of the metrics that were measured, without those that the grasp has not.
    """

    outcomes: Counter[Outcome]
    collisions: Counter[tuple[Outcome, LinkPair]] = field(default_factory=Counter)
    metrics: Mapping[Metric, float] = field(default_factory=dict)

    def add(self, rollout: Rollout) -> None:
        """Count a rollout."""
        self.outcomes[rollout.outcome] += 1
        if rollout.links is not None:
            self.collisions[rollout.outcome, rollout.links] += 1


def run_block(block: Block) -> Counts:
    """Run all rollouts of a block, or its measurement, in a worker process."""
    runner = kept_runner(block.grasp.robot, block.grasp.object, block.shortcuts, block.engine)
    if block.metrics:
        from dr_grasp.quality.measurement import measure  # only metrics need a QP solver

        found = measure(runner, block.grasp, block.metrics, block.profile, block.seed)
        return Counts(Counter(), metrics=found)
    counts = Counts(Counter())
    for perturbation in block.perturbations(len(runner.world.robot.arm_joints)):
        counts.add(runner.run(block.grasp, perturbation))
    return counts
