import json
import warnings
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError, UnknownNameError
from dr_grasp.generation.importers import FORMATS, GRIPPER_FRAMES, read_poses

POSE = Pose(frozen([0.1, -0.2, 0.3]), frozen(Rotation.from_euler("xyz", [1, 2, 3]).as_quat()))


def random_poses(count, seed=0):
    rng = np.random.default_rng(seed)
    turns = Rotation.random(count, random_state=seed).as_quat()
    return [Pose(frozen(rng.uniform(-0.2, 0.2, 3)), frozen(turn)) for turn in np.atleast_2d(turns)]


def stacked(poses):
    return np.array([pose.matrix for pose in poses])


def matrix(scale=1.0, last=1.0, place=0.0):
    value = np.diag([scale, scale, scale, last])
    value[0, 3] = place
    return value


BAD_MATRICES = [
    (np.full((4, 4), np.nan), "matrix: expected finite numbers, got NaN or infinity"),
    (matrix(1.1), "matrix: expected a rotation, entries of at most 1, got 1.1"),
    (matrix(0.9), "matrix: expected a rotation, orthonormal to 0.001, got one that is off by 0.19"),
    (matrix(-1), "matrix: expected a rotation, got a mirror image of one (determinant -1)"),
    (matrix(last=2), "matrix: expected a last row of 0 0 0 1, got 0 0 0 2"),
    (
        matrix(place=150),
        "position: expected metres, at most 100 from the object's origin, got 150",
    ),
    (matrix(1e300), "matrix: expected a rotation, entries of at most 1, got 1e+300"),
]


def write_acronym(path, matrices, held=None, **changes):
    """Keys, types and shapes as in the example files of NVlabs/acronym; None leaves a key out."""
    count = len(matrices)
    flex = "grasps/qualities/flex/"
    content = {
        "grasps/transforms": np.asarray(matrices, dtype=np.float64),
        flex + "object_in_gripper": np.ones(count, np.int64) if held is None else held,
        flex + "object_motion_during_closing_angular": np.zeros(count),
        flex + "object_motion_during_closing_linear": np.zeros(count),
        flex + "object_motion_during_shaking_angular": np.zeros(count),
        flex + "object_motion_during_shaking_linear": np.zeros(count),
        "gripper/configuration": np.array([0.04]),
        "gripper/type": b"panda",
        "object/com": np.zeros(3),
        "object/density": 150.0,
        "object/file": b"meshes/Mug/10f6.obj",
        "object/friction": 1.0,
        "object/inertia": np.eye(3),
        "object/mass": 0.0131,
        "object/scale": 0.00026,
        "object/volume": 8.7e-05,
    } | {key.replace("__", "/"): value for key, value in changes.items()}
    with h5py.File(path, "w") as file:
        for key, value in content.items():
            if value is None:
                continue
            if isinstance(value, bytes):
                file.create_dataset(key, data=value, dtype=h5py.string_dtype())
            else:
                file[key] = value
    return path


def graspgen(matrices, held=None, **changes):
    content = {
        "object": {"file": "meshes/mug.obj", "scale": 0.5},
        "grasps": {
            "transforms": np.asarray(matrices).tolist(),
            "object_in_gripper": [True] * len(matrices) if held is None else held,
        },
    }
    return {key: value for key, value in (content | changes).items() if value is not None}


def isaac(poses, **changes):
    return {
        "format": "isaac_grasp",
        "format_version": 1.0,
        "grasps": {
            f"grasp_{index}": {
                "confidence": 0.5,
                "position": pose.position.tolist(),
                "orientation": {
                    "w": float(pose.quaternion_xyzw[3]),
                    "xyz": pose.quaternion_xyzw[:3].tolist(),
                },
                "cspace_position": {"panda_finger_joint1": 0.01},
            }
            for index, pose in enumerate(poses)
        },
    } | changes


def plain(pose):
    return {
        "position": pose.position.tolist(),
        "quaternion_xyzw": pose.quaternion_xyzw.tolist(),
    }


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_yaml(path, content):
    path.write_text(yaml.dump(content, sort_keys=False))
    return path


def write_text(path, text):
    path.write_text(text)
    return path


def assert_same(pose, expected, atol=1e-12):
    np.testing.assert_allclose(pose.matrix, expected.matrix, rtol=0, atol=atol)


def error_of(path, *arguments):
    """The message, of which the tests then need not repeat the name of the file."""
    with pytest.raises(FileFormatError) as caught:
        read_poses(path, *arguments)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")


# Round trips.


def test_acronym_comes_back(tmp_path):
    poses = random_poses(3)
    path = write_acronym(tmp_path / "mug.h5", stacked(poses), held=np.array([1, 0, 1]))
    read = read_poses(path, "acronym")
    assert (read.source, read.gripper, read.refused) == ("mug.h5", "panda", ())
    assert (read.object_file, read.object_scale) == ("meshes/Mug/10f6.obj", 0.00026)
    assert [grasp.id for grasp in read.grasps] == ["00000", "00001", "00002"]
    assert [grasp.held_in_simulation for grasp in read.grasps] == [True, False, True]
    for grasp, pose in zip(read.grasps, poses, strict=True):
        assert_same(grasp.gripper_in_object, pose)
        assert grasp.width_m is None and grasp.quality is None


@pytest.mark.parametrize(
    "changes",
    [
        {"object__file": "mug.obj"},
        {"object__file": np.array(b"mug.obj")},
        {"object__file": np.array([b"mug.obj"])},
        {"object__file": b"mug.obj", "object__scale": np.array([0.00026], np.float32)},
    ],
)
def test_acronym_text_and_numbers_in_other_guises(tmp_path, changes):
    read = read_poses(write_acronym(tmp_path / "x.h5", stacked([POSE]), **changes), "acronym")
    assert read.object_file == "mug.obj"
    assert read.object_scale == pytest.approx(0.00026)


def test_acronym_without_what_can_be_missing(tmp_path):
    path = write_acronym(
        tmp_path / "x.h5",
        stacked([POSE]).astype(np.float32),
        object__file=None,
        gripper__type=None,
        grasps__qualities__flex__object_in_gripper=None,
    )
    read = read_poses(path, "acronym")
    assert (read.gripper, read.object_file) == ("panda", None)
    assert read.grasps[0].held_in_simulation is None
    assert_same(read.grasps[0].gripper_in_object, POSE, atol=1e-6)


def test_graspgen_comes_back_with_the_gripper_of_its_folder(tmp_path):
    poses = random_poses(3)
    content = graspgen(stacked(poses), held=[True, False, 1])
    for folder in ("franka_panda", "robotiq_2f_140"):
        path = tmp_path / "grasp_data" / folder / "shard_000" / "7a32.grasps.json"
        read = read_poses(write_json(path, content), "graspgen")
        assert (read.gripper, read.refused) == (folder, ())
        assert (read.object_file, read.object_scale) == ("meshes/mug.obj", 0.5)
        assert [grasp.held_in_simulation for grasp in read.grasps] == [True, False, True]
        for grasp, pose in zip(read.grasps, poses, strict=True):
            assert_same(grasp.gripper_in_object, pose)


def test_graspgen_as_on_hugging_face(tmp_path):
    content = graspgen(stacked([POSE]), held=[[True]], object={"scale": 2})
    read = read_poses(write_json(tmp_path / "franka_panda" / "x.json", content), "graspgen")
    assert (read.gripper, read.object_file, read.object_scale) == ("franka_panda", None, 2.0)
    assert read.grasps[0].held_in_simulation is True


def test_isaac_grasp_comes_back(tmp_path):
    poses = random_poses(3)
    path = write_yaml(tmp_path / "x.yml", isaac(poses))
    read = read_poses(path, "graspgen", "panda_hand")
    assert (read.gripper, read.object_file, read.object_scale) == ("panda_hand", None, None)
    assert [grasp.id for grasp in read.grasps] == ["grasp_0", "grasp_1", "grasp_2"]
    for grasp, pose in zip(read.grasps, poses, strict=True):
        assert_same(grasp.gripper_in_object, pose)
        assert (grasp.quality, grasp.held_in_simulation) == (0.5, None)


def test_isaac_grasp_of_graspdatagen_tells_outcome_and_object(tmp_path):
    content = isaac([POSE], created_with="grasp_sim", object_file="mug.obj", object_scale=0.5)
    content["grasps"]["grasp_1"] = {**content["grasps"]["grasp_0"], "confidence": 0.0}
    read = read_poses(write_yaml(tmp_path / "x.yaml", content), "graspgen", "panda_hand")
    assert [grasp.held_in_simulation for grasp in read.grasps] == [True, False]
    assert (read.object_file, read.object_scale) == ("mug.obj", 0.5)
    content["created_with"] = "grasp_guess"  # which only looks for collisions
    read = read_poses(write_yaml(tmp_path / "x.yaml", content), "graspgen", "panda_hand")
    assert [grasp.held_in_simulation for grasp in read.grasps] == [None, None]


def test_poses_in_json_come_back_to_the_bit(tmp_path):
    poses = random_poses(3)
    grasps = [
        {"id": "rim", **plain(poses[0]), "width": 0.03, "quality": 0.9},
        {"id": 7, **plain(poses[1])},
        {"matrix": poses[2].matrix.tolist()},
    ]
    listed = read_poses(write_json(tmp_path / "x.json", grasps), "poses")
    assert (listed.gripper, listed.object_file, listed.object_scale) == ("grip", None, None)
    assert [grasp.id for grasp in listed.grasps] == ["rim", "7", "00002"]
    assert listed.grasps[0].gripper_in_object == poses[0]
    assert listed.grasps[1].gripper_in_object == poses[1]
    assert_same(listed.grasps[2].gripper_in_object, poses[2])
    assert [grasp.width_m for grasp in listed.grasps] == [0.03, None, None]
    assert [grasp.quality for grasp in listed.grasps] == [0.9, None, None]
    header = {"frame": "panda", "object_file": "mug.obj", "object_scale": 0.5}
    full = read_poses(write_json(tmp_path / "x.json", {**header, "grasps": grasps}), "poses")
    assert (full.gripper, full.object_file, full.object_scale) == tuple(header.values())


@pytest.mark.parametrize("separator", [",", ", ", ";", " ", "\t", "   "])
@pytest.mark.parametrize("header", [True, False])
def test_poses_as_a_table_come_back_to_the_bit(tmp_path, separator, header):
    poses = random_poses(3)
    rows = [map(repr, [*p.position.tolist(), *p.quaternion_xyzw.tolist()]) for p in poses]
    lines = ["# of the lab", "", *map(separator.join, rows)]
    if header:
        lines.insert(1, separator.join(["x", "y", "z", "qx", "qy", "qz", "qw"]))
    read = read_poses(write_text(tmp_path / "x.csv", "\n".join(lines)), "poses")
    assert [grasp.id for grasp in read.grasps] == ["00000", "00001", "00002"]
    assert [grasp.gripper_in_object for grasp in read.grasps] == poses


def test_a_table_may_order_its_columns_and_have_more(tmp_path):
    text = "\ufeffqw,qx,qy,qz,id,x,y,z,quality,width\n1,0,0,0,rim,0.1,0.2,0.3,,0.02\n"
    (grasp,) = read_poses(write_text(tmp_path / "x.txt", text), "poses").grasps
    assert_same(grasp.gripper_in_object, Pose(frozen([0.1, 0.2, 0.3]), frozen([0, 0, 0, 1])))
    assert (grasp.id, grasp.width_m, grasp.quality) == ("rim", 0.02, None)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_poses_of_numpy_come_back(tmp_path, kind):
    poses = random_poses(3)
    np.save(tmp_path / "x.npy", stacked(poses).astype(kind))
    read = read_poses(tmp_path / "x.npy", "poses", "robotiq_2f_140")
    assert read.gripper == "robotiq_2f_140"
    for grasp, pose in zip(read.grasps, poses, strict=True):
        assert_same(grasp.gripper_in_object, pose, atol=1e-6)


def test_all_formats_agree(tmp_path):
    poses = random_poses(4)
    np.save(tmp_path / "x.npy", stacked(poses))
    reads = [
        read_poses(write_acronym(tmp_path / "x.h5", stacked(poses)), "acronym"),
        read_poses(write_json(tmp_path / "g.json", graspgen(stacked(poses))), "graspgen", "panda"),
        read_poses(write_yaml(tmp_path / "x.yaml", isaac(poses)), "graspgen", "panda"),
        read_poses(write_json(tmp_path / "p.json", [*map(plain, poses)]), "poses", "panda"),
        read_poses(tmp_path / "x.npy", "poses", "panda"),
    ]
    for read in reads:
        for grasp, pose in zip(read.grasps, poses, strict=True):
            assert_same(read.grip_in_object(grasp), pose @ GRIPPER_FRAMES["panda"])


# Frames.

CLOSING_AXES = {
    "grip": "y",
    "panda": "x",
    "panda_hand": "y",
    "franka_panda": "x",
    "robotiq_2f_140": "x",
    "robotiq_2f_85": "x",
}
PAD_DEPTHS_M = {
    "grip": 0.0,
    "panda": 0.1034,
    "panda_hand": 0.1034,
    "franka_panda": 0.1034,
    "robotiq_2f_140": 0.195,
    "robotiq_2f_85": 0.1303,
}


def test_every_gripper_is_tested():
    assert set(GRIPPER_FRAMES) == set(CLOSING_AXES) == set(PAD_DEPTHS_M)


@pytest.mark.parametrize("gripper", GRIPPER_FRAMES)
@pytest.mark.parametrize("seed", range(3))
def test_jaws_around_a_box_close_along_y_about_its_centre(tmp_path, gripper, seed):
    # A box of 4 cm in closing direction, anywhere; the gripper is put so that its pads stand on
    # two faces of it, from nothing but where the pads are in the gripper's frame.
    (box,) = random_poses(1, seed)
    closing = np.eye(3)["xyz".index(CLOSING_AXES[gripper])]
    centre = np.array([0, 0, PAD_DEPTHS_M[gripper]])
    pads_in_gripper = np.stack([centre - 0.02 * closing, centre + 0.02 * closing])
    gripper_in_object = box @ Pose(frozen(-centre), frozen([0, 0, 0, 1]))
    path = write_json(tmp_path / "x.json", {"frame": gripper, "grasps": [plain(gripper_in_object)]})
    read = read_poses(path, "poses")
    grip = read.grip_in_object(read.grasps[0])
    np.testing.assert_allclose(grip.position, box.position, atol=1e-12)
    np.testing.assert_allclose(grip.rotate([0, 0, 1]), box.rotate([0, 0, 1]), atol=1e-12)
    pads_in_grip = grip.inverse().apply(gripper_in_object.apply(pads_in_gripper))
    np.testing.assert_allclose(np.abs(pads_in_grip), [[0, 0.02, 0]] * 2, atol=1e-12)
    assert np.linalg.norm(pads_in_grip[1] - pads_in_grip[0]) == pytest.approx(0.04)


def test_acronyms_panda_is_the_hand_of_the_urdf_turned_by_90_degrees():
    hand_in_panda = GRIPPER_FRAMES["panda"] @ GRIPPER_FRAMES["panda_hand"].inverse()
    quarter = Pose(frozen([0, 0, 0]), frozen(Rotation.from_euler("z", np.pi / 2).as_quat()))
    assert_same(hand_in_panda, quarter)


def test_the_grip_of_the_panda_is_the_tool_centre_point_of_its_model():
    urdf = resolve_uri("package://example-robot-data/robots/panda_description/urdf/panda.urdf")
    joint = ElementTree.parse(urdf).find("joint[@name='panda_hand_tcp_joint']")
    assert joint.find("parent").get("link") == "panda_hand"
    origin = joint.find("origin")
    tcp = Pose(
        frozen(list(map(float, origin.get("xyz").split()))),
        frozen(Rotation.from_euler("xyz", list(map(float, origin.get("rpy").split()))).as_quat()),
    )
    assert_same(GRIPPER_FRAMES["panda_hand"], tcp)


@pytest.mark.parametrize(
    "offset",
    [
        [[0.0, 0.0, 0.0], [0, 0, 0.7071, 0.7071]],
        [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    ],
)
def test_graspdatagen_turns_its_own_axes(tmp_path, offset):
    # GraspDataGen has the Panda's fingers along y, as the URDF, and says by how much to turn.
    gripper = {
        "name": "franka_panda",
        "depth": 0.1022,
        "transform_offset_from_asset_to_graspgen_convention": offset,
    }
    path = write_json(tmp_path / "x.json", graspgen(stacked([POSE]), gripper=gripper))
    read = read_poses(path, "graspgen")
    assert read.gripper == "franka_panda"
    grip = read.grip_in_object(read.grasps[0])
    hand = POSE @ GRIPPER_FRAMES["panda_hand"]
    np.testing.assert_allclose(grip.position, hand.position, atol=1e-12)
    closing_in_hand = hand.inverse().rotate(grip.rotate([0, 1, 0]))
    np.testing.assert_allclose(np.abs(closing_in_hand), [0, 1, 0], atol=1e-12)


def test_a_gripper_that_the_file_describes_need_not_be_known(tmp_path):
    content = graspgen(stacked([POSE]), gripper={"name": "onrobot_rg6", "depth": 0.25})
    read = read_poses(write_json(tmp_path / "x.json", content), "graspgen")
    assert read.gripper == "onrobot_rg6"
    np.testing.assert_allclose(
        read.grip_in_object(read.grasps[0]).position, POSE.apply([[0, 0, 0.25]])[0], atol=1e-12
    )


def test_the_gripper_that_is_given_goes_before_the_files(tmp_path):
    given = read_poses(write_acronym(tmp_path / "x.h5", [np.eye(4)]), "acronym", "robotiq_2f_85")
    assert given.gripper == "robotiq_2f_85"
    assert_same(given.grip_in_gripper, GRIPPER_FRAMES["robotiq_2f_85"])
    content = graspgen([np.eye(4)], gripper={"name": "onrobot_rg6"})
    given = read_poses(write_json(tmp_path / "x.json", content), "graspgen", "panda_hand")
    assert_same(given.grip_in_gripper, GRIPPER_FRAMES["panda_hand"])


# Single grasps that cannot be used.


def with_bad_matrices():
    return np.array([POSE.matrix, *(bad for bad, _ in BAD_MATRICES), POSE.matrix])


def assert_bad_matrices_are_named(read):
    assert [grasp.id for grasp in read.grasps] == ["00000", f"{len(BAD_MATRICES) + 1:05d}"]
    assert [one.index for one in read.refused] == list(range(1, len(BAD_MATRICES) + 1))
    for one, (_, reason) in zip(read.refused, BAD_MATRICES, strict=True):
        assert one.grasp_id == f"{one.index:05d}"
        assert one.reason == f"grasp {one.grasp_id}: {reason}"
    for grasp in read.grasps:
        assert_same(grasp.gripper_in_object, POSE)


def test_bad_matrices_are_named_and_the_others_kept(tmp_path):
    matrices = with_bad_matrices()
    np.save(tmp_path / "x.npy", matrices)
    records = [{"matrix": matrix} for matrix in matrices.tolist()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (
            read_poses(write_acronym(tmp_path / "x.h5", matrices), "acronym"),
            read_poses(write_json(tmp_path / "g.json", graspgen(matrices)), "graspgen", "panda"),
            read_poses(write_json(tmp_path / "p.json", records), "poses"),
            read_poses(tmp_path / "x.npy", "poses"),
        ):
            assert_bad_matrices_are_named(read)


@pytest.mark.parametrize(
    ("bad", "got"),
    [
        (np.eye(3).tolist(), "[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]"),
        (None, "None"),
        ("here", "'here'"),
        ([[1, 0], [1]], "[[1, 0], [1]]"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_transforms_of_a_wrong_shape_are_named(tmp_path, bad, got):
    content = graspgen([np.eye(4)] * 2)
    content["grasps"]["transforms"][0] = bad
    read = read_poses(write_json(tmp_path / "x.json", content), "graspgen", "panda")
    (refused,) = read.refused
    assert refused.reason == f"grasp 00000: matrix: expected 4 x 4 numbers, got {got}"
    assert [grasp.id for grasp in read.grasps] == ["00001"]


@pytest.mark.parametrize(("format", "bad"), [("acronym", 3), ("graspgen", "yes")])
def test_an_outcome_that_is_none_is_named(tmp_path, format, bad):
    if format == "acronym":
        path = write_acronym(tmp_path / "x.h5", [np.eye(4)] * 2, held=np.array([bad, 1]))
    else:
        path = write_json(tmp_path / "x.json", graspgen([np.eye(4)] * 2, held=[bad, True]))
    read = read_poses(path, format, "panda")
    (refused,) = read.refused
    assert refused.reason.endswith(f"object_in_gripper: expected true or false, got {bad!r}")
    assert len(read.grasps) == 1


GOOD = {"position": [0, 0, 0], "quaternion_xyzw": [0, 0, 0, 1]}
NEED = "expected matrix, or position and quaternion_xyzw, got"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, f"{NEED} none"),
        ({"position": [0, 0, 0]}, f"{NEED} position"),
        ({**GOOD, "matrix": np.eye(4).tolist()}, f"{NEED} matrix and position and quaternion_xyzw"),
        ({**GOOD, "position": [0, 0]}, "position: expected 3 numbers, got [0, 0]"),
        (
            {**GOOD, "quaternion_xyzw": [0, 0, 1]},
            "quaternion_xyzw: expected 4 numbers, got [0, 0, 1]",
        ),
        ({**GOOD, "quaternion_xyzw": [0, 0, 0, 2]}, "quaternion: expected norm 1, got 2"),
        ({**GOOD, "quaternion_xyzw": [0, 0, 0, 0]}, "quaternion: expected norm 1, got 0"),
        (
            {**GOOD, "quaternion_xyzw": [0, 0, 0, float("inf")]},
            "quaternion: expected finite numbers, got NaN or infinity",
        ),
        (
            {**GOOD, "position": [0, 0, float("nan")]},
            "position: expected finite numbers, got NaN or infinity",
        ),
        (
            {**GOOD, "position": [0, 0, 400]},
            "position: expected metres, at most 100 from the object's origin, got 400",
        ),
        ({**GOOD, "quat": [0, 0, 0, 1]}, "quat: expected no such key"),
        ({**GOOD, "a\nb": 1}, r"a\nb: expected no such key"),
        ({**GOOD, "width": -0.1}, "width: expected 0 to 1 m, got -0.1"),
        ({**GOOD, "width": 40}, "width: expected 0 to 1 m, got 40"),
        ({**GOOD, "quality": float("nan")}, "quality: expected a finite number, got nan"),
        ({**GOOD, "quality": "good"}, "quality: expected a valid number, got 'good'"),
    ],
)
def test_a_bad_record_of_poses_is_named_and_the_others_kept(tmp_path, record, reason):
    path = write_json(tmp_path / "x.json", [{"id": "rim", **record}, GOOD])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_poses(path, "poses")
    (refused,) = read.refused
    assert (refused.index, refused.grasp_id) == (0, "rim")
    assert refused.reason == f"grasp rim: {reason}"
    assert [grasp.id for grasp in read.grasps] == ["00001"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([0, 0, 0], "document: expected a valid dictionary or instance of"),
        ({**GOOD, "id": ""}, "id: expected printable characters, got ''"),
        ({**GOOD, "id": "a\nb"}, r"id: expected printable characters, got 'a\nb'"),
        ({**GOOD, "id": "\ud800"}, r"id: expected printable characters, got '\ud800'"),
    ],
)
def test_a_grasp_without_a_usable_id_is_named_by_its_number(tmp_path, record, reason):
    (refused,) = read_poses(write_json(tmp_path / "x.json", [record]), "poses").refused
    assert refused.grasp_id == "00000"
    assert refused.reason.startswith(f"grasp 00000: {reason}")


def test_a_second_grasp_of_the_same_name_is_refused(tmp_path):
    path = write_json(tmp_path / "x.json", [{"id": "rim", **GOOD}, {"id": "rim", **GOOD}])
    read = read_poses(path, "poses")
    assert [grasp.id for grasp in read.grasps] == ["rim"]
    assert [(one.index, one.reason) for one in read.refused] == [
        (1, "grasp rim: id: expected unique within the file, got it a second time")
    ]


def test_bad_lines_of_a_table_are_named_by_line(tmp_path):
    lines = ["# lab", "0 0 0 0 0 0 1", "0 0 0 0 0 1", "0 0 0 0 0 0 2", "0 0 0 O 0 0 1", "1 2"]
    read = read_poses(write_text(tmp_path / "x.txt", "\n".join(lines)), "poses")
    assert [grasp.id for grasp in read.grasps] == ["00000"]
    assert [one.reason for one in read.refused] == [
        "grasp 00001: line 3: expected 7 columns, got 6",
        "grasp 00002: line 4: quaternion: expected norm 1, got 2",
        "grasp 00003: line 5: expected numbers, got could not convert string to float: 'O'",
        "grasp 00004: line 6: expected 7 columns, got 2",
    ]


def test_a_width_that_cannot_be_is_named_by_line(tmp_path):
    text = "x y z qx qy qz qw width\n0 0 0 0 0 0 1 40"
    (refused,) = read_poses(write_text(tmp_path / "x.txt", text), "poses").refused
    assert refused.reason == "grasp 00000: line 2: width: expected 0 to 1 m, got 40"


def test_bad_grasps_of_isaac_are_named(tmp_path):
    content = isaac([POSE] * 5)
    grasps = content["grasps"]
    del grasps["grasp_0"]["position"]
    grasps["grasp_1"]["orientation"]["xyz"] = [1, 0]
    grasps["grasp_2"] = None
    grasps["grasp_3"]["orientation"] = {"w": 0.5, "xyz": [0, 0, 0]}
    read = read_poses(write_yaml(tmp_path / "x.yaml", content), "graspgen", "panda_hand")
    assert [grasp.id for grasp in read.grasps] == ["grasp_4"]
    reasons = [one.reason for one in read.refused]
    assert reasons[0] == "grasp grasp_0: position: expected a value, got nothing"
    assert reasons[1].startswith("grasp grasp_1: orientation: expected 4 numbers, got [1.0, 0.0, ")
    assert reasons[2].startswith("grasp grasp_2: document: expected a valid dictionary")
    assert reasons[3] == "grasp grasp_3: quaternion: expected norm 1, got 0.5"


def test_yaml_numbers_without_a_point_are_numbers(tmp_path):
    text = yaml.dump(isaac([POSE])).replace("confidence: 0.5", "confidence: 5e-1")
    read = read_poses(write_text(tmp_path / "x.yaml", text), "graspgen", "panda_hand")
    assert read.grasps[0].quality == 0.5


# Files that cannot be used.


def test_an_unknown_format_or_gripper_is_told_the_valid_names(tmp_path):
    with pytest.raises(UnknownNameError) as caught:
        read_poses(tmp_path / "x.h5", "dexnet")
    assert str(caught.value) == (
        "unknown format 'dexnet'; expected one of acronym, graspgen, poses"
    )
    with pytest.raises(UnknownNameError) as caught:
        read_poses(tmp_path / "x.h5", "acronym", "shadow")
    assert str(caught.value) == (
        "unknown gripper 'shadow'; expected one of "
        "franka_panda, grip, panda, panda_hand, robotiq_2f_140, robotiq_2f_85"
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_missing_or_a_folder_says_so(tmp_path, format):
    missing = tmp_path / "x.json"
    assert error_of(missing, format) == "cannot be read: No such file or directory"
    assert error_of(tmp_path, format) == "cannot be read: Is a directory"


def test_a_foreign_or_half_written_acronym_file(tmp_path):
    path = write_text(tmp_path / "x.h5", "[]")
    assert error_of(path, "acronym").startswith("expected a whole HDF5 file, got ")
    whole = write_acronym(tmp_path / "y.h5", [np.eye(4)] * 100).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in error_of(path, "acronym")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"grasps__transforms": None},
            "grasps/transforms: expected a dataset, got nothing; "
            "the file holds grasps, gripper, object",
        ),
        (
            {"grasps__transforms": np.zeros((2, 4, 3))},
            "grasps/transforms: expected numbers of shape (n, 4, 4), "
            "got float64 of shape (2, 4, 3)",
        ),
        (
            {"grasps__transforms": np.full((2, 4, 4), b"x")},
            "grasps/transforms: expected numbers of shape (n, 4, 4), got |S1 of shape (2, 4, 4)",
        ),
        (
            {"grasps__transforms": np.zeros((0, 4, 4))},
            "grasps/transforms: expected 1 to 1000000 grasps, got 0",
        ),
        (
            {"grasps__transforms": None, "grasps__transforms__x": np.zeros(1)},
            "grasps/transforms: expected a dataset, got a group",
        ),
        (
            {"grasps__qualities__flex__object_in_gripper": np.ones(3)},
            "grasps/qualities/flex/object_in_gripper: expected true or false of shape (2,), "
            "got float64 of shape (3,)",
        ),
        ({"object__scale": 0.0}, "object/scale: expected a positive number, got 0"),
        ({"object__scale": b"big"}, "object/scale: expected a number, got object of shape ()"),
        ({"object__scale": np.ones(2)}, "object/scale: expected a number, got float64 of shape"),
        ({"object__scale": None}, "object/scale: expected a dataset, got nothing"),
        ({"object__file": 3.0}, "object/file: expected text, got float64 of shape ()"),
        ({"object__file": np.array(b"\xff")}, "object/file: expected text in UTF-8, got other"),
        ({"object__file": b"a\nb"}, r"expected names in printable characters, got 'a\nb'"),
        ({"gripper__type": b"shadow"}, "unknown gripper 'shadow'; expected one of franka_panda,"),
    ],
)
def test_acronym_files_that_are_none(tmp_path, changes, message):
    path = write_acronym(tmp_path / "x.h5", [np.eye(4)] * 2, **changes)
    assert error_of(path, "acronym").startswith(message)


def test_a_header_that_promises_too_much_is_not_believed(tmp_path):
    path = write_acronym(tmp_path / "x.h5", [np.eye(4)], grasps__transforms=None)
    shape = (10**10, 4, 4)
    with h5py.File(path, "a") as file:
        file.create_dataset("grasps/transforms", shape, "f8", chunks=(100, 4, 4))
    assert error_of(path, "acronym") == (
        "grasps/transforms: expected 1 to 1000000 grasps, got 10000000000"
    )
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    assert error_of(tmp_path / "x.npy", "poses").startswith("expected a whole NumPy file, got ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"object": None}, "object: expected a value, got nothing"),
        ({"object": {"scale": -1}}, "object.scale: expected greater than 0, got -1"),
        ({"grasps": {"transforms": []}}, "grasps.object_in_gripper: expected a value, got nothing"),
        (
            {"grasps": {"transforms": [], "object_in_gripper": []}},
            "grasps.transforms: expected 1 to 1000000 grasps, got 0",
        ),
        (
            {"grasps": {"transforms": [np.eye(4).tolist()], "object_in_gripper": [1, 0]}},
            "grasps.object_in_gripper: expected 1 entries, one for each grasp, got 2",
        ),
        (
            {"gripper": {"suction_force": 250.0}},
            "gripper: expected one with two jaws, got the suction cup that wrote it",
        ),
        (
            {"gripper": {"name": "single_suction_cup_30mm"}},
            "gripper: expected one with two jaws, got the suction cup single_suction_cup_30mm",
        ),
        ({"gripper": {"name": "shadow"}}, "unknown gripper 'shadow'; expected one of "),
        ({"gripper": {"name": "x", "depth": 105}}, "gripper.depth: expected less than or equal"),
        (
            {
                "gripper": {
                    "name": "franka_panda",
                    "transform_offset_from_asset_to_graspgen_convention": [[0, 0], [0, 0, 0, 1]],
                }
            },
            "gripper.transform_offset_from_asset_to_graspgen_convention: "
            "position: expected 3 numbers, got [0, 0]",
        ),
        (
            {
                "gripper": {
                    "name": "franka_panda",
                    "transform_offset_from_asset_to_graspgen_convention": [0] * 16,
                }
            },
            "gripper.transform_offset_from_asset_to_graspgen_convention: matrix: expected a last",
        ),
        ({}, "gripper: expected its name, or a folder named after it, or to be told whose frame"),
    ],
)
def test_graspgen_files_that_are_none(tmp_path, changes, message):
    path = write_json(tmp_path / "x.json", graspgen([np.eye(4)], **changes))
    assert error_of(path, "graspgen").startswith(message)


def test_graspgens_suction_cup_is_refused_by_its_folder_too(tmp_path):
    path = tmp_path / "single_suction_cup_30mm" / "x.json"
    message = error_of(write_json(path, graspgen([np.eye(4)])), "graspgen")
    assert message.startswith("gripper: expected one with two jaws")


def test_a_folder_far_above_says_nothing_of_the_gripper(tmp_path):
    path = tmp_path / "franka_panda" / "robotiq" / "x.json"
    message = error_of(write_json(path, graspgen([np.eye(4)])), "graspgen")
    assert message.startswith("gripper: expected its name, or a folder named after it")


@pytest.mark.parametrize(
    ("name", "text", "format", "message"),
    [
        ("x.json", '{"grasps": [', "graspgen", "expected a whole JSON document, got "),
        ("x.json", "", "poses", "expected a whole JSON document, got Expecting value"),
        ("x.json", '{"grasps": [], "grasps": []}', "poses", "expected each key once, got 'grasps'"),
        ("x.json", "3", "poses", "document: expected a valid dictionary"),
        ("x.json", "[]", "poses", "grasps: expected 1 to 1000000 grasps, got 0"),
        ("x.json", '{"grasp": []}', "poses", "grasp: expected no such key"),
        ("x.json", '{"a\\nb": []}', "poses", r"a\nb: expected no such key"),
        ("x.json", '{"frame": "hand", "grasps": [{}]}', "poses", "unknown gripper 'hand'; expect"),
        (
            "x.json",
            '{"object_scale": 0, "grasps": [{}]}',
            "poses",
            "object_scale: expected greater",
        ),
        ("x.yaml", "format: [isaac", "graspgen", "expected a whole YAML document, got "),
        (
            "x.yaml",
            "a: 1\na: 2",
            "graspgen",
            "expected each key once, got 'a' twice in the mapping that begins in line 1",
        ),
        ("x.yaml", "- 1", "graspgen", "format: expected 'isaac_grasp', got [1]"),
        ("x.yaml", "format: yaml", "graspgen", "format: expected 'isaac_grasp', got 'yaml'"),
        (
            "x.yaml",
            "format: isaac_grasp\ngrasps: {a: {}}",
            "graspgen",
            "gripper: expected to be told whose frame the poses are in, for isaac_grasp does not",
        ),
        ("x.csv", "id,x,y\n", "poses", "expected 7 numbers a line or the names of the columns"),
        ("x.csv", "# nothing\n", "poses", "lines: expected 1 to 1000000 grasps, got 0"),
        ("x.txt", "Dear all,\n", "poses", "expected 7 numbers a line or the names of the columns"),
        ("x.npy", "[]", "poses", "expected a NumPy file, got other bytes"),
        ("x.xlsx", "[]", "poses", "expected a file named .json, .csv, .tsv, .txt, .npy, got 'x.x"),
    ],
)
def test_files_that_are_none(tmp_path, name, text, format, message):
    assert error_of(write_text(tmp_path / name, text), format).startswith(message)


def test_a_file_nested_without_end_is_none(tmp_path):
    message = error_of(write_text(tmp_path / "x.json", "[" * 100_000), "poses")
    assert message == "expected at most 100 levels, got more"
    for text in ("[", "- ", "{a: "):
        message = error_of(write_text(tmp_path / "x.yaml", text * 100_000), "graspgen")
        assert message == "expected at most 100 levels, got more in line 1"


@pytest.mark.parametrize(("name", "format"), [("x.json", "graspgen"), ("x.csv", "poses")])
def test_other_bytes_are_no_text(tmp_path, name, format):
    path = tmp_path / name
    path.write_bytes(b"\x89HDF\r\n\x1a\n\xff")
    assert error_of(path, format) == "expected text in UTF-8, got other bytes"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 7)), "expected numbers of shape (n, 4, 4), got float64 of shape (2, 7)"),
        (np.zeros((0, 4, 4)), "matrices: expected 1 to 1000000 grasps, got 0"),
        (np.array([{}]), "expected a whole NumPy file, got "),
    ],
)
def test_numpy_files_that_are_none(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    assert error_of(tmp_path / "x.npy", "poses").startswith(message)


def test_a_half_written_numpy_file(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((9, 4, 4)))
    path.write_bytes(path.read_bytes()[:-600])
    assert error_of(path, "poses").startswith("expected a whole NumPy file, got ")


def test_a_path_may_be_text(tmp_path):
    path = write_json(tmp_path / "x.json", [GOOD])
    assert read_poses(str(path), "poses").source == Path(path).name
