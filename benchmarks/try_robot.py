"""Tries one robot on the product: kinematics, masses, grasps of a box, in all engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pybullet as p
import yaml
from scipy.spatial.transform import Rotation
from try_grasps import Row, try_grasps

from dr_grasp.common.resources import config_file, resolve_uri, user_directory
from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.forward_kinematics import joint_positions, link_in_base
from dr_grasp.robots.robot_settings import RobotSettings, read_settings
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.loading import load_urdf
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.model import build_model
from dr_grasp.twin.mujoco_world import SETTINGS

POSTURES = 20
BOX_DENSITY_KG_M3 = 300.0
Poses = dict[str, FloatArray]
"""The frame of each link in the base frame, shape (4, 4), by the link's name."""


def try_robot(name: str, row: Row) -> None:
    """Fill a robot's row.

    Raises:
        DrGraspError: The product refuses the robot, or finds too few grasps.
    """
    path = config_file("robots", name, "robot")
    settings = read_settings(path)
    row |= {"description": settings.description, "urdf": settings.urdf}
    robot = load_robot(name)
    row |= {"links": len(robot.model.links), "joints": len(robot.model.limits)}
    row["notes"] = list(robot.model.notes)
    BulletWorld(robot, load_object("box")).close()  # refuses what PyBullet cannot take
    original = original_urdf(settings, path.parent)
    row["kinematics"] = compare_kinematics(robot, original)
    row["masses"] = compare_masses(robot, original)
    item = fitting_box(robot)
    row["box_m"] = item["shape"]["box"]
    try_grasps(name, f"box_for_{name}", row)


def original_urdf(settings: RobotSettings, folder: Path) -> ElementTree.Element:
    """The robot's URDF as its maker wrote it, or as xacro makes it."""
    path = resolve_uri(settings.urdf, folder)
    if path.suffix != ".xacro":
        return ElementTree.parse(path).getroot()
    import xacro

    return ElementTree.fromstring(xacro.process_file(str(path), mappings=settings.xacro).toxml())


def fitting_box(robot: RobotSpec) -> dict[str, dict[str, list[float]]]:
    """Write an object that fills half of the opened hand."""
    width = round(0.5 * robot.synergies[0].largest_width_m, 3)
    sides = [width, round(1.5 * width, 3), round(min(0.12, max(0.05, 2.5 * width)), 3)]
    item = {
        "description": f"Box that fills half of the hand of {robot.name}",
        "shape": {"box": sides},
        "mass": round(BOX_DENSITY_KG_M3 * float(np.prod(sides)), 4),
        "lateral_friction": 0.6,
        "rolling_friction": 0.001,
        "spinning_friction": 0.001,
    }
    folder = user_directory() / "objects"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"box_for_{robot.name}.yaml").write_text(yaml.safe_dump(item))
    return item


def compare_kinematics(robot: RobotSpec, original: ElementTree.Element) -> dict[str, list[float]]:
    """Largest differences of the poses of the hand's links over random postures in the limits.

    Held against Pinocchio, which reads the original URDF, or where it cannot, our own kinematics.

    Returns:
        By engine, position [um] and angle [urad]; "links" is how many were compared.
    """
    rng = np.random.default_rng(0)
    postures = [
        [
            np.array([rng.uniform(limit.lower, limit.upper) for limit in limits])
            for limits in (robot.arm_limits, robot.hand_limits)
        ]
        for _ in range(POSTURES)
    ]
    links = sorted({*robot.hand_links, robot.tcp_link})
    found = {"ours": _ours(robot, links, postures), "pybullet": _pybullet(robot, links, postures)}
    found["mujoco"] = _mujoco(robot, links, postures)
    try:
        reference = list(_pinocchio(robot, original, links, postures))
    except (ImportError, ValueError):  # not installed, or it refuses the file
        reference = list(found.pop("ours"))
    result: dict[str, list[float]] = {"links": [len(links)]}
    for engine, poses in found.items():
        pairs = [
            np.linalg.inv(known[link]) @ got[link]
            for known, got in zip(reference, poses, strict=True)
            for link in links
        ]
        distance = max(float(np.linalg.norm(pair[:3, 3])) for pair in pairs)
        angle = max(float(Rotation.from_matrix(pair[:3, :3]).magnitude()) for pair in pairs)
        result[engine] = [1e6 * distance, 1e6 * angle]
    return result


def _ours(robot: RobotSpec, links: list[str], postures: list[list[FloatArray]]) -> Iterator[Poses]:
    for arm, hand in postures:
        yield {link: link_in_base(robot, link, arm, hand).matrix for link in links}


def _pinocchio(
    robot: RobotSpec,
    original: ElementTree.Element,
    links: list[str],
    postures: list[list[FloatArray]],
) -> Iterator[Poses]:
    import pinocchio as pin

    model = pin.buildModelFromXML(ElementTree.tostring(original, encoding="unicode"))
    data = model.createData()
    frames = {link: model.getFrameId(robot.outside(link), pin.FrameType.BODY) for link in links}
    parked = read_settings(config_file("robots", robot.name, "robot")).parked
    for arm, hand in postures:
        names = (*robot.arm_joints, *robot.hand_joints)
        known = {robot.outside(n): v for n, v in zip(names, (*arm, *hand), strict=True)}
        known |= {robot.outside(name): value for name, value in parked.items()}
        posture = pin.neutral(model)
        for index, name in enumerate(model.names):
            if index == 0:  # the universe
                continue
            joint, value = model.joints[index], _position(original, name, known)
            circle = joint.nq == 2  # a continuous joint
            values = [np.cos(value), np.sin(value)] if circle else [value]
            posture[joint.idx_q : joint.idx_q + joint.nq] = values
        pin.framesForwardKinematics(model, data, posture)
        yield {link: data.oMf[frame].homogeneous for link, frame in frames.items()}


def _position(original: ElementTree.Element, name: str, known: dict[str, float]) -> float:
    """Position of a joint, by what the URDF says it follows; zero for one that stands still."""
    mimic = original.find(f"joint[@name='{name}']/mimic")
    if name in known or mimic is None:
        return float(known.get(name, 0.0))
    factor, offset = (float(mimic.get(key, norm)) for key, norm in _MIMIC)
    leader = mimic.get("joint", "")
    return factor * _position(original, leader, known) + offset if leader in known else 0.0


_MIMIC = (("multiplier", "1"), ("offset", "0"))


def _pybullet(
    robot: RobotSpec, links: list[str], postures: list[list[FloatArray]]
) -> Iterator[Poses]:
    client = p.connect(p.DIRECT)
    body = _load(robot, client)
    count = p.getNumJoints(body, physicsClientId=client)
    infos = [p.getJointInfo(body, joint, physicsClientId=client) for joint in range(count)]
    joints = {info[1].decode(): info[0] for info in infos}
    numbers = {info[12].decode(): info[0] for info in infos}
    for arm, hand in postures:
        for name, value in joint_positions(robot, arm, hand).items():
            p.resetJointState(body, joints[name], value, physicsClientId=client)
        poses = {}
        for link in links:
            state = p.getLinkState(
                body, numbers[link], computeForwardKinematics=True, physicsClientId=client
            )
            poses[link] = np.eye(4)
            poses[link][:3, 3] = state[4]
            poses[link][:3, :3] = Rotation.from_quat(state[5]).as_matrix()
        yield poses
    p.disconnect(client)


def _load(robot: RobotSpec, client: int) -> int:
    return load_urdf(
        f"robot {robot.name}",
        robot.model.urdf,
        useFixedBase=True,
        flags=p.URDF_USE_SELF_COLLISION | p.URDF_USE_INERTIA_FROM_FILE,
        physicsClientId=client,
    )


def _mujoco(
    robot: RobotSpec, links: list[str], postures: list[list[FloatArray]]
) -> Iterator[Poses]:
    model = build_model(robot, None, ObjectDynamics(), SETTINGS)
    data = mujoco.MjData(model)
    for arm, hand in postures:
        for name, value in joint_positions(robot, arm, hand).items():
            data.joint(name).qpos = value
        mujoco.mj_kinematics(model, data)
        poses = {}
        for link in links:
            poses[link] = np.eye(4)
            poses[link][:3, 3] = data.body(link).xpos
            poses[link][:3, :3] = data.body(link).xmat.reshape(3, 3)
        yield poses


def compare_masses(robot: RobotSpec, original: ElementTree.Element) -> dict[str, float]:
    """Largest differences of the engines from the URDF, over the links that move.

    A link that a note of the robot names has other values on purpose, and is only counted. The
    inertia is that about the centre of mass; its difference is in units of its largest moment.
    """
    compared, replaced, differences = 0, 0, np.zeros(3)
    client = p.connect(p.DIRECT)
    body = _load(robot, client)
    count = p.getNumJoints(body, physicsClientId=client)
    numbers = {
        p.getJointInfo(body, joint, physicsClientId=client)[12].decode(): joint
        for joint in range(count)
    }
    model = build_model(robot, None, ObjectDynamics(), SETTINGS)
    for link in sorted(set(robot.model.links) - robot.model.standing_links):
        element = original.find(f"link[@name='{robot.outside(link)}']/inertial")
        if element is None or float(element.find("mass").get("value")) == 0.0:
            continue
        if any(f"link {robot.outside(link)}:" in note for note in robot.model.notes):
            replaced += 1
            continue
        compared += 1
        known = _inertial(element)
        info = p.getDynamicsInfo(body, numbers[link], physicsClientId=client)
        turn = Rotation.from_quat(info[4]).as_matrix()
        bullet = info[0], np.array(info[3]), turn @ np.diag(info[2]) @ turn.T
        entry = model.body(link)
        turn = Rotation.from_quat(np.roll(entry.iquat, -1)).as_matrix()
        other = entry.mass[0], entry.ipos, turn @ np.diag(entry.inertia) @ turn.T
        for mass, center, inertia in (bullet, other):
            # Of a link without inertia, fixed to one that has it: in kg m^2.
            largest = np.linalg.eigvalsh(known[2]).max() or 1.0
            now = (
                abs(mass / known[0] - 1),
                1e6 * np.linalg.norm(center - known[1]),
                np.abs(inertia - known[2]).max() / largest,
            )
            differences = np.maximum(differences, now)
    p.disconnect(client)
    mass, center, inertia = differences.tolist()
    return {
        "links": compared,
        "replaced": replaced,
        "mass": mass,
        "center_um": center,
        "inertia": inertia,
    }


def _inertial(element: ElementTree.Element) -> tuple[float, FloatArray, FloatArray]:
    """Mass [kg], centre of mass [m] and inertia about it [kg m^2], along the link's axes."""
    origin, moments = element.find("origin"), element.find("inertia")
    center, turn = np.zeros(3), np.eye(3)
    if origin is not None:
        center = np.array([float(word) for word in origin.get("xyz", "0 0 0").split()])
        angles = [float(word) for word in origin.get("rpy", "0 0 0").split()]
        turn = Rotation.from_euler("xyz", angles).as_matrix()
    xx, xy, xz, yy, yz, zz = (
        float(moments.get(key, "0")) for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    )
    inertia = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    return float(element.find("mass").get("value")), center, inertia
