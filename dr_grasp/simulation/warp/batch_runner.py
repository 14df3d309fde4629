"""Runs a stream of rollouts in batches of worlds on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from dr_grasp.common.closing import Closing
from dr_grasp.common.reading import one_line
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.engine import WORLDS, check_worlds, never
from dr_grasp.simulation.rollout import Rollout
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts
from dr_grasp.simulation.warp.buffers import Buffers
from dr_grasp.simulation.warp.device import find_device, is_out_of_memory

if TYPE_CHECKING:
    from dr_grasp.simulation.warp.batch import Batch


class BatchRunner(Closing):
    """Runs rollouts on a GPU, many at once; the rollouts are those of `RolloutRunner`.

    Attributes:
        worlds: Number of worlds in a batch.
    """

    def __init__(
        self,
        worlds: int = WORLDS,
        *,
        device: str | None = None,
        shortcuts: Shortcuts = ALL,
        buffers: Buffers | None = None,
        deterministic: bool = False,
    ) -> None:
        """Find the device.

        Args:
            worlds: Number of worlds in a batch, from 1 to `MOST_WORLDS`.
            device: See `find_device`.
            shortcuts: What rollouts leave out because it decides nothing.
            buffers: For how much each world has memory at first; None for the usual.
            deterministic: Whether sums do not depend on the order of threads.

        Raises:
            SettingsError: The engine cannot run here, or the number of worlds is out of bounds.
        """
        check_worlds(worlds)
        self.worlds = worlds
        self._device = find_device(device)
        self._shortcuts = shortcuts
        self._buffers = Buffers() if buffers is None else buffers
        self._deterministic = deterministic
        self._kept: tuple[RobotSpec, ObjectSpec] | None = None
        self._batch: Batch | None = None

    def close(self) -> None:
        """Free the worlds; may be called twice."""
        if self._batch is not None:
            self._batch.close()
        self._batch = self._kept = None

    def run(
        self,
        rollouts: Iterable[tuple[GraspTrajectory, Perturbation]],
        is_cancelled: Callable[[], bool] = never,
    ) -> Iterator[tuple[int, Rollout]]:
        """Simulate rollouts; gives each as soon as it has ended, with its number from 0.

        At most as many rollouts as there are worlds are taken before one of them has ended. Those
        with another robot or object than the one before wait until all before them have ended.
        If an iteration is given up, its rollouts are, too.

        Args:
            rollouts: Grasps, checked against their robots, with perturbations. Many rollouts of one
                grasp in a row are fastest.
            is_cancelled: Called after every `LOOK_EVERY` steps; True ends the iteration.

        Raises:
            DrGraspError: There is no such robot or object, the engine refuses one, a rollout has
                more contacts than there can be memory for, or the device has too little memory.
        """
        numbered = (
            (index, grasp, perturbation) for index, (grasp, perturbation) in enumerate(rollouts)
        )
        for (robot, obj), group in groupby(numbered, lambda one: (one[1].robot, one[1].object)):
            try:
                yield from self._batch_of(robot, obj).run(group, is_cancelled)
            except Exception as error:
                self.close()  # half of a batch is of no use to the next rollouts
                if not is_out_of_memory(error):
                    raise
                raise SettingsError(
                    f"engine {Engine.MUJOCO_WARP.value}: {self._device} has too little memory for "
                    f"{self.worlds} worlds of {robot} with {obj}: {one_line(error)}"
                ) from error
            if is_cancelled():
                return

    def _batch_of(self, robot: str, obj: str) -> Batch:
        """The batch of a robot and an object; the last one is kept."""
        from dr_grasp.simulation.warp.batch import Batch

        # By specification, not by name: a name may come to mean something else.
        wanted = (load_robot(robot), load_object(obj))
        if self._batch is None or self._kept != wanted:
            self.close()
            self._batch = Batch(
                *wanted,
                self.worlds,
                self._device,
                self._shortcuts,
                self._buffers,
                deterministic=self._deterministic,
            )
            self._kept = wanted
        return self._batch
