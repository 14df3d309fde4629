"""Grasp poses of others become trajectories that put our hand where theirs was."""

import json

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.importers import read_poses
from dr_grasp.generation.pose_import import import_poses
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout


@pytest.fixture(scope="module")
def world(franka):
    with BulletWorld(franka, load_object("procedural_000")) as world:
        yield world


def grip_in_mesh(world, grasp):
    """Where a grasp of ours grips, as a dataset would say it."""
    tcp = world.forward_kinematics(grasp.approach.positions[-1])
    grip = tcp @ world.robot.synergies[0].grip_in_tcp
    mesh_in_object = Pose(world.object.mesh_origin, [0, 0, 0, 1])
    return mesh_in_object.inverse() @ grasp.object_in_base.inverse() @ grip


def entry(name, pose):
    return {
        "id": name,
        "position": list(pose.position),
        "quaternion_xyzw": list(pose.quaternion_xyzw),
    }


@pytest.fixture(scope="module")
def file(world, block_grasps, tmp_path_factory):
    """Three good poses, one beside the object, one from below the table, and one that is none."""
    entries = [entry(f"good{i}", grip_in_mesh(world, g)) for i, g in enumerate(block_grasps)]
    entries.append(entry("far", Pose([3.0, 0.0, 0.0], [1, 0, 0, 0])))
    entries.append(entry("below", Pose([0.0, 0.0, 0.0], [0, 0, 0, 1])))
    entries.append(entry("broken", Pose([0.0, 0.0, 0.0], [0, 0, 0, 1])) | {"position": [0, 0]})
    path = tmp_path_factory.mktemp("poses") / "mine.json"
    path.write_text(json.dumps({"frame": "grip", "grasps": entries}))
    return path


def test_poses_of_grasps_that_hold_become_grasps_that_hold(world, file, block_grasps, franka):
    told = []
    imported = import_poses(world, read_poses(file, "poses"), franka.synergies, 0, told.append)
    assert told == [1, 2, 3, 4, 5]
    assert [grasp.provenance["pose"] for grasp in imported.grasps] == ["good0", "good1", "good2"]
    for grasp, original in zip(imported.grasps, block_grasps, strict=True):
        check_grasp(grasp, franka)
        assert grasp.provenance["method"] == "import" and grasp.provenance["source"] == "mine.json"
        ours, theirs = grip_in_mesh(world, grasp), grip_in_mesh(world, original)
        np.testing.assert_allclose(ours.position, theirs.position, atol=1e-3)
        assert (ours.rotation.inv() * theirs.rotation).magnitude() < 1e-2
        assert run_rollout(world, grasp, Perturbation.none()).outcome is Outcome.SUCCESS


def test_the_hand_comes_opened_as_the_pose_says(world, block_grasps, franka, tmp_path):
    poses = [
        entry(name, grip_in_mesh(world, block_grasps[0])) | width
        for name, width in {
            "shut": {"width": 0.0},
            "narrow": {"width": 0.025},
            "wide": {"width": 0.3},
            "unsaid": {},
        }.items()
    ]
    (tmp_path / "mine.json").write_text(json.dumps(poses))
    read = read_poses(tmp_path / "mine.json", "poses")
    imported = import_poses(world, read, franka.synergies).grasps
    # A finger's position is half of what the jaws are open: 20 mm more than the file says.
    assert {grasp.provenance["pose"]: grasp.close.preshape.tolist() for grasp in imported} == {
        "shut": pytest.approx([0.01]),
        "narrow": pytest.approx([0.0225]),
        "wide": [0.04],
        "unsaid": [0.04],
    }


def test_every_pose_is_somewhere(world, file, franka):
    poses = read_poses(file, "poses")
    imported = import_poses(world, poses, franka.synergies)
    (refused,) = imported.refused
    assert refused.grasp_id == "broken" and "position" in refused.reason
    (outside,) = imported.outside
    assert outside.grasp_id == "far" and "wrong scale or frame" in outside.reason
    assert imported.guess == ""  # one of five is a mistake of that pose
    assert [list(names) for names in imported.unreachable.values()] == [["below"]]
    assert len(imported.grasps) == 3


def test_the_same_seed_gives_the_same_grasps(world, file, franka):
    poses = read_poses(file, "poses")
    first, again = (import_poses(world, poses, franka.synergies, 4).grasps for _ in range(2))
    assert [g.approach for g in first] == [g.approach for g in again]
    assert len({grasp.id for grasp in first}) == len(first)


def test_no_synergy_is_refused(world, file):
    with pytest.raises(DrGraspError, match="synergies: expected at least one, got none"):
        import_poses(world, read_poses(file, "poses"), [])
