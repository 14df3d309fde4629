"""Tries one object on the product: adds it, compares its mass in the engines, grasps it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pybullet as p
import trimesh
from scipy.spatial.transform import Rotation
from try_grasps import Row, try_grasps

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.objects.adding import NewObject, add_object
from dr_grasp.objects.object_spec import ObjectDetails, ObjectSpec, load_object, object_details
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.object_urdf import object_urdf
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.model import build_model
from dr_grasp.twin.mujoco_world import SETTINGS

ROBOT = "franka"
GIVEN_KG = 0.1
"""Of files that name no mass."""

PROCEDURAL = 1000
PROCEDURAL_GRASPED = 10


def try_object(name: str, file: Path, row: Row, **options: object) -> None:
    """Fill an object's row.

    Raises:
        DrGraspError: The product refuses the object, or finds too few grasps.
    """
    notes: list[str] = []
    row["notes"] = notes
    try:
        details = add_object(NewObject(file, name=name, replace=True, **options), notes.append)
    except SettingsError as error:
        notes.append(str(error))
        options["mass"] = GIVEN_KG
        details = add_object(NewObject(file, name=name, replace=True, **options), notes.append)
    describe(details, row)
    try_grasps(ROBOT, name, row)


def describe(details: ObjectDetails, row: Row) -> None:
    """Size, mass and surface, and what the engines make of them."""
    item, facts = details.spec, details.facts
    row |= {
        "size_m": list(facts.extent),
        "mass_kg": item.mass,
        "volume_m3": facts.volume,
        "watertight": facts.watertight,
        "remarks": list(facts.remarks),
        "pieces": len(item.pieces),
        "engines": compare_engines(item),
    }


def compare_engines(item: ObjectSpec) -> dict[str, float]:
    """Largest differences of both engines from the object as described.

    Returns:
        Of the mass, as a share; of the centre [um]; of the inertia, in units of its largest moment.
    """
    client = p.connect(p.DIRECT)
    flags = p.URDF_USE_INERTIA_FROM_FILE
    body = p.loadURDF(str(object_urdf(item)), flags=flags, physicsClientId=client)
    info = p.getDynamicsInfo(body, -1, physicsClientId=client)
    p.disconnect(client)
    found = [(info[0], np.array(info[3]), Rotation.from_quat(info[4]), np.array(info[2]))]
    model = build_model(load_robot(ROBOT), item, ObjectDynamics(), SETTINGS)
    entry = model.body("object")
    turn = Rotation.from_quat(np.roll(entry.iquat, -1))
    found.append((entry.mass[0], entry.ipos, turn, entry.inertia))
    largest = np.linalg.eigvalsh(item.inertia).max()
    differences = np.zeros(3)
    for mass, center, turn, moments in found:
        matrix = turn.as_matrix()
        inertia = matrix @ np.diag(moments) @ matrix.T
        now = (
            abs(mass / item.mass - 1),
            1e6 * np.linalg.norm(center - item.center_of_mass),
            np.abs(inertia - item.inertia).max() / largest,
        )
        differences = np.maximum(differences, now)
    mass, center, inertia = differences.tolist()
    return {"mass": mass, "center_um": center, "inertia": inertia}


def try_procedural(row: Row) -> None:
    """All 1,000 procedural objects of pybullet_data, which come with the product."""
    refused: dict[str, str] = {}
    closed = 0
    volumes, inertias = [], []
    for number in range(PROCEDURAL):
        name = f"procedural_{number:03d}"
        try:
            details = object_details(name)
        except DrGraspError as error:
            refused[name] = str(error)
            continue
        closed += details.facts.watertight
        volume, inertia = union_by_sampling(details.spec)
        volumes.append(details.facts.volume / volume - 1)
        largest = np.linalg.eigvalsh(inertia).max()
        inertias.append(float(np.abs(details.spec.inertia - inertia).max() / largest))
    row |= {
        "loaded": PROCEDURAL - len(refused),
        "refused": refused,
        "watertight": closed,
        "volume": percentiles(np.abs(volumes)),
        "inertia": percentiles(np.array(inertias)),
    }
    step = PROCEDURAL // PROCEDURAL_GRASPED
    row["sample"] = {}
    for number in range(0, PROCEDURAL, step):
        name, sample = f"procedural_{number:03d}", {}
        try:
            sample["engines"] = compare_engines(load_object(name))
            try_grasps(ROBOT, name, sample)
        except DrGraspError as error:
            sample["error"] = str(error)
        row["sample"][name] = sample
        print(json.dumps({name: sample}), flush=True)


POINTS = 20_000


def union_by_sampling(item: ObjectSpec) -> tuple[float, FloatArray]:
    """Volume [m^3] and inertia [kg m^2] of the union of the pieces, by random points in its box.

    Independent of all that the product computes, with an error of about a hundredth.
    """
    rng = np.random.default_rng(0)
    low, high = item.points.min(axis=0), item.points.max(axis=0)
    points = rng.uniform(low, high, (POINTS, 3))
    inside = np.zeros(POINTS, dtype=bool)
    for piece in item.pieces:
        hull = trimesh.load_mesh(piece).convex_hull
        distances = points @ hull.face_normals.T
        inside |= (distances <= (hull.triangles[:, 0] * hull.face_normals).sum(axis=1)).all(axis=1)
    share = float(inside.mean())
    around = points[inside] - points[inside].mean(axis=0)
    square = (around**2).sum(axis=1)
    inertia = item.mass * (np.eye(3) * square.mean() - around.T @ around / len(around))
    return share * float(np.prod(high - low)), inertia


def percentiles(values: FloatArray) -> dict[str, float]:
    """The middle, what 95 of 100 stay below, and the largest."""
    return {
        key: float(np.percentile(values, at)) for key, at in (("50", 50), ("95", 95), ("100", 100))
    }
