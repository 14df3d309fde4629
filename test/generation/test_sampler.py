from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.formats.grasp_file import grasp_to_dict
from dr_grasp.generation.antipodal import (
    FRICTION_ANGLE_RAD,
    LEAST_PLAY_M,
    STEEPEST_RAD,
    WIDTH_MARGIN_M,
    find_pairs,
    sample_grasp_pose,
)
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.motion import Motion, MotionSettings, Unreachable, plan_motion
from dr_grasp.generation.sampler import AntipodalSampler, generate
from dr_grasp.objects.mesh_files import file_source
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.engine import open_world
from dr_grasp.simulation.rollout import run_rollout, settled_pose


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


ARRAYS = ("links", "points", "normals", "depths", "forces")


def evaluated(world, seed, count):
    evaluator = Evaluator(world, "sampler", seed)
    sampler = AntipodalSampler(world.robot, world.object, evaluator.object_in_base, seed)
    return [evaluator.evaluate(sampler.propose(index)) for index in range(count)]


def test_evaluations_depend_on_seed_and_index_alone(mug_world, mug_grasps):
    first = evaluated(mug_world, 3, 4)
    run_rollout(mug_world, mug_grasps[0], Perturbation.none())
    again = evaluated(mug_world, 3, 4)
    assert any(result.outcome is not None for result in first)
    for result, other in zip(first, again, strict=True):
        assert (result.outcome, result.unreachable) == (other.outcome, other.unreachable)
        assert result.slip_m == other.slip_m
        np.testing.assert_array_equal(result.touch_in_object, other.touch_in_object)
        assert result.success == (result.grasp is not None) == (other.grasp is not None)
        if result.success:
            assert grasp_to_dict(result.grasp) == grasp_to_dict(other.grasp)


def test_a_contact_that_does_not_press_yet_is_no_touch(mug_world, monkeypatch):
    """MuJoCo has such contacts; their mean was NaN, which ended a search."""
    real, calls = mug_world.hand_contacts, []

    def contacts():
        calls.append(real())
        found = calls[-1]
        if len(calls) > 1:
            return found
        return replace(found, **{name: getattr(found, name)[:0] for name in ARRAYS})

    monkeypatch.setattr(mug_world, "hand_contacts", contacts)
    results = evaluated(mug_world, 3, 4)
    touch = next(result.touch_in_object for result in results if result.touch_in_object is not None)
    np.testing.assert_array_equal(touch, calls[1].points.mean(axis=0))


def test_grasps_say_in_which_engine_they_held_if_that_is_not_bullet(franka, mug_grasps):
    assert all("engine" not in grasp.provenance for grasp in mug_grasps)
    (grasp,) = generate("franka", "procedural_000", 1, 0, engine=Engine.MUJOCO)
    assert grasp.provenance["engine"] == "mujoco"
    with closing(open_world(Engine.MUJOCO, franka, load_object(grasp.object))) as world:
        assert run_rollout(world, grasp, Perturbation.none()).outcome is Outcome.SUCCESS


def test_every_evaluation_is_told_of():
    told = []
    (grasp,) = generate("franka", "procedural_000", 1, 0, on_evaluation=told.append)
    assert [evaluation.proposal.index for evaluation in told] == list(range(len(told)))
    assert told[-1].success and told[-1].grasp is grasp
    assert not any(evaluation.success for evaluation in told[:-1])


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
    return prepare_meshes(file_source(folder / "box.stl"), 1.0, "hull")


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
    with pytest.raises(DrGraspError, match=message):
        AntipodalSampler(franka, wide, Pose.identity(), 0)


def test_pairs_of_a_box_are_opposite_within_the_friction_cone(tmp_path):
    visual = prepared_box(tmp_path, (0.04, 0.2, 0.2)).visual
    pairs = find_pairs(visual, 0.08, np.random.default_rng(0))
    assert pairs.shape == (len(pairs), 2, 3) and len(pairs) > 50
    between = pairs[:, 1] - pairs[:, 0]
    width = np.linalg.norm(between, axis=1)
    # Only the two faces that are 4 cm apart are near enough to each other.
    np.testing.assert_allclose(np.abs(between[:, 0]), 0.04, atol=1e-6)
    assert (width <= 0.08 - WIDTH_MARGIN_M).all()
    assert (0.04 / width >= np.cos(FRICTION_ANGLE_RAD) - 1e-9).all()


def test_grips_pinch_their_pair_from_above(franka):
    rng = np.random.default_rng(1)
    synergy = franka.synergies[0]
    for _ in range(50):
        pairs = rng.normal(0, 0.02, (1, 2, 3))
        object_in_base = Pose([0.5, 0.1, 0.2], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])
        grip, opening = sample_grasp_pose(pairs, object_in_base, 0.0, synergy, rng)
        assert 0.0 < opening <= 1.0
        ends = object_in_base.apply(pairs[0])
        line = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
        closing, approach = grip.rotate([0, 1, 0]), grip.rotate([0, 0, 1])
        assert abs(abs(closing @ line) - 1) < 1e-9
        # Off the middle only along the approach.
        off = grip.position - ends.mean(axis=0)
        assert np.linalg.norm(np.cross(off, approach)) < 1e-9
        if np.sqrt(1 - line[2] ** 2) > 0.9:  # else no approach across the pair is from above
            assert -approach[2] >= np.cos(STEEPEST_RAD)


def test_near_the_table_the_hand_opens_less_and_grips_with_its_ends(franka):
    synergy, rng = franka.synergies[0], np.random.default_rng(2)
    # Ends at different heights: of a hand that is wide open one finger would hit the table.
    pairs = frozen([[[0.0, -0.01, 0.012], [0.0, 0.01, 0.018]]])
    for _ in range(20):
        _, opening = sample_grasp_pose(pairs, Pose.identity(), 0.0, synergy, rng)
        assert opening * synergy.largest_width_m >= 0.02 + LEAST_PLAY_M
        assert opening < 1.0


def test_motions_keep_to_the_speed_that_they_are_allowed(franka, mug_world):
    pose = settled_pose(mug_world)
    down = Pose(pose.position + np.array([0.0, 0.0, 0.15]), [1, 0, 0, 0])
    settings = MotionSettings(reach_s=0.2, approach_s=0.1, lift_s=0.1)
    synergy = franka.synergies[0]
    motion = plan_motion(mug_world, down, synergy, settings, np.random.default_rng(0))
    assert isinstance(motion, Motion)
    limits = np.array([limit.velocity for limit in franka.arm_limits])
    for path in (motion.approach, motion.lift):
        speeds = np.abs(np.diff(path.positions, axis=0)) / np.diff(path.times_s)[:, None]
        assert (speeds <= limits * settings.speed_share * 1.001).all()
    reached = mug_world.forward_kinematics(motion.approach.positions[-1]) @ synergy.grip_in_tcp
    assert np.linalg.norm(reached.position - down.position) < 1e-3
    assert (reached.rotation.inv() * down.rotation).magnitude() < 1e-2


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ([2.0, 0.0, 0.3], Unreachable.KINEMATICS),
        ([0.5, 0.0, -0.1], Unreachable.TABLE),
    ],
)
def test_what_the_arm_cannot_do_has_a_reason(franka, mug_world, position, reason):
    grip, rng = Pose(position, [1, 0, 0, 0]), np.random.default_rng(0)
    assert plan_motion(mug_world, grip, franka.synergies[0], MotionSettings(), rng) is reason
