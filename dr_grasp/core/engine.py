"""Names of the physics engines in which rollouts are simulated."""

from __future__ import annotations

from dr_grasp.core.named import NamedEnum


class Engine(NamedEnum):
    """A physics engine; the values are the names that users write.

    The perturbations, the judge, the commands and the shortcuts are the same in all; contacts and
    friction are not, so that labels of different engines are different measurements.
    """

    BULLET = "bullet"
    MUJOCO = "mujoco"
    MUJOCO_WARP = "mujoco-warp"

    @property
    def package(self) -> str:
        """Name of the Python package that has the engine, of which scores carry the version."""
        return "pybullet" if self is Engine.BULLET else self.value

    @property
    def physics(self) -> str:
        """Name of the physics, which a twin may have, too; that of MuJoCo Warp is MuJoCo's."""
        return Engine.MUJOCO.value if self is Engine.MUJOCO_WARP else self.value

    @property
    def repeats(self) -> bool:
        """Whether the same seed gives the same counts again on the same machine.

        A GPU adds up in another order each time, and contacts make a great difference of a slight
        one.
        """
        return self is not Engine.MUJOCO_WARP

    @property
    def other(self) -> Engine:
        """The engine that gives the second opinion on a grasp, independent of this one."""
        return Engine.MUJOCO if self is Engine.BULLET else Engine.BULLET

    @property
    def single(self) -> Engine:
        """The engine with the same model that simulates one rollout at a time."""
        return Engine.MUJOCO if self is Engine.MUJOCO_WARP else self


SINGLE = (Engine.BULLET, Engine.MUJOCO)
"""Engines that simulate one rollout at a time, which commands need that look into rollouts."""
