"""An arm and a planner in place of controllers and MoveIt, which note what they are asked."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import BackendError
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.motion_log import MotionLog


class ArmDouble:
    """Arrives at once. `between` is what keeps the fingers apart, `faults` what fails and how."""

    def __init__(self, robot, between=0.01):
        self.robot = robot
        self.between = between
        self.places = True
        self.most = 1.0
        self.asked = []
        self.faults = {}
        self.effort = {"panda_finger_joint1": 0.0}
        self.after = {}
        self.silent = False
        self.offset = 0.0
        self.standing = None
        self.at = dict(zip(robot.arm_joints, robot.home.tolist(), strict=True))
        self.at |= dict(zip(robot.hand_joints, robot.hand_open.tolist(), strict=True))

    def positions(self):
        if self.silent:
            raise BackendError("joint_states: nothing")
        return dict(self.at)

    def efforts(self):
        return dict(self.effort)

    @contextmanager
    def record(self):
        log = MotionLog(("a",))
        log.add(0.0, [[1.0]])
        yield log

    def _ask(self, kind, value, is_cancelled):
        number = sum(one == kind for one, _ in self.asked)
        self.asked.append((kind, value))
        if is_cancelled():
            return StepResult(Outcome.CANCELLED, "cancelled")
        for effect in self.after.get((kind, number), []):
            effect()
        return self.faults.get((kind, number))

    def follow(self, path, is_cancelled):
        start = np.array([self.at[joint] for joint in path.joints])
        assert np.abs(path.positions[0] - start).max() < 0.02, "a path must begin where we stand"
        fault = self._ask("follow", path, is_cancelled)
        if fault is None:
            end = path.positions[-1] + self.offset
            self.at |= dict(zip(path.joints, end.tolist(), strict=True))
        return fault

    def move_hand(self, targets, force, timeout_s, is_cancelled):
        assert timeout_s > 0
        fault = self._ask("hand", (targets.tolist(), force), is_cancelled)
        if fault is None:
            stop = np.minimum(np.maximum(targets, self.between), self.most)
            self.at |= dict(zip(self.robot.hand_joints, stop.tolist(), strict=True))
        return fault

    def place_object(self, grasp, seed, attempt_index):
        self.asked.append(("place", (grasp.object, seed, attempt_index)))
        return self.standing


class PlannerDouble:
    """Goes straight; `collisions` says which of the questions finds one."""

    def __init__(self, robot):
        self.robot = robot
        self.asked = []
        self.collisions = {}
        self.plans = {}
        self.closed = False

    def clear_scene(self):
        self.asked.append(("clear", None))

    def set_scene(self, item, object_in_base):
        self.asked.append(("scene", item.name))

    def collision(self, path, hand, *, may_touch=False):
        number = sum(kind == "collision" for kind, _ in self.asked)
        self.asked.append(("collision", may_touch))
        return self.collisions.get(number)

    def plan(self, start, goal, hand, speed):
        number = sum(kind == "plan" for kind, _ in self.asked)
        self.asked.append(("plan", speed))
        straight = Waypoints(self.robot.arm_joints, [0.0, 1.0], [start, goal])
        return self.plans.get(number, straight)

    def attach(self, arm, hand):
        self.asked.append(("attach", None))

    def detach(self):
        self.asked.append(("detach", None))

    def close(self):
        self.closed = True
