"""Fits the ranges of a profile to what happened in a laboratory: the loop closes.

Joint motion tells delay, lag and jitter; poses of objects tell the error of perception; the places
where held objects ended tell the errors of the joints; and outcomes, given all of that, tell about
contact. Each step knows what the steps before it found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.common.run_store import RunStore
from dr_grasp.core.perturbation import (
    MAX_SEED,
    Criterion,
    Perturbation,
    Profile,
    known_errors,
    sample_perturbation,
)
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.identification.agreement import WORLDS_EACH, agreement, foretold
from dr_grasp.identification.contact import ContactFit, fit_contact
from dr_grasp.identification.control import fit_control
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Agreement, Finding, Identification
from dr_grasp.identification.motion_ranges import (
    control_findings,
    in_degrees,
    perception_findings,
    zeros_findings,
)
from dr_grasp.identification.perception import fit_perception
from dr_grasp.identification.profile_file import profile_from, rounded
from dr_grasp.identification.ranges import Learnt, new_ranges
from dr_grasp.identification.rehearsal import Base
from dr_grasp.identification.rollouts import Follow, Rollouts
from dr_grasp.identification.settings import IdentificationSettings
from dr_grasp.identification.suggestion import Suggestion, suggest
from dr_grasp.identification.worlds import Belief, Space
from dr_grasp.identification.zeros import MOST_ROLLOUTS, fit_zeros
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.scoring.profiles import check_profile
from dr_grasp.workers.pool import Pool

__all__ = ["FEWEST_ATTEMPTS", "IdentificationSettings", "expected_rollouts", "identify"]

FEWEST_ATTEMPTS = 15
"""Fewest attempts from which contact is learnt. An outcome is one bit: the share that holds is then
known to 0.2, which tells slippery objects from others, and little more."""


def expected_rollouts(attempts: int, settings: IdentificationSettings) -> int:
    """Most rollouts of an identification."""
    contact = attempts * (settings.worlds + 2 * WORLDS_EACH) if attempts >= FEWEST_ATTEMPTS else 0
    return contact + MOST_ROLLOUTS


def identify(
    evidence: Evidence,
    old: Profile,
    settings: IdentificationSettings,
    pool: Pool,
    *,
    name: str = "identified",
    journal: RunStore | None = None,
    follow: Follow = lambda what, done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Identification:
    """Fit a profile to recorded attempts.

    Args:
        evidence: The attempts, of one robot.
        old: The profile to begin from: what is expected without evidence.
        settings: How to identify.
        pool: Runs the rollouts.
        name: Name of the new profile.
        journal: Keeps the rollouts, so that a run can go on later; None to keep none.
        follow: Called as rollouts are done.
        is_cancelled: Polled often; True ends the run.

    Returns:
        The new profile, and what was found of each of its parameters.

    Raises:
        RunCancelledError: The run was cancelled.
        SettingsError: The old profile is of another robot.
        DrGraspError: The attempts tell nothing of any parameter.
    """
    robot = load_robot(evidence.robot)
    check_profile(old, robot)
    steps = _Steps(evidence, old, settings, robot, Rollouts(pool, journal, follow, is_cancelled))
    return steps.identification(name)


@dataclass(slots=True, eq=False)
class _Steps:
    """An identification as it goes on.

    Attributes:
        evidence: The attempts.
        old: The old profile.
        settings: How to identify.
        robot: The robot.
        run: Runs rollouts.
    """

    evidence: Evidence
    old: Profile
    settings: IdentificationSettings
    robot: RobotSpec
    run: Rollouts

    def identification(self, name: str) -> Identification:
        evidence, old = self.evidence, self.old
        enough = len(evidence.attempts) >= FEWEST_ATTEMPTS
        before = self._agreement(old, "attempts under the old profile") if enough else None
        expected = known_errors(old)
        control = fit_control(evidence, self.robot, expected.delay_s, expected.lag_s)
        findings = [
            *control_findings(control, old.joints),
            *perception_findings(fit_perception(evidence), old.object_pose),
        ]
        zeros = fit_zeros(
            evidence,
            self.robot,
            self.run.named("where held objects end"),
            self.settings.engine,
            self._profile(findings),
            rng=np.random.default_rng([self.settings.seed, 1]),
        )
        findings += zeros_findings(zeros, old.joints, self.robot)
        contact = self._contact(self._profile(findings)) if enough else None
        findings += _few_attempts(evidence, old) if contact is None else contact.findings
        found = in_degrees(tuple(map(rounded, findings)), self.robot)
        if not any(finding.fitted for finding in found):
            raise DrGraspError(
                f"{len(evidence.attempts)} attempts of {evidence.robot}: they tell nothing of any "
                f"parameter: {'; '.join(dict.fromkeys(finding.reason for finding in found))}"
            )
        new = replace(
            self._profile(found),
            name=name,
            description=f"Fitted to {len(evidence.attempts)} attempts of {evidence.robot}; what "
            f"they did not tell is that of {old.name}",
            engine=self.settings.engine,
        )
        after = self._agreement(new, "attempts under the new profile") if enough else None
        return Identification(
            profile=new,
            old=old,
            findings=found,
            method=self.settings.method.value,
            engine=self.settings.engine,
            seed=self.settings.seed,
            iterations=0 if contact is None else contact.iterations,
            rollouts=self.run.done,
            attempts=len(evidence.attempts),
            bags=evidence.bags,
            checks=(*(() if contact is None else contact.checks), *_worse(before, after)),
            traces=() if control is None else control.traces,
            before=before,
            after=after,
            belief=None if contact is None else contact.belief,
        )

    def _profile(self, findings: Sequence[Finding]) -> Profile:
        joints = len(self.robot.arm_joints)
        return profile_from(self.old, findings, self.robot.name, joints)

    def _contact(self, known: Profile) -> ContactFit:
        base = base_of(known, len(self.robot.arm_joints))
        run = self.run.named("worlds")
        return fit_contact(self.evidence, base, known, self.settings, run)

    def _agreement(self, profile: Profile, what: str) -> Agreement:
        joints = len(self.robot.arm_joints)
        settings = self.settings
        replicas = foretold(self.evidence, profile, settings.engine, settings.seed, joints)
        return agreement(self.evidence, self.run.named(what)(replicas))


def suggest_grasps(
    grasps: Sequence[GraspTrajectory],
    known: Identification | None,
    old: Profile,
    settings: IdentificationSettings,
    pool: Pool,
    *,
    follow: Follow = lambda what, done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Suggestion, ...]:
    """Choose the grasps whose execution would tell most about contact.

    Args:
        grasps: Grasps of one robot.
        known: What was identified before; None without any attempt.
        old: The profile that counts without attempts.
        settings: Engine, worlds and seed.
        pool: Runs the rollouts.
        follow: Called as rollouts are done.
        is_cancelled: Polled often; True ends the run.

    Raises:
        RunCancelledError: The run was cancelled.
        SettingsError: The grasps are of several robots, or of another than what is known.
    """
    robots = sorted({grasp.robot for grasp in grasps})
    profile = old if known is None else known.profile
    if len(robots) != 1:
        raise SettingsError(
            f"grasps: expected those of one robot, got {', '.join(robots) or 'none'}"
        )
    robot = load_robot(robots[0])
    check_profile(profile, robot)
    belief = None if known is None else known.belief
    if belief is None:
        objects = sorted({grasp.object for grasp in grasps})
        belief = Belief.prior(Space.of(objects, profile.dynamics))
    run = Rollouts(pool, None, follow, is_cancelled).named("suggesting")
    base = base_of(profile, len(robot.arm_joints))
    return suggest(grasps, belief, base, profile, settings.engine, run, seed=settings.seed)


def base_of(profile: Profile, joints: int) -> Base:
    """Draws errors of control, as scoring does under JSDR.

    Args:
        profile: The profile.
        joints: Number of the robot's arm joints.
    """

    def draw(rng: np.random.Generator) -> Perturbation:
        seed = int(rng.integers(MAX_SEED, dtype=np.uint64))
        return sample_perturbation(profile, Criterion.JSDR, seed, 0, joints)

    return draw


def _worse(before: Agreement | None, after: Agreement | None) -> tuple[str, ...]:
    if before is None or after is None or after.brier <= before.brier:
        return ()
    return (
        "agreement: the new profile foretells these attempts WORSE than the old one: Brier score "
        f"{before.brier:.3f} before, {after.brier:.3f} after. Something else differs from the "
        "simulation",
    )


def _few_attempts(evidence: Evidence, old: Profile) -> tuple[Finding, ...]:
    reason = (
        f"expected {FEWEST_ATTEMPTS} attempts or more that tell of their grasp, "
        f"got {len(evidence.attempts)}"
    )
    space = Space.of(evidence.objects or ("any",), old.dynamics)
    unknown = [Learnt(parameter, 0.0, 1.0, reason) for parameter in space.parameters]
    return new_ranges(unknown, old.dynamics)[1]
