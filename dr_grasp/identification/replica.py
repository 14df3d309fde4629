"""Repeats an attempt in simulation: the executed grasp, in a world that is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.simulation.rollout_runner import Shortcuts, kept_runner

WHOLE_END = Shortcuts(late_entry=True, early_end=False)
"""The end is simulated, since where the object ends is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """An attempt to be repeated in simulation: the unit of work.

    Attributes:
        attempt: Number of the attempt in its `Evidence`.
        world: Number of the world.
        grasp: The executed grasp.
        perturbation: The world; also where the object stood, see `seen_at`.
        engine: The engine that simulates.
    """

    attempt: int
    world: int
    grasp: GraspTrajectory
    perturbation: Perturbation
    engine: Engine

    def __str__(self) -> str:
        """Name the work in an error."""
        return f"attempt {self.attempt} of grasp {self.grasp.id}, world {self.world}"


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """How a repeated attempt ended.

    Attributes:
        outcome: The outcome.
        object_after: Pose of the object in the base frame at the end; None if it diverged.
        gripper_opening: Mean position of the driven hand joints after the lift [rad or m]; None if
            the rollout ended before.
    """

    outcome: Outcome
    object_after: Pose | None
    gripper_opening: float | None


Run = Callable[[Sequence[Replica]], Sequence[Replayed]]
"""Simulates replicas; gives what came of each, in their order."""


def seen_at(perturbation: Perturbation, grasp: GraspTrajectory, place: Pose) -> Perturbation:
    """The perturbation with the object at a known place, instead of an error that is drawn.

    Args:
        perturbation: The world.
        grasp: The grasp, which says where the object was believed to stand.
        place: Where it really stood before the attempt, in the base frame.
    """
    turn = place.rotation * grasp.object_in_base.rotation.inv()
    shift = place.position - grasp.object_in_base.position
    return replace(
        perturbation,
        translation_m=frozen([*shift[:2], 0.0]),
        rotation_rpy_rad=frozen(turn.as_euler("xyz")),
    )


def repeat(replica: Replica) -> Replayed:
    """Simulate a replica in a worker; many of one grasp in a row are fastest."""
    grasp = replica.grasp
    runner = kept_runner(grasp.robot, grasp.object, WHOLE_END, replica.engine)
    openings: list[float] = []

    def note_opening(phase: Phase) -> None:
        if phase is Phase.LIFT:
            openings.append(float(np.mean(runner.world.hand_positions())))

    rollout = runner.run(grasp, replica.perturbation, on_phase_end=note_opening)
    lost = rollout.outcome is Outcome.DIVERGED
    return Replayed(
        outcome=rollout.outcome,
        object_after=None if lost else runner.world.object_pose(),
        gripper_opening=openings[0] if openings else None,
    )
