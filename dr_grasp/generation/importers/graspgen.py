"""Reads GraspGen's grasp files (Murali et al. 2025, arXiv 2507.13097): JSON and YAML.

JSON, keys as in NVlabs/GraspGen, docs/GRASP_DATASET_FORMAT.md, and in the dataset
nvidia/PhysicalAI-Robotics-GraspGen on Hugging Face, one file an object:

    object.file, object.scale   the mesh (missing on Hugging Face) and its factor to metres
    grasps.transforms           n matrices of 4 x 4, base link of the gripper in the scaled mesh [m]
    grasps.object_in_gripper    n values: whether the object was held in simulation

The dataset's files do not name their gripper. There is a folder for each gripper, so the name comes
from there (`grasp_data/franka_panda/...`). Files of NVlabs/GraspDataGen name their gripper,
scripts/graspgen/graspgen.py:

    gripper.name, gripper.depth
    gripper.transform_offset_from_asset_to_graspgen_convention

The offset, [[x, y, z], [qx, qy, qz, qw]] or the 16 numbers of a matrix, is the pose of a frame
with GraspGen's axes in the frame of the poses: NVlabs/GraspGen, grasp_gen/dataset/dataset_utils.py,
multiplies every grasp by it from the right. Files for suction cups have other keys
(grasp_gen/dataset/suction.py).

YAML is NVIDIA's isaac_grasp format, as Isaac Sim's grasp editor, GraspGen's demos (NVlabs/GraspGen,
grasp_gen/dataset/eval_utils.py) and NVlabs/GraspDataGen (scripts/graspgen/grasp_sim.py) write it:

    format: isaac_grasp
    object_file, object_scale   only from GraspDataGen
    created_with                only from GraspDataGen; for grasp_sim, confidence is the outcome
    grasps.NAME.confidence, .position, .orientation.w, .orientation.xyz

The names of frames in it are only for human readers, "do not rely on these fields in code" (Isaac
ROS, "Isaac Grasp File"). So the user has to name the gripper of a YAML file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import check_record
from dr_grasp.generation.importers.foreign_documents import ForeignRecord, load_json, load_yaml
from dr_grasp.generation.importers.frames import (
    GRIPPER_FRAMES,
    LARGEST_DEPTH_M,
    SUCTION_CUPS,
    closing_along_x,
    grip_in_gripper,
    no_jaws,
)
from dr_grasp.generation.importers.grasp_poses import (
    GraspPoses,
    PoseGrasp,
    check_count,
    collect,
    numbered_matrices,
)
from dr_grasp.generation.importers.pose_checks import (
    numbers,
    pose_from_matrix,
    pose_from_quaternion,
    short,
)

FOLDERS = ("franka_panda", "robotiq_2f_140", "robotiq_2f_85", *SUCTION_CUPS)
"""Names of grippers that are also names of the dataset's folders."""

HELD = "grasps.object_in_gripper"
YAML_SUFFIXES = (".yaml", ".yml")


class _Object(ForeignRecord):
    file: str | None = None
    scale: float = Field(gt=0, allow_inf_nan=False)


class _Gripper(ForeignRecord):
    name: str | None = None
    depth: float | None = Field(default=None, gt=0, le=LARGEST_DEPTH_M)
    transform_offset_from_asset_to_graspgen_convention: Any = None
    suction_force: Any = None


class _Grasps(ForeignRecord):
    transforms: list[Any]
    object_in_gripper: list[Any]


class _Dataset(ForeignRecord):
    object: _Object
    gripper: _Gripper = _Gripper()
    grasps: _Grasps


class _Orientation(ForeignRecord):
    w: float
    xyz: list[float]


class _IsaacGrasp(ForeignRecord):
    position: list[float]
    orientation: _Orientation
    confidence: float | None = None


class _IsaacFile(ForeignRecord):
    object_file: str | None = None
    object_scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    created_with: str | None = None
    grasps: dict[Any, Any]


def read_graspgen(path: Path, gripper: str | None) -> GraspPoses:
    """Read a GraspGen file: YAML if its suffix says so, else JSON; see `read_poses`."""
    if path.suffix.lower() in YAML_SUFFIXES:
        return _read_isaac(path, gripper)
    record = check_record(_Dataset, load_json(path))
    transforms, held = record.grasps.transforms, record.grasps.object_in_gripper
    check_count("grasps.transforms", len(transforms))
    if len(held) != len(transforms):
        raise FileFormatError(
            f"{HELD}: expected {len(transforms)} entries, one for each grasp, got {len(held)}"
        )

    name, grip = _gripper(path, record.gripper, gripper)
    ids, read = numbered_matrices(transforms, HELD, held)
    return collect(path, name, ids, read, record.object.file, record.object.scale, grip)


def _read_isaac(path: Path, gripper: str | None) -> GraspPoses:
    content = load_yaml(path)
    if not isinstance(content, dict) or content.get("format") != "isaac_grasp":
        got = content.get("format") if isinstance(content, dict) else content
        raise FileFormatError(f"format: expected 'isaac_grasp', got {short(got)}")
    file = check_record(_IsaacFile, content)
    if gripper is None:
        raise FileFormatError(
            "gripper: expected to be told whose frame the poses are in, for isaac_grasp does not "
            f"say: one of {', '.join(GRIPPER_FRAMES)}"
        )
    check_count("grasps", len(file.grasps))
    grasps = {str(name): raw for name, raw in file.grasps.items()}
    ids = list(grasps)

    def read(index: int) -> PoseGrasp:
        grasp = check_record(_IsaacGrasp, grasps[ids[index]])
        quaternion = [*grasp.orientation.xyz, grasp.orientation.w]
        confidence, held = grasp.confidence, None
        if file.created_with == "grasp_sim" and confidence is not None:
            held = confidence > 0
        return PoseGrasp(
            ids[index],
            pose_from_quaternion(grasp.position, quaternion, "orientation"),
            held_in_simulation=held,
            quality=confidence,
        )

    return collect(path, gripper, ids, read, file.object_file, file.object_scale)


def _gripper(path: Path, record: _Gripper, given: str | None) -> tuple[str, Pose]:
    """The gripper's name and its grip frame: as given, else from the file, else from the folder."""
    if given is not None:
        return given, grip_in_gripper(given)
    if record.suction_force is not None:
        raise no_jaws(record.name or "that wrote it")
    if record.name is None:
        return _gripper_of_folder(path)
    if record.name in GRIPPER_FRAMES or record.name in SUCTION_CUPS or record.depth is None:
        grip = grip_in_gripper(record.name)
    else:
        grip = closing_along_x(record.depth)
    offset = record.transform_offset_from_asset_to_graspgen_convention
    return record.name, grip if offset is None else _offset(offset) @ grip


def _gripper_of_folder(path: Path) -> tuple[str, Pose]:
    parents = path.absolute().parents
    below = [folder.name for folder in parents if folder.parent.name == "grasp_data"]
    for name in (parents[0].name, *below):
        if name in FOLDERS:
            return name, grip_in_gripper(name)
    raise FileFormatError(
        "gripper: expected its name, or a folder named after it, or to be told whose frame the "
        f"poses are in: one of {', '.join(GRIPPER_FRAMES)}"
    )


def _offset(raw: object) -> Pose:
    try:
        if isinstance(raw, list) and len(raw) == 2:
            position, quaternion = raw
            return pose_from_quaternion(position, quaternion, "orientation")
        return pose_from_matrix(numbers("matrix", raw, (16,)).reshape(4, 4))
    except FileFormatError as error:
        raise FileFormatError(
            f"gripper.transform_offset_from_asset_to_graspgen_convention: {error}"
        ) from error
