"""Runs the rollouts of an identification: on a pool, with a journal, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.arrays import as_floats
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Profile
from dr_grasp.errors import DrGraspError
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.replica import Replayed, Replica, repeat
from dr_grasp.identification.settings import ContactSettings
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint, grasp_fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.tally import engine_asked, software_version
from dr_grasp.workers.pool import Pool

Follow = Callable[[str, int, int], None]
"""Called with what is being done, how many of its rollouts are done, and how many it has."""


class RunCancelledError(DrGraspError):
    """The run was cancelled before its end."""


class Rollouts:
    """Repeats attempts in simulation; what the journal has is not simulated again.

    Attributes:
        done: Number of rollouts so far, those of the journal included.
    """

    def __init__(
        self,
        pool: Pool,
        journal: RunStore | None,
        follow: Follow,
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Prepare to run.

        Args:
            pool: Runs the rollouts.
            journal: Keeps the rollouts; None to keep none.
            follow: Called as rollouts are done.
            is_cancelled: Polled often; True ends the run.
        """
        self._pool = pool
        self._journal = journal
        self._follow = follow
        self._is_cancelled = is_cancelled
        self._what = ""
        self.done = 0

    def named(self, what: str) -> Rollouts:
        """Say what the next rollouts are for."""
        self._what = what
        return self

    def __call__(self, replicas: Sequence[Replica]) -> list[Replayed]:
        """Run replicas.

        Returns:
            How they ended, in their order.

        Raises:
            RunCancelledError: The run was cancelled.
        """
        ended: dict[int, Replayed] = {}
        keys = [] if self._journal is None else [_key(replica) for replica in replicas]
        place = {id(replica): number for number, replica in enumerate(replicas)}
        if self._journal is not None:
            for number, key in enumerate(keys):
                record = self._journal.get(key)
                if record is not None:
                    ended[number] = replayed_from_dict(record)
        self._tell(len(ended), len(replicas))
        left = [replica for number, replica in enumerate(replicas) if number not in ended]
        # Many of one grasp in a row are fastest.
        left.sort(key=lambda replica: (replica.grasp.object, replica.attempt))
        for result in self._pool.run(repeat, left, self._is_cancelled):
            if result is None:
                raise RunCancelledError("identification: cancelled before its end")
            replica, replayed = result
            number = place[id(replica)]
            ended[number] = replayed
            if self._journal is not None:
                self._journal.put(keys[number], replayed_to_dict(replayed))
            self._tell(len(ended), len(replicas))
        self.done += len(replicas)
        return [ended[number] for number in range(len(replicas))]

    def _tell(self, done: int, total: int) -> None:
        self._follow(self._what, done, total)


def _key(replica: Replica) -> str:
    """What a rollout depends on, so that its place in the run does not matter."""
    grasp = grasp_fingerprint(replica.grasp)
    return fingerprint((grasp, replica.perturbation, replica.engine))


def replayed_to_dict(replayed: Replayed) -> dict[str, Any]:
    """Make plain data of how a replica ended."""
    after = replayed.object_after
    return {
        "outcome": replayed.outcome.label,
        "after": None
        if after is None
        else [as_floats(after.position), as_floats(after.quaternion_xyzw)],
        "opening": replayed.gripper_opening,
    }


def replayed_from_dict(record: Mapping[str, Any]) -> Replayed:
    """Make how a replica ended of plain data."""
    after = record["after"]
    return Replayed(
        outcome=Outcome.from_label(record["outcome"]),
        object_after=None if after is None else Pose(*after),
        gripper_opening=record["opening"],
    )


def open_journal(
    path: Path,
    evidence: Evidence,
    old: Profile,
    settings: ContactSettings,
    resume: bool,
) -> RunStore:
    """Begin a journal of an identification, or go on with one.

    Args:
        path: File of the journal.
        evidence: The attempts.
        old: The old profile.
        settings: How to identify.
        resume: Go on with the file, if it exists; if False, replace it.

    Raises:
        FileFormatError: The file cannot be used or belongs to another run; see `RunStore`.
    """
    models: dict[str, Any] = {f"robot {evidence.robot}": load_robot(evidence.robot)}
    models |= {f"object {name}": load_object(name) for name in evidence.objects}
    asked = {
        "bags": dict(sorted(evidence.bags.items())),
        "profile": fingerprint(old),
        "method": settings.method.value,
        "worlds": settings.worlds,
        "iterations": settings.iterations,
        "seed": settings.seed,
        "software_version": software_version(settings.engine),
        **engine_asked(settings.engine),
        "models": {name: fingerprint(model) for name, model in models.items()},
    }
    return RunStore(path, "an identification", asked, resume)
