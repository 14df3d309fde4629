"""Settings of PhysX and of the drives, as data: attempts say what they were made with."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.twin.world import ARM_BANDWIDTH, CONTROL_RATE_HZ


@dataclass(frozen=True, slots=True)
class SapienSettings:
    """How finely PhysX simulates, and how stiff the robot's drives are.

    Attributes:
        timestep_s: Timestep [s]. Of 8 grasps of a mug by its thin walls, in 3 attempts each, one
            was lost in all with steps of 1 ms that held in all with 0.5 and with 0.25 ms.
        position_iterations: Iterations of the solver for positions in a timestep.
        velocity_iterations: The same for velocities. Small steps and these take away the creep of
            held objects: with steps of 1 ms, 20 and 1 iterations, 4 of 16 held objects crept by 0.1
            to 0.6 mm/s. Of the 5 worst, none crept by 0.01 mm/s with these; with 10 of velocities,
            two by 0.4 mm/s.
        tgs: Whether the solver is TGS, in place of PGS. With TGS, steps of 1 ms, 20 and 1
            iterations, as many objects crept, by up to 2.7 mm/s.
        contact_offset_m: Distance from which on PhysX makes contacts; shapes touch at zero [m].
        coupling: How many times as stiff as the drives the springs between coupled joints are.
            PhysX conveys a spring's force the better, the stiffer it is: with this value, and any
            larger one, a load on one joint of a finger meets 0.93 to 1.2 times the force of all its
            drives (measured with TGS, steps of 1 ms); with 100, 0.8 to 1.7.
        coupling_time_s: Damping of these springs in units of their stiffness [s]; without any,
            fingers shook.
        arm_armature: Inertia of rotor and gear at an arm joint, as in MuJoCo's twin [kg m^2, or kg
            if it slides].
        arm_bandwidth: Natural frequency of an arm joint's drive [rad/s].
        hand_bandwidth: The same of a hand joint's, as in MuJoCo's twin [rad/s].
    """

    timestep_s: float = 0.0005
    position_iterations: int = 4
    velocity_iterations: int = 15
    tgs: bool = False
    contact_offset_m: float = 0.002
    coupling: float = 1e6
    coupling_time_s: float = 1e-4
    arm_armature: float = 0.1
    arm_bandwidth: float = ARM_BANDWIDTH
    hand_bandwidth: float = 250.0


SETTINGS = SapienSettings()

STEPS_PER_COMMAND = round(1.0 / CONTROL_RATE_HZ / SETTINGS.timestep_s)
