"""Makes messages for the bodies of MoveIt's planning scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import trimesh
from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose as PoseMsg
from moveit_msgs.msg import AttachedCollisionObject, CollisionObject
from shape_msgs.msg import Mesh, MeshTriangle, SolidPrimitive

from dr_grasp.core.geometry import Pose, Table
from dr_grasp.objects.object_spec import ObjectSpec

TABLE, OBJECT = "dr_grasp_table", "dr_grasp_object"


def table_msg(table: Table, frame: str) -> CollisionObject:
    """Make the message of the table, a box; `frame` is the robot's base frame."""
    size = [float(side) for side in table.size]
    box = SolidPrimitive(type=SolidPrimitive.BOX, dimensions=size)
    center = _pose_msg([*table.center_xy, table.top_z - table.size[2] / 2])
    body = CollisionObject(id=TABLE, primitives=[box], primitive_poses=[center])
    body.pose.orientation.w = 1.0
    return _added(body, frame)


def object_msg(item: ObjectSpec, object_in_base: Pose, frame: str) -> CollisionObject:
    """Make the message of an object from its convex pieces; `frame` is the robot's base frame."""
    meshes = [_mesh_msg(piece) for piece in item.pieces]
    body = CollisionObject(
        id=OBJECT,
        meshes=meshes,
        mesh_poses=[_pose_msg([0.0, 0.0, 0.0]) for _ in meshes],
        pose=_pose_msg(object_in_base.position, object_in_base.quaternion_xyzw),
    )
    return _added(body, frame)


def removed_msg(frame: str) -> CollisionObject:
    """Make the message that removes the object from the scene."""
    body = CollisionObject(id=OBJECT, operation=CollisionObject.REMOVE)
    body.header.frame_id = frame
    return body


def attached_msg(link: str, hand_links: Sequence[str], held: bool) -> AttachedCollisionObject:
    """Make the message that attaches the object to a link if `held`, or else detaches it."""
    body = AttachedCollisionObject(link_name=link, touch_links=list(hand_links))
    body.object.id = OBJECT
    body.object.operation = CollisionObject.ADD if held else CollisionObject.REMOVE
    return body


def _added(body: Any, frame: str) -> Any:
    body.header.frame_id = frame
    body.operation = CollisionObject.ADD
    return body


def _pose_msg(
    position: Iterable[float], quaternion_xyzw: Iterable[float] = (0, 0, 0, 1)
) -> PoseMsg:
    message = PoseMsg()
    place, turn = message.position, message.orientation
    place.x, place.y, place.z = (float(value) for value in position)
    turn.x, turn.y, turn.z, turn.w = (float(value) for value in quaternion_xyzw)
    return message


def _mesh_msg(path: Path) -> Mesh:
    mesh = trimesh.load_mesh(path)
    return Mesh(
        triangles=[MeshTriangle(vertex_indices=[int(i) for i in face]) for face in mesh.faces],
        vertices=[Point(x=float(x), y=float(y), z=float(z)) for x, y, z in mesh.vertices],
    )
