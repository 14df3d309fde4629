"""Evidence, findings and a pool, made for tests of what is around the fits."""

from dataclasses import replace

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.identification.evidence import Evidence, Tried
from dr_grasp.identification.findings import Agreement, Finding, Identification, Trace
from dr_grasp.identification.profile_file import profile_from
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.workers.pool import Pool


class HerePool(Pool):
    """Runs work in this process, the last piece first, since pools promise no order."""

    def __init__(self, ends_after=None):
        self.done = []
        self._ends_after = ends_after

    def close(self):
        """Nothing to do."""

    def run(self, function, work, is_cancelled):
        for piece in reversed(list(work)):
            if is_cancelled() or len(self.done) == self._ends_after:
                yield None
                return
            self.done.append(piece)
            yield piece, function(piece)

    def _workers(self):
        return 1

    def _submit(self, function, piece):
        raise NotImplementedError


def evidence_of(grasp, held):
    """An attempt for each truth value."""
    attempts = []
    for number, good in enumerate(held):
        outcome = Outcome.SUCCESS if good else Outcome.DROPPED_LIFTING
        one = replace(grasp, id=f"g{number}")
        attempt = GraspAttempt(f"a{number}", number, "twin", 0, number, one, None, outcome)
        attempts.append(Tried(attempt, outcome, good, "bag"))
    return Evidence(grasp.robot, tuple(attempts), {"bag": "0123456789abcdef"})


FINDINGS = (
    Finding(
        "object_pose.position_mean_m.1",
        "mean along y",
        "m",
        (0, 0),
        (0.002, 0.002),
        (0.001, 0.003),
        True,
        "over 60 errors",
    ),
    Finding(
        "object_pose.rotation_std_rad.2",
        "spread of yaw",
        "rad",
        (0.035, 0.035),
        (0.02, 0.02),
        (0.017, 0.024),
        True,
        "over 60 errors",
    ),
    Finding(
        "joints.offset_mean.2",
        "error of panda_joint3",
        "half ranges",
        (0, 0),
        (-0.0007, -0.0007),
        (-0.001, -0.0004),
        True,
        "over 40 attempts",
    ),
    Finding(
        "joints.delay_s",
        "delay",
        "s",
        None,
        (0.0181234567, 0.0219876543),
        (0.0181234567, 0.0219876543),
        True,
        "over 60 attempts",
    ),
    Finding(
        "joints.jitter_std",
        "jitter",
        "half ranges",
        (0.0005, 0.0005),
        (0.0002, 0.0002),
        (0.0001, 0.0002),
        True,
        "over 60 attempts",
    ),
    Finding(
        "dynamics.lateral_friction_scale",
        "friction",
        "",
        (0.5, 1.3),
        (0.55, 0.9),
        (0.6, 0.8),
        True,
        "over 3 objects",
    ),
    Finding(
        "dynamics.mass_scale",
        "mass",
        "",
        (0.7, 1.3),
        (0.7, 1.3),
        (0.5, 1.9),
        False,
        "<mass> & force cannot be told apart",
    ),
    Finding(
        "dynamics.rolling_friction", "rolling", "m", (0, 0.002), (0, 0.002), None, False, "none"
    ),
)


def identification(**changes):
    """What an identification found, of all kinds."""
    old = load_profile("default")
    new = profile_from(old, FINDINGS, "franka", 7)
    times = tuple(0.02 * step for step in range(100))
    moved = tuple(time**2 for time in times)
    trace = Trace("panda_joint2", "a<1>", times, moved, moved, moved, moved)
    found = Identification(
        profile=replace(new, name="lab", description="Of a laboratory", engine=Engine.MUJOCO),
        old=old,
        findings=FINDINGS,
        method="posterior",
        engine=Engine.MUJOCO,
        seed=3,
        iterations=1,
        rollouts=2880,
        attempts=60,
        bags={"round_1/bag": "fedcba9876543210", "round_0/bag": "0123456789abcdef"},
        checks=("the simulator explains these attempts",),
        traces=(trace,),
        before=Agreement(0.8, 0.5, 0.21),
        after=Agreement(0.9, None, 0.15),
    )
    return replace(found, **changes)
