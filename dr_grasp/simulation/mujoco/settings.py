"""Settings of MuJoCo's solver and contacts, as data: scores say what they were made with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.motors import RATE_HZ


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How finely a model is simulated, and how hard its contacts are.

    Attributes:
        timestep_s: Timestep [s].
        integrator: Name of MuJoCo's integrator: "implicitfast"; or "discrete", which makes one
            step of the solver's and the integrator's, so that stiff drives and contacts stay stable
            at any timestep.
        impratio: How much harder friction is than normal force; held objects creep at a speed
            that is inverse to it.
        noslip_iterations: Iterations after the solver's that take the creep away; 0 for none.
        tolerance: How little an iteration of the solver gains when it is the last, in units of its
            cost; MuJoCo's default is 1e-8.
        contact_time_s: Time constant of contacts, at least two timesteps [s].
        coupling_time_s: Time constant of the limits and couplings of the hand's joints, at least
            two timesteps [s].
        hand_condim: Dimensions of contacts with the hand: 4 with torsional friction, 6 with rolling
            friction as well.
        table_condim: Dimensions of contacts of the object with the table and the ground.
        arm_armature: Inertia of rotor and gear at an arm joint [kg m^2, or kg if it slides].
        hand_bandwidth: Natural frequency of a hand joint's drive [rad/s]; with "implicitfast", at
            most half the rate of steps is stable.
        arm_lag_s: Time in which an arm's motor makes up for most of an error of velocity [s]. It is
            at least one and a half timesteps: MuJoCo compares the force at the beginning of a
            timestep with the limit of effort, and motors would reach it in free air.
    """

    timestep_s: float
    integrator: str
    impratio: float
    noslip_iterations: int
    tolerance: float
    contact_time_s: float
    coupling_time_s: float
    hand_condim: int
    table_condim: int
    arm_armature: float = 0.1
    hand_bandwidth: float = 250.0
    arm_lag_s: float = 0.0032


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """Settings of scoring, by the hand.

    Attributes:
        gripper: Settings for hands of at most `GRIPPER_JOINTS` joints.
        fingers: Settings for hands of more joints.
    """

    gripper: ModelSettings
    fingers: ModelSettings

    def of(self, robot: RobotSpec) -> ModelSettings:
        """The settings for a robot."""
        is_gripper = len(robot.hand_force_shares) <= GRIPPER_JOINTS
        return self.gripper if is_gripper else self.fingers


GRIPPER_JOINTS = 2
"""Most joints of a gripper, as Franka and Baxter have it: there the coarser steps were measured."""

_GRIPPER = ModelSettings(
    timestep_s=1.0 / RATE_HZ / 2,
    integrator="discrete",
    impratio=1e4,
    noslip_iterations=0,
    tolerance=1e-6,
    contact_time_s=0.005,
    coupling_time_s=0.0042,
    hand_condim=6,
    table_condim=6,
)

SCORING = ScoringSettings(_GRIPPER, replace(_GRIPPER, timestep_s=1.0 / RATE_HZ / 4))
"""Two and four timesteps in the time of a command. All the rest is the same, so that arm, hand and
contacts are as stiff: with time constants that followed the timestep, 3 to 10 of 100 rollouts ended
otherwise than with steps of half a millisecond."""
