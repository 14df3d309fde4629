"""A Franka, a twin without errors, and top-down grasps made by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import frozen
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import TwinProfile

EXACT = {
    "description": "A twin that differs from the model in nothing but the engine",
    "seed": 0,
    "perception": {"position_std_m": 0.0, "yaw_std_deg": 0.0},
    "object": {
        "friction_factor": [1.0, 1.0],
        "mass_factor": [1.0, 1.0],
        "center_of_mass_std_m": 0.0,
        "torsional_friction_m": 0.003,
        "rolling_friction_m": 0.0001,
    },
    "robot": {
        "joint_offset_std_deg": 0.0,
        "control_delay_ms": [0.0, 0.0],
        "gripper_force_factor": [1.0, 1.0],
    },
}


@pytest.fixture(scope="session")
def franka() -> RobotSpec:
    return load_robot("franka")


@pytest.fixture(scope="session")
def bar() -> ObjectSpec:
    """3 cm wide along x, 9 cm long along y, 3 cm high."""
    return load_object("procedural_009")


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> TwinEngine:
    """The engine of `profile`; tests that run in another are parametrised indirectly."""
    chosen = getattr(request, "param", TwinEngine.MUJOCO)
    if chosen is TwinEngine.SAPIEN:
        pytest.importorskip("sapien")
    return chosen


@pytest.fixture
def profile(engine: TwinEngine) -> Callable[..., TwinProfile]:
    """Makes exact profiles, with some sections changed."""

    def make(**sections: dict[str, object]) -> TwinProfile:
        changed = {name: {**EXACT[name], **section} for name, section in sections.items()}
        return TwinProfile.model_validate({**EXACT, "engine": engine.value, **changed})

    return make


@pytest.fixture(scope="session")
def top_down(franka: RobotSpec, bar: ObjectSpec) -> Callable[..., GraspTrajectory]:
    """Makes grasps from above, jaws closing along x, through inverse kinematics in the twin."""
    world = MujocoTwinWorld(franka, bar, ObjectDynamics())
    aside = Pose([0.5, -0.5, 0.1], [0, 0, 0, 1])
    down = Rotation.from_matrix(np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]]))

    def joints(position: np.ndarray, guess: np.ndarray) -> np.ndarray:
        def error(arm: np.ndarray) -> np.ndarray:
            world.reset(arm, franka.hand_open, aside, 1.0)
            tcp = world.tcp_in_base()
            turn = (tcp.rotation * down.inv()).as_rotvec()
            return np.concatenate([tcp.position - position, 0.3 * turn, 1e-4 * (arm - guess)])

        solution = least_squares(error, guess, xtol=1e-10, ftol=1e-10)
        assert np.abs(solution.fun).max() < 1e-3
        return solution.x

    def make(
        item: ObjectSpec = bar,
        at: tuple[float, float] = (0.5, 0.0),
        tcp_offset: tuple[float, float] = (0.0, 0.0),
        tcp_height: float = 0.012,
        hold_s: float = 1.0,
    ) -> GraspTrajectory:
        stands = np.array([*at, -item.lowest_point(np.eye(3))])
        x, y = at[0] + tcp_offset[0], at[1] + tcp_offset[1]
        path = [np.asarray(franka.home)]
        for height in (0.15, 0.1, 0.05, 0.0):
            path.append(joints(np.array([x, y, tcp_height + height]), path[-1]))
        path = path[1:]
        return GraspTrajectory(
            id=f"top-down {item.name}",
            robot=franka.name,
            object=item.name,
            object_in_base=Pose(stands, [0, 0, 0, 1]),
            approach=Waypoints(franka.arm_joints, frozen([0.0, 0.4, 0.8, 1.4]), frozen(path)),
            close=HandClose(franka.hand_joints, franka.hand_open, franka.hand_closed, 30.0, 0.5),
            lift=Waypoints(franka.arm_joints, frozen([0.0, 0.6, 1.0, 1.4]), frozen(path[::-1])),
            hold_s=hold_s,
        )

    return make


@pytest.fixture(scope="session")
def run(franka: RobotSpec) -> Callable[..., GraspAttempt]:
    """Executes one grasp on a twin of its own."""

    def execute(
        profile: TwinProfile,
        grasp: GraspTrajectory,
        robot: RobotSpec = franka,
        seed: int = 0,
        attempt_index: int = 0,
        **options: object,
    ) -> GraspAttempt:
        with TwinBackend(robot, profile) as twin:
            return twin.attempt(grasp, None, seed=seed, attempt_index=attempt_index, **options)

    return execute
