"""Many worlds of one robot and one object in MuJoCo Warp, which advance in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco_warp as mjw
import numpy as np
import numpy.typing as npt
import warp as wp

from dr_grasp.common.closing import Closing
from dr_grasp.common.reading import one_line
from dr_grasp.core.arrays import IntArray
from dr_grasp.core.outcome import LinkPair
from dr_grasp.errors import ModelError, SettingsError
from dr_grasp.simulation.rollout import LOOK_EVERY
from dr_grasp.simulation.warp import kernels
from dr_grasp.simulation.warp.buffers import Buffers
from dr_grasp.simulation.warp.geoms import GeomTables
from dr_grasp.simulation.warp.starts import (
    MODEL_FIELDS,
    RESTING,
    Numbers,
    Start,
    StartingWorld,
)

_OF_CONTACTS = mjw.OverflowType.BROADPHASE | mjw.OverflowType.NARROWPHASE | mjw.OverflowType.CCD
_OF_CONSTRAINTS = mjw.OverflowType.NEFC | mjw.OverflowType.NJMAX_NNZ
_OF_FIXED_SIZE = mjw.OverflowType.EPA_HORIZON
_LOST = int(_OF_CONTACTS | _OF_CONSTRAINTS | _OF_FIXED_SIZE)
"""Overflows that leave out contacts; solvers that stop at their last iteration do not."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What was seen in W worlds after each of `LOOK_EVERY` steps.

    Attributes:
        seen: Shape (`LOOK_EVERY`, W, `kernels.SIZE`), numbers about object and hand.
        touching: Shape (`LOOK_EVERY`, W, `kernels.KINDS`), what touched.
        overflow: Shape (W,), which buffers of a world lost contacts, for `larger_buffers`.
    """

    seen: Numbers
    touching: npt.NDArray[np.int32]
    overflow: npt.NDArray[np.int32]


class BatchWorlds(Closing):
    """A number of worlds on a device, which advance together by `LOOK_EVERY` steps.

    A world is given a rollout by `begin`, and keeps to it until it is given another or rests. A
    rollout's steps end together with those of the batch where they are looked at: it waits in its
    start for the steps that it has less.

    Attributes:
        count: Number of worlds.
        buffers: For how much there is memory.
        pairs: Pairs of links, by the numbers that `Looks` has.
    """

    def __init__(
        self,
        template: StartingWorld,
        count: int,
        device: Any,
        buffers: Buffers,
        *,
        deterministic: bool = False,
    ) -> None:
        """Put the model and resting worlds onto a device.

        Args:
            template: A world of the same robot and object.
            count: Number of worlds.
            device: The device, of `find_device`.
            buffers: For how much there is memory.
            deterministic: Whether sums do not depend on the order of threads. MuJoCo Warp 3.17 and
                4.0 do not order contacts yet, so that a GPU may still give another result each
                time; and the solver makes all its iterations.

        Raises:
            ModelError: MuJoCo Warp has not all of MuJoCo that the model needs.
        """
        self.count, self.buffers = count, buffers
        self._device, self._template = device, template
        tables = GeomTables.of(template.kinds, template.names)
        self.pairs: tuple[LinkPair, ...] = tables.pairs
        model = template.model
        sizes = dict.fromkeys((*MODEL_FIELDS, "actuator_forcerange"), count)
        with wp.ScopedDevice(device):
            try:
                self._model = mjw.put_model(model, batch_sizes=sizes)
            except (NotImplementedError, ValueError) as error:
                raise ModelError(
                    f"{template.robot.name} with {template.object.name}: MuJoCo Warp refuses: "
                    f"{one_line(error)}; score in engine mujoco"
                ) from error
            self._model.opt.warn_overflow = 0  # else kernels print; see `Looks.overflow`
            self._model.opt.deterministic = deterministic
            # Ordered sums need memory at each launch, which a loop within a graph cannot take.
            self._model.opt.graph_conditional = not deterministic
            self._data = mjw.make_data(
                model, count, nconmax=buffers.contacts, njmax=buffers.constraints
            )
            hand, arm = len(template.hand_reach), model.nu - len(template.hand_reach)
            self._bits = wp.array(tables.bits, dtype=int)
            self._support_pairs = wp.array(tables.support_pairs, dtype=int)
            self._own_pairs = wp.array(tables.own_pairs, dtype=int)
            self._hand_reach = wp.array(template.hand_reach, dtype=float)
            self._first = wp.full(count, RESTING, dtype=int)
            self._step = wp.zeros(count, dtype=int)
            self._length = wp.full(count, 1, dtype=int)
            self._closing = wp.full(count, RESTING, dtype=int)
            self._start_qpos = wp.array(np.tile(template.resting_qpos, (count, 1)), dtype=float)
            self._start_qvel = wp.zeros((count, model.nv), dtype=float)
            self._start_hand = wp.zeros((count, hand), dtype=float)
            self._hand_now = wp.zeros((count, hand), dtype=float)
            self._hand_goals = wp.zeros((count, 2, hand), dtype=float)
            self._hand_forces = wp.zeros((count, 2, hand), dtype=float)
            self._arm = wp.zeros((count, 1, arm), dtype=float)
            self._seen = wp.zeros((LOOK_EVERY, count, kernels.SIZE), dtype=float)
            self._touching = wp.zeros((LOOK_EVERY, count, kernels.KINDS), dtype=int)
            self._graph: Any = None
            if device.is_cuda:
                self._simulate()  # loads all kernels, which cannot be done while recording a graph

    def close(self) -> None:
        """Free the memory on the device; may be called twice."""
        self._graph = self._model = self._data = None

    def rest(self, worlds: Sequence[int] | IntArray) -> None:
        """Let worlds rest in their starts."""
        if len(worlds):
            self._put(self._first, worlds, np.full(len(worlds), RESTING))

    def begin(self, worlds: Sequence[int], starts: Sequence[Start]) -> IntArray:
        """Begin rollouts in worlds, whatever ran there before.

        Args:
            worlds: Numbers of the worlds.
            starts: A start for each of them.

        Returns:
            Shape (m,), steps of these rollouts at which the batch is: before their first steps,
            by as many as they wait.
        """
        if not worlds:
            return np.zeros(0, dtype=np.int64)
        first = np.array([start.step for start in starts])
        # After the `LOOK_EVERY` steps of `advance`, a step has been made that is looked at.
        steps = first - (first - 1) % LOOK_EVERY
        lengths = np.array([len(start.arm) for start in starts])
        self._make_room(int(lengths.max()))
        arm = np.zeros((len(starts), lengths.max(), starts[0].arm.shape[1]), dtype=np.float32)
        for row, start in zip(arm, starts, strict=True):
            row[: len(start.arm)] = start.arm
        self._put(self._arm[:, : lengths.max()], worlds, arm)
        for array, values in (
            (self._first, first),
            (self._step, steps),
            (self._length, lengths),
            (self._closing, [start.closing for start in starts]),
            (self._start_qpos, [start.qpos for start in starts]),
            (self._start_qvel, [start.qvel for start in starts]),
            (self._start_hand, [start.hand for start in starts]),
            (self._hand_goals, [start.hand_goals for start in starts]),
            (self._hand_forces, [start.hand_forces for start in starts]),
            (self._data.xfrc_applied, [start.applied for start in starts]),
        ):
            self._put(array, worlds, np.array(values))
        for index, name in enumerate(MODEL_FIELDS):
            rows = np.array([start.model[index] for start in starts])
            self._put(getattr(self._model, name), worlds, rows)
        return np.asarray(steps)

    def _put(self, array: Any, worlds: Sequence[int] | IntArray, rows: Any) -> None:
        """Write the rows of some worlds into an array on the device."""
        with wp.ScopedDevice(self._device):
            source = wp.array(rows, dtype=array.dtype)
            places = wp.array(worlds, dtype=int)
            wp.copy(wp.indexedarray(array, [places, *[None] * (array.ndim - 1)]), source)

    def _make_room(self, length: int) -> None:
        """Have room for controls of so many steps in each world."""
        count, room, joints = self._arm.shape
        if length <= room:
            return
        with wp.ScopedDevice(self._device):
            longer = wp.zeros((count, max(length, 2 * room), joints), dtype=float)
            wp.copy(longer[:, :room], self._arm)
        self._arm, self._graph = longer, None

    def advance(self) -> Looks:
        """Simulate `LOOK_EVERY` steps in all worlds, and look at them after each."""
        with wp.ScopedDevice(self._device):
            if self._device.is_cuda:
                if self._graph is None:
                    with wp.ScopedCapture() as capture:
                        self._simulate()
                    self._graph = capture.graph
                wp.capture_launch(self._graph)
            else:
                self._simulate()
            overflow = self._data.overflow.numpy() & _LOST
            self._data.overflow.zero_()
            return Looks(self._seen.numpy(), self._touching.numpy(), overflow)

    def _simulate(self) -> None:
        template, data, model = self._template, self._data, self._model
        for slot in range(LOOK_EVERY):
            wp.launch(
                kernels.command,
                dim=self.count,
                inputs=[
                    self._first,
                    self._length,
                    self._closing,
                    self._start_qpos,
                    self._start_qvel,
                    self._start_hand,
                    self._arm,
                    self._hand_goals,
                    self._hand_forces,
                    self._hand_reach,
                    self._step,
                    self._hand_now,
                    data.qpos,
                    data.qvel,
                    data.qacc_warmstart,
                    data.ctrl,
                    model.actuator_forcerange,
                ],
            )
            for _ in range(template.substeps):
                mjw.step(model, data)
            wp.launch(
                kernels.look,
                dim=self.count,
                inputs=[
                    slot,
                    template.object_body,
                    template.object_dofs.start,
                    template.hand_body,
                    model.body_ipos,
                    data.qpos,
                    data.qvel,
                    data.xpos,
                    data.xmat,
                    data.xipos,
                    self._step,
                    self._seen,
                    self._touching,
                ],
            )
            wp.launch(
                kernels.look_at_contacts,
                dim=data.naconmax,
                inputs=[
                    slot,
                    data.nacon,
                    data.contact.geom,
                    data.contact.worldid,
                    self._bits,
                    self._support_pairs,
                    self._own_pairs,
                    self._touching,
                ],
            )

    def larger_buffers(self, overflow: int) -> Buffers:
        """Buffers in which there is room for what was lost, or nearly.

        Args:
            overflow: What `Looks` has, of all worlds that matter.

        Raises:
            SettingsError: They are as large as they may be, or of fixed size.
        """
        if overflow & _OF_FIXED_SIZE:
            raise SettingsError(
                "engine mujoco-warp: MuJoCo Warp's buffer EPA_HORIZON, which has a fixed size, "
                "overflowed between two convex pieces: score in engine mujoco"
            )
        return self.buffers.larger(
            contacts=bool(overflow & _OF_CONTACTS), constraints=bool(overflow & _OF_CONSTRAINTS)
        )

    def states(self) -> tuple[Numbers, Numbers]:
        """Positions and velocities of all worlds now, shapes (W, nq) and (W, nv)."""
        return self._data.qpos.numpy(), self._data.qvel.numpy()
