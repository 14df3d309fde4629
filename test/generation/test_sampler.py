from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.generation.antipodal import (
    SamplerSettings,
    SurfacePairs,
    find_pairs,
    sample_grasp_pose,
)
from dr_grasp.generation.motion import MotionSettings, plan_motion
from dr_grasp.generation.sampler import candidates, generate
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.spec import load_object
from dr_grasp.records import grasp_to_dict
from dr_grasp.robots.checking import check_grasp
from dr_grasp.simulation.bullet_world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout, settled_pose

SETTINGS = SamplerSettings()


def plain(grasps):
    return [grasp_to_dict(grasp) for grasp in grasps]


def test_same_seed_same_grasps(mug_grasps):
    assert plain(generate("franka", "mug", 2, 0)) == plain(mug_grasps[:2])


def test_another_seed_other_grasps(mug_grasps):
    (other,) = generate("franka", "mug", 1, 1)
    assert other.approach != mug_grasps[0].approach and other.id != mug_grasps[0].id


def test_ids_are_unique_and_provenance_tells_where_from(mug_grasps, block_grasps):
    grasps = [*mug_grasps, *block_grasps]
    assert len({grasp.id for grasp in grasps}) == len(grasps)
    for grasp in grasps:
        assert grasp.provenance["method"] == "sampler" and grasp.provenance["seed"] == "0"


def test_generated_grasps_succeed_in_a_fresh_world(franka, mug_grasps, block_grasps):
    for grasp in (*mug_grasps, *block_grasps):
        check_grasp(grasp, franka)
        with BulletWorld(franka, load_object(grasp.object)) as world:
            assert run_rollout(world, grasp, Perturbation.none()).outcome is Outcome.SUCCESS


def test_generated_grasps_begin_at_home_and_are_lifted(franka, mug_grasps, mug_world):
    for grasp in mug_grasps:
        np.testing.assert_allclose(grasp.approach.positions[0], franka.home, atol=1e-6)
        low = mug_world.forward_kinematics(grasp.approach.positions[-1]).position[2]
        high = mug_world.forward_kinematics(grasp.lift.positions[-1]).position[2]
        assert high - low == pytest.approx(MotionSettings().lift_m, abs=2e-3)


def test_candidates_depend_on_seed_and_index_alone(mug_world, mug_grasps):
    first = list(islice(candidates(mug_world, 3), 3))
    run_rollout(mug_world, mug_grasps[0], Perturbation.none())
    again = list(islice(candidates(mug_world, 3), 3))
    assert [c.outcome for c in first] == [c.outcome for c in again]
    for one, other in zip(first, again, strict=True):
        assert (one.grasp is None) == (other.grasp is None)
        if one.grasp is not None:
            assert grasp_to_dict(one.grasp) == grasp_to_dict(other.grasp)


def test_every_candidate_is_told_of():
    told = []
    (grasp,) = generate("franka", "procedural_000", 1, 0, on_candidate=told.append)
    assert [candidate.index for candidate in told] == list(range(len(told)))
    assert told[-1].success and told[-1].grasp is grasp
    assert not any(candidate.success for candidate in told[:-1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("franka", "mug", 0, 0), DrGraspError, "count: expected at least 1, got 0"),
        (("franka", "mug", 1, -1), DrGraspError, "seed: expected at least 0, got -1"),
        (("pr2", "mug", 1, 0), UnknownNameError, "unknown robot 'pr2'; expected one of"),
        (("franka", "spoon", 1, 0), UnknownNameError, "unknown object 'spoon'; expected one of"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        generate(*arguments)


def prepared_box(folder, size):
    trimesh.creation.box(size).export(folder / "box.stl")
    return prepare_meshes(folder / "box.stl", 1.0, "hull")


def test_an_object_wider_than_the_hand_opens_says_so(franka, tmp_path):
    meshes = prepared_box(tmp_path, (0.2, 0.2, 0.2))
    wide = replace(
        load_object("mug"),
        name="wide",
        visual=meshes.visual,
        pieces=meshes.pieces,
        points=frozen(np.vstack(meshes.piece_points())),
    )
    message = "wide: no two opposing surfaces within the 80 mm that franka opens"
    with BulletWorld(franka, wide) as world, pytest.raises(DrGraspError, match=message):
        next(candidates(world, 0))


def test_pairs_of_a_box_are_opposite_within_the_friction_cone(tmp_path):
    visual = prepared_box(tmp_path, (0.04, 0.2, 0.2)).visual
    pairs = find_pairs(visual, 0.08, SETTINGS, np.random.default_rng(0))
    assert len(pairs.first) > 50
    between = pairs.second - pairs.first
    width = np.linalg.norm(between, axis=1)
    # Only the two faces that are 4 cm apart are near enough to each other.
    np.testing.assert_allclose(np.abs(between[:, 0]), 0.04, atol=1e-6)
    assert (width <= 0.08 - SETTINGS.width_margin_m).all()
    assert (0.04 / width >= np.cos(SETTINGS.friction_angle_rad) - 1e-9).all()


def test_poses_pinch_their_pair_from_above():
    axes = frozen([0, 0, 1]), frozen([0, 1, 0])
    rng = np.random.default_rng(1)
    for _ in range(50):
        first, second = rng.normal(0, 0.03, (2, 3))
        pairs = SurfacePairs(frozen([first]), frozen([second]))
        object_in_base = Pose([0.5, 0.1, 0.2], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])
        tcp = sample_grasp_pose(pairs, object_in_base, *axes, SETTINGS, rng)
        ends = object_in_base.apply([first, second])
        line = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        approach, closing = tcp.rotate(axes[0]), tcp.rotate(axes[1])
        assert abs(abs(closing @ line) - 1) < 1e-9
        # Off the middle only along the approach.
        off = tcp.position - ends.mean(axis=0)
        assert np.linalg.norm(np.cross(off, approach)) < 1e-9
        steepest_possible = np.sqrt(1 - line[2] ** 2)
        bound = np.cos(SETTINGS.steepest_rad)
        assert -approach[2] >= min(bound, steepest_possible) - 1e-9


def test_motions_keep_to_the_speed_that_they_are_allowed(franka, mug_world):
    pose = settled_pose(mug_world, yaw=0.0, duration_s=0.3)
    down = Pose(pose.position + np.array([0.0, 0.0, 0.15]), [1, 0, 0, 0])
    settings = MotionSettings(reach_s=0.2, approach_s=0.1, lift_s=0.1)
    motion = plan_motion(mug_world, down, settings, np.random.default_rng(0))
    assert motion is not None
    limits = np.array([limit.velocity for limit in franka.arm_limits])
    for path in (motion.approach, motion.lift):
        speeds = np.abs(np.diff(path.positions, axis=0)) / np.diff(path.times_s)[:, None]
        assert (speeds <= limits * settings.speed_share * 1.001).all()
    reached = mug_world.forward_kinematics(motion.approach.positions[-1])
    assert np.linalg.norm(reached.position - down.position) < 1e-3


def test_what_the_arm_cannot_reach_has_no_motion(mug_world):
    rng = np.random.default_rng(0)
    for position in ([2.0, 0.0, 0.3], [0.5, 0.0, -0.1]):
        target = Pose(position, [1, 0, 0, 0])
        assert plan_motion(mug_world, target, MotionSettings(), rng) is None
