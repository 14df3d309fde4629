"""Tells poses for an object of another size, or in another frame, before the arm's way is planned.

Meshes of public datasets have any unit: ACRONYM's and GraspGen's files say which factor makes
metres of it. Poses for the same mesh in another size put the hand beside the object or into it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError, printable
from dr_grasp.generation.importers import GraspPoses
from dr_grasp.objects.mesh_files import file_source, joined
from dr_grasp.objects.object_spec import ObjectDetails, ObjectSpec
from dr_grasp.robots.robot_spec import Synergy

SCALE_TOLERANCE = 0.01
"""Largest difference of two scales by rounding, as a share: people write factors with three digits,
and 1 % of an object of 10 cm is one millimetre."""

MOST = 0.9
"""Share of the grips that must fit an object of another size for it to be guessed."""

LEAST_FOR_GUESS = 10
"""Fewer grips tell nothing about the object's size: one of them may be wrong."""

MOST_FOR_GUESS = 200
"""Most grips that the guess looks at, spread evenly over the file."""


def check_scale(poses: GraspPoses, details: ObjectDetails) -> None:
    """Refuse poses for the mesh that an object was added from, if they are for another size of it.

    Args:
        poses: Poses of a file, which may name a mesh and its scale.
        details: The object.

    Raises:
        FileFormatError: The scales differ by more than `SCALE_TOLERANCE`.
    """
    expected, source = poses.object_scale, details.source
    if expected is None or source is None or poses.object_file is None:
        return
    if _file_name(poses.object_file) != _file_name(source):
        return
    ratios = np.array(details.scale) / expected
    if np.abs(ratios - 1.0).max() <= SCALE_TOLERANCE:
        return
    name, mass = details.spec.name, details.spec.mass
    if np.ptp(ratios) <= SCALE_TOLERANCE * ratios.min():
        ratio = float(ratios.mean())
        times = f"{max(ratio, 1.0 / ratio):.4g} times"
        wrong = f"{name} is {times} too {'large' if ratio > 1 else 'small'}"
    else:
        along = ", ".join(f"{ratio:.3g}" for ratio in ratios)
        wrong = f"along x, y and z {name} has {along} times the right size"
    command = f"dr-grasp objects add {shlex.quote(source)} --scale {expected:g} --mass {mass:g}"
    raise FileFormatError(
        f"{poses.source}: the poses are for {source} with a scale of {expected:g}, and {name} has "
        f"{_scale_text(details)}: {wrong}; set scale: {expected:g} in {details.file}, or add it "
        f"right: {command} --name {name} --force; or, if you changed the mesh file itself to "
        "that size, say --same-size"
    )


def _file_name(address: str) -> str:
    """The name of a mesh's file in an address of any system, without folders and ending."""
    # Meshes are often converted to another format, which keeps their size.
    return PurePosixPath(PureWindowsPath(address).name).stem


class GripCheck:
    """Tells grips that cannot hold an object: it is out of the jaws' reach, or they are inside it.

    Sizes are tried by moving the planes of convex bodies, since a body that is scaled about the
    mesh's origin keeps the directions of its planes.
    """

    def __init__(self, item: ObjectSpec, synergies: Sequence[Synergy]) -> None:
        """Compute the object's convex hull, and the planes of its convex pieces.

        Args:
            item: The object.
            synergies: Ways to close the hand, at least one; the largest reach and width count.

        Raises:
            ModelError: A piece of the object cannot be read.
        """
        self._origin = item.mesh_origin
        self._hull = _planes(item.points, self._origin)
        vertices = [joined(file_source(piece).read()).vertices for piece in item.pieces]
        self._pieces = [_planes(points, self._origin) for points in vertices]
        self._half_width_m = max(synergy.largest_width_m for synergy in synergies) / 2
        self.reach_m = max(synergy.reach_m for synergy in synergies)

    def fits(self, grip_in_object: Pose) -> bool:
        """Whether the object is in the jaws' reach, and not both open jaws are inside it."""
        return bool(self._fit([grip_in_object])[0])

    def reason(self, grip_in_object: Pose) -> str:
        """Say why a grip does not fit."""
        away_m = float(self._distances([grip_in_object], 1.0)[0])
        got = f"its hull {away_m:.3g} m away" if away_m > self.reach_m else "both jaws inside it"
        return (
            f"expected the object between the open jaws or within their reach of {self.reach_m:g} "
            f"m, got {got}: wrong scale or frame"
        )

    def guess(self, grips: Sequence[Pose]) -> str:
        """Say in words which size of the object most grips would fit, as far as that can be told.

        Args:
            grips: Grips in the object's frame, at least one.
        """
        if len(grips) < LEAST_FOR_GUESS:
            return "they may be in another frame, or for an object of another size"
        few = grips[:: -(-len(grips) // MOST_FOR_GUESS)]
        factors = np.geomspace(1e-3, 1e3, 121)
        shares = [float(self._fit(few, factor).mean()) for factor in factors]
        good = factors[np.array(shares) >= MOST]
        if len(good) == 0:
            return "they would fit it in no size, so they are in another frame or for another mesh"
        # The true limits lie between two of the factors: take the outer one of both.
        step = factors[1] / factors[0]
        low, high = good[0] / step, good[-1] * step
        if low < factors[0] and high > factors[-1]:  # wide jaws about a small object fit any size
            return "they may be in another frame, or for another mesh"
        if high > factors[-1]:
            return f"they would fit an object at least {low:.2g} times as large"
        if low < factors[0]:
            return f"they would fit an object at most {high:.2g} times as large"
        return f"they would fit an object {low:.2g} to {high:.2g} times as large"

    def _fit(self, grips: Sequence[Pose], factor: float = 1.0) -> npt.NDArray[np.bool_]:
        """Whether each of n grips fits an object `factor` times as large, shape (n,)."""
        fit = self._distances(grips, factor) <= self.reach_m
        jaws = np.stack([self._jaws(grip) for grip in grips])
        inside = np.zeros(jaws.shape[:2], dtype=bool)
        for normals, offsets in self._pieces:
            inside |= (jaws @ normals.T + factor * offsets).max(axis=2) < -self.reach_m
        return np.asarray(fit & ~inside.all(axis=1))

    def _distances(self, grips: Sequence[Pose], factor: float) -> FloatArray:
        """How far the hull is at least from the line between the open jaws, shape (n,) [m]."""
        normals, offsets = self._hull
        # A plane is nearest to one of the line's ends.
        nearest = np.stack([(self._jaws(grip) @ normals.T).min(axis=0) for grip in grips])
        return np.asarray(np.maximum(0.0, (nearest + factor * offsets).max(axis=1)))

    def _jaws(self, grip: Pose) -> FloatArray:
        """Where both jaws are when open, from the mesh's origin, shape (2, 3) [m]."""
        half = self._half_width_m
        return grip.apply([[0.0, -half, 0.0], [0.0, half, 0.0]]) - self._origin


def _planes(points: FloatArray, origin: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Outward normals, shape (k, 3), and offsets, (k,), of the convex hull of points."""
    planes = ConvexHull(points - origin).equations
    return planes[:, :3], planes[:, 3]


def where_from(details: ObjectDetails) -> str:
    """Say which mesh and which scale an object was made of, in printable characters."""
    name = details.source or (details.mesh_file.name if details.mesh_file else "")
    return f"made of {printable(name)} times {_scale_text(details)}" if name else "a plain shape"


def _scale_text(details: ObjectDetails) -> str:
    """The factor of an object's mesh, or three where they differ."""
    scale = details.scale[:1] if len(set(details.scale)) == 1 else details.scale
    return ", ".join(f"{factor:g}" for factor in scale)
