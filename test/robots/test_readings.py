"""PyBullet, MuJoCo and Pinocchio read the same robot out of what we prepare."""

from dataclasses import dataclass
from xml.etree import ElementTree

import mujoco
import numpy as np
import pybullet as p
import pytest
from scipy.spatial.transform import Rotation

from dr_grasp.common.resources import resolve_uri
from dr_grasp.objects.masses import sum_masses
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.robot_model import MOVABLE, load_model
from dr_grasp.robots.robot_spec import load_robot, robot_names

pinocchio = pytest.importorskip("pinocchio", reason="needs Pinocchio, which needs NumPy 2")

ROBOTS = resolve_uri(
    "package://example-robot-data/robots/panda_description/urdf/panda.urdf"
).parents[2]
ARMS = (
    "alex_description", "allegro_hand_description", "anymal_b_simple_description",
    "b1_description", "baxter_description", "centauro_description", "g1_description",
    "icub_description", "kinova_description", "panda_description", "pr2_description",
    "romeo_description", "so_arm_description", "talos_data", "tiago_description",
    "tiago_pro_description", "ur_description", "xarm_description", "z1_description",
)  # fmt: skip
"""Those of example-robot-data that have arms or hands, in one file at least."""

NOT_READ = {
    "ur3.urdf": "has no root",
    "tiago_dual.urdf": "has more than the 127 joints that PyBullet tells of",
    "romeo_laas_small.urdf": "names meshes that are not there",
    "talos_full_v2.urdf": "names meshes that are not there",
    "talos_full_v2_box.urdf": "names meshes that are not there",
}


@dataclass(frozen=True)
class Body:
    """A rigid body in some posture, in the base frame."""

    mass: float
    center: np.ndarray
    inertia: np.ndarray


@dataclass(frozen=True)
class Reading:
    """What a library makes of a robot in some posture.

    Attributes:
        frames: Position and rotation matrix of each link.
        bodies: By the name of any of its links.
        limits: Lower, upper; and effort, velocity if the library knows them.
    """

    frames: dict[str, tuple[np.ndarray, np.ndarray]]
    bodies: dict[str, Body]
    limits: dict[str, tuple[float, ...]]


def bare(urdf, tmp_path):
    """A copy without shapes, which have no say in any of this and take long to load."""
    root = ElementTree.parse(urdf).getroot()
    for link in root.findall("link"):
        for tag in ("visual", "collision"):
            for element in link.findall(tag):
                link.remove(element)
    copy = tmp_path / "bare.urdf"
    ElementTree.ElementTree(root).write(copy)
    return copy


def rigid_bodies(urdf):
    """For each link, the links that no joint moves against it."""
    root = ElementTree.parse(urdf).getroot()
    body = {link.get("name"): {link.get("name")} for link in root.findall("link")}
    for joint in root.findall("joint"):
        if joint.get("type") == "fixed":
            ends = (joint.find(tag).get("link") for tag in ("parent", "child"))
            both = set().union(*(body[name] for name in ends))
            body.update(dict.fromkeys(both, both))
    return body


def joined(links, together):
    """Bodies of links, each of mass, centre and inertia about it in the base frame."""
    bodies = {}
    for name, names in together.items():
        parts = [links[one] for one in names if links[one][0] > 0.0]
        if parts:
            bodies[name] = Body(*sum_masses(*zip(*parts, strict=True)))
    return bodies


def read_by_bullet(urdf, posture, together):
    client = p.connect(p.DIRECT)
    here = {"physicsClientId": client}
    try:
        robot = p.loadURDF(str(urdf), useFixedBase=True, flags=p.URDF_USE_INERTIA_FROM_FILE, **here)
        infos = [
            p.getJointInfo(robot, joint, **here) for joint in range(p.getNumJoints(robot, **here))
        ]
        for info in infos:
            if info[1].decode() in posture:
                p.resetJointState(robot, info[0], posture[info[1].decode()], **here)
        frames, links = {}, {}
        for info in infos:
            state = p.getLinkState(robot, info[0], computeForwardKinematics=True, **here)
            dynamics = p.getDynamicsInfo(robot, info[0], **here)
            turn = Rotation.from_quat(state[1]).as_matrix()
            name = info[12].decode()
            frames[name] = np.array(state[4]), Rotation.from_quat(state[5]).as_matrix()
            inertia = turn @ np.diag(dynamics[2]) @ turn.T
            links[name] = dynamics[0], np.array(state[0]), inertia
        limits = {info[1].decode(): info[8:12] for info in infos}
    finally:
        p.disconnect(client)
    root = the_root(frames, together)
    frames[root], links[root] = (np.zeros(3), np.eye(3)), (0.0, np.zeros(3), np.zeros((3, 3)))
    return Reading(frames, joined(links, together), limits)


def the_root(frames, together):
    """The one link that is no joint's child: PyBullet calls it the base."""
    (root,) = together.keys() - frames.keys()
    return root


def read_by_mujoco(urdf, posture, together):
    spec = mujoco.MjSpec.from_file(str(urdf))
    for equality in list(spec.equalities):
        spec.delete(equality)
    model = spec.compile()
    data = mujoco.MjData(model)
    for name, position in posture.items():
        data.qpos[model.joint(name).qposadr[0]] = position
    mujoco.mj_kinematics(model, data)
    frames, links = {}, {}
    for name in together:
        body = model.body(name).id
        turn = data.ximat[body].reshape(3, 3)
        frames[name] = data.xpos[body], data.xmat[body].reshape(3, 3)
        inertia = turn @ np.diag(model.body_inertia[body]) @ turn.T
        links[name] = float(model.body_mass[body]), data.xipos[body], inertia
    limits = {name: tuple(model.joint(name).range) for name in posture}
    return Reading(frames, joined(links, together), limits)


def read_by_pinocchio(urdf, posture, together):
    model = pinocchio.buildModelFromUrdf(str(urdf))
    data, q, limits = model.createData(), pinocchio.neutral(model), {}
    for name, position in posture.items():
        joint = model.joints[model.getJointId(name)]
        if joint.nq == 2:  # it turns without end, and is kept as a point on the circle
            q[joint.idx_q : joint.idx_q + 2] = np.cos(position), np.sin(position)
            continue
        q[joint.idx_q] = position
        limits[name] = tuple(
            float(values[index])
            for values, index in (
                (model.lowerPositionLimit, joint.idx_q),
                (model.upperPositionLimit, joint.idx_q),
                (model.effortLimit, joint.idx_v),
                (model.velocityLimit, joint.idx_v),
            )
        )
    pinocchio.framesForwardKinematics(model, data, q)
    frames, bodies = {}, {}
    for frame, placed in zip(model.frames, data.oMf, strict=True):
        if frame.type == pinocchio.FrameType.BODY:
            frames[frame.name] = placed.translation, placed.rotation
            inertia, joint = model.inertias[frame.parentJoint], data.oMi[frame.parentJoint]
            turned = joint.rotation @ inertia.inertia @ joint.rotation.T
            bodies[frame.name] = Body(inertia.mass, joint.act(inertia.lever), turned)
    return Reading(frames, bodies, limits)


def check(model, tmp_path):
    """Have all three read a model in a posture drawn at random."""
    rng = np.random.default_rng(0)
    followers = {mimic.joint for mimic in model.mimics}
    posture = {
        name: float(rng.uniform(limits.lower, limits.upper))
        for name, limits in model.limits.items()
        if name not in followers
    }
    for mimic in model.mimics:
        posture[mimic.joint] = mimic.multiplier * posture[mimic.follows] + mimic.offset
    urdf, together = bare(model.urdf, tmp_path), rigid_bodies(model.urdf)
    expected = read_by_pinocchio(urdf, posture, together)
    for reading in (
        read_by_bullet(urdf, posture, together),
        read_by_mujoco(urdf, posture, together),
    ):
        for name in together:
            for one, other in zip(reading.frames[name], expected.frames[name], strict=True):
                np.testing.assert_allclose(one, other, atol=1e-6, err_msg=name)
        moving = together.keys() - model.standing_links
        assert moving or not posture
        for name in moving:
            one, other = reading.bodies[name], expected.bodies[name]
            assert one.mass == pytest.approx(other.mass, rel=1e-6), name
            np.testing.assert_allclose(one.center, other.center, atol=1e-6, err_msg=name)
            scale = np.abs(other.inertia).max()
            # PyBullet turns a tensor into its axes with so many digits.
            np.testing.assert_allclose(
                one.inertia, other.inertia, atol=max(1e-6 * scale, 1e-7), err_msg=name
            )
        for name, limits in expected.limits.items():
            of_model = model.limits[name]
            ours = of_model.lower, of_model.upper, of_model.effort, of_model.velocity
            np.testing.assert_allclose(limits, ours, rtol=1e-6, err_msg=name)
            read = reading.limits[name]
            np.testing.assert_allclose(read, ours[: len(read)], rtol=1e-6, err_msg=name)


def drivable(source):
    """Joints that a file gives what a joint needs to be driven."""
    found = []
    for joint in ElementTree.parse(source).getroot().findall("joint"):
        limit = joint.find("limit")
        if joint.get("type") not in MOVABLE or joint.find("mimic") is not None or limit is None:
            continue
        low, high, speed, effort = (
            float(limit.get(key, 0.0)) for key in ("lower", "upper", "velocity", "effort")
        )
        if speed > 0 and effort > 0 and (low < high or joint.get("type") == "continuous"):
            found.append(joint.get("name"))
    return found


@pytest.mark.parametrize("name", robot_names())
def test_our_robots_are_read_alike(name, tmp_path):
    check(load_robot(name).model, tmp_path)


@pytest.mark.parametrize(
    "source",
    [file for folder in ARMS for file in sorted((ROBOTS / folder).rglob("*.urdf"))],
    ids=lambda file: file.stem,
)
def test_the_arms_of_example_robot_data_are_read_alike(source, tmp_path):
    if source.name in NOT_READ:
        pytest.skip(NOT_READ[source.name])
    driven = drivable(source)
    assert driven
    model = load_model(DescriptionSource(str(source)), driven, {})
    check_unchanged(source, model)
    check(model, tmp_path)


def inertial(link):
    """Place, mass and tensor that an element states, and zeros for what it does not."""
    numbers = []
    for tag, keys in (
        ("origin", ("xyz", "rpy")), ("mass", ("value",)),
        ("inertia", ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")),
    ):  # fmt: skip
        element = link.find(f"inertial/{tag}")
        for key in keys:
            default = "0 0 0" if tag == "origin" else "0"
            text = default if element is None else element.get(key, default)
            numbers += [float(word) for word in text.split()]
    return np.array(numbers)


def check_unchanged(source, model):
    """What no line speaks of is prepared as the description has it, but for rounding."""
    spoken_of = {
        note.split(": link ")[1].split(":")[0] for note in model.notes if ": link " in note
    }
    stated, prepared = (
        {link.get("name"): inertial(link) for link in ElementTree.parse(file).iter("link")}
        for file in (source, model.urdf)
    )
    for name in model.links:
        if name not in spoken_of | model.standing_links and stated[name][6] > 0:
            scale = np.abs(stated[name][7:]).max()
            np.testing.assert_allclose(
                prepared[name], stated[name], rtol=1e-5, atol=2e-5 * scale + 1e-15, err_msg=name
            )
