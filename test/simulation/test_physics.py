"""What every robot does in every engine, held against what is commanded or computed by hand."""

from dataclasses import replace
from functools import lru_cache
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.generation.sampler import generate
from dr_grasp.robots.attributes import pose_of
from dr_grasp.robots.forward_kinematics import chain_to, link_in_base
from dr_grasp.robots.inertias import solid_of
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import PerceptionSettings, load_twin_profile

from .made import object_of
from .rigs import GRAVITY, RIGS, TWINS, BulletRig, closing_forces, grip_pose

FRICTION = 0.6
MASS = 0.2
SIZE = np.array([0.08, 0.03, 0.03])
"""Across the fingers, along their closing, along the approach."""

AWAY = Pose([5.0, 5.0, 5.0], [0, 0, 0, 1])

TOWER = np.array([0.04, 0.04, 0.12])
"""It tips where a flatter one would slide: half its width is a third of its half height."""


def block_of(path, size, mass=MASS):
    trimesh.creation.box(size).export(path)
    return object_of(path, mass, lateral=FRICTION, rolling=0.0)


@pytest.fixture(scope="module", params=robot_names())
def robot(request):
    return load_robot(request.param)


@pytest.fixture(scope="module", params=sorted(RIGS))
def make_rig(request, robot, tmp_path_factory):
    """Makes the robot's rig with a block of some size and mass; each once."""
    folder, made = tmp_path_factory.mktemp("blocks"), {}

    def make(size=SIZE, mass=MASS):
        key = (*size, mass)
        if key not in made:
            block = block_of(folder / f"block_{len(made)}.stl", size, mass)
            made[key] = RIGS[request.param](robot, block)
        return made[key]

    yield make
    for rig in made.values():
        rig.close()


def run(rig, seconds, **forces):
    """Steps, and what the hand's joints do meanwhile, shape (steps, joints)."""
    joints = []
    for _ in range(round(seconds / rig.step_s)):
        rig.step(**forces)
        joints.append(rig.hand())
    return np.array(joints)


@lru_cache
def hand_joints(robot):
    """Name, multiplier, driven joint and lever of each hand joint."""
    carried = {joint.name: joint for link in robot.hand_links for joint in chain_to(robot, link)}
    driven = [(name, 1.0, index) for index, name in enumerate(robot.hand_joints)]
    followers = [
        (mimic.joint, mimic.multiplier, robot.hand_joints.index(mimic.follows))
        for mimic in robot.model.mimics
    ]
    return [
        (name, scale, source, lever_m(robot, carried[name]))
        for name, scale, source in (*driven, *followers)
    ]


def lever_m(robot, joint):
    """How far a link's matter is from the axis that its joint turns it about; 1 if it slides."""
    if joint.kind == "prismatic":
        return 1.0
    root = ElementTree.parse(robot.model.urdf).getroot()
    points = []
    for collision in root.findall(f"link[@name='{joint.child}']/collision"):
        points.append(pose_of(collision.find("origin")).apply(solid_of("", collision).vertices))
    return float(np.linalg.norm(np.cross(np.vstack(points), joint.axis), axis=1).max())


LAST_LINK = {
    "baxter": {0: "r_gripper_l_finger_tip"},
    "franka": {0: "panda_leftfinger"},
    "ur5_schunk_sih": {
        1: "sih_thumb_distal",
        2: "sih_index_distal",
        3: "sih_middle_distal",
        4: "sih_ring_distal",
    },
}
"""Which link of a drive is to meet the cube. (A thumb that nothing bends, and that is turned by the
drive of its opposition alone, meets the palm before.)"""


def center_of(robot, link):
    """Middle of a link's first collision shape, in its frame."""
    root = ElementTree.parse(robot.model.urdf).getroot()
    collision = root.find(f"link[@name='{link}']/collision")
    middle = np.mean(solid_of("", collision).bounds, axis=0)
    return pose_of(collision.find("origin")).apply(middle[None])[0]


def parted_m(robot, joints):
    """How far any tip is from where rigid couplings would have it, at most over t steps [m].

    Args:
        robot: The robot.
        joints: Shape (t, n), hand joints.
    """
    offsets = [0.0] * len(robot.hand_joints) + [mimic.offset for mimic in robot.model.mimics]
    return max(
        float(np.abs(joints[:, index] - scale * joints[:, source] - offsets[index]).max()) * lever
        for index, (_, scale, source, lever) in enumerate(hand_joints(robot))
    )


def beyond_limits_m(robot, joints):
    """How far beyond its limits any joint moved its tip, at most over t steps [m]."""
    return max(
        lever * float(np.maximum(limit.lower - moved, moved - limit.upper).max())
        for moved, (name, _, _, lever) in zip(joints.T, hand_joints(robot), strict=True)
        for limit in (robot.model.limits[name],)
    )


def commanded(robot):
    """Force or torque of each drive, over all joints that it moves, shape (m,)."""
    total = np.zeros(len(robot.hand_joints))
    for share, (_, scale, source, _) in zip(
        robot.hand_force_shares, hand_joints(robot), strict=True
    ):
        total[source] += abs(scale) * share * robot.hand_force
    return total


PRESSING = {
    ("baxter", "pinch"): {0},
    ("franka", "pinch"): {0},
    ("ur5_schunk_sih", "pinch"): {2},
    ("ur5_schunk_sih", "tripod"): {2, 3},
    ("ur5_schunk_sih", "power"): {2},
}
"""Drives that do not come to where they aim, with such a block between the fingers: they press with
all their force. (In `power` the block may slip out between middle and ring finger.)"""


@pytest.mark.parametrize("aside", [0.0, 0.002])
def test_the_hand_presses_as_hard_as_it_is_told(robot, make_rig, aside):
    for synergy in robot.synergies:
        rig = make_rig(np.array([SIZE[0], 0.6 * synergy.largest_width_m, SIZE[2]]))
        grip = grip_pose(robot, synergy)
        place = Pose(grip.position + grip.rotate([0.0, aside, 0.0]), grip.quaternion_xyzw)
        rig.start(robot.home, synergy.open, place, weighs=False)
        rig.close_hand(synergy.closed, robot.hand_force)
        joints = run(rig, robot.close_duration_s + 0.5)
        # In PhysX the little finger lags behind the ring finger while both close.
        assert parted_m(robot, joints) < (1e-4 if rig.tells_friction else 4e-4), synergy.name
        if len(robot.hand_joints) > 1 and not rig.tells_friction:
            continue  # round fingers press by friction, too
        pressed = pressing(robot, rig, synergy.closed)
        assert pressed.keys() >= PRESSING[robot.name, synergy.name]
        for drive, share in pressed.items():
            assert share == pytest.approx(1.0, abs=0.05), (synergy.name, drive)
        assert np.abs(rig.arm() - robot.home).max() < 1e-3


def pressing(robot, rig, targets):
    """Of each drive that is not where it aims, what share of its force the block feels."""
    shares = []
    for _ in range(20):
        rig.step()
        felt = closing_forces(robot, rig.arm(), rig.hand(), rig.touches())
        left = targets - rig.hand()[: len(targets)]
        # The block presses against the way that is left.
        shares.append(-np.sign(left) * felt / commanded(robot))
    levers = np.array([lever for *_, lever in hand_joints(robot)][: len(targets)])
    away = np.flatnonzero(np.abs(left) * levers > 3e-3)
    return dict(zip(away.tolist(), np.mean(shares, axis=0)[away].tolist(), strict=True))


def test_each_drive_alone_presses_as_hard_as_it_is_told(robot, make_rig):
    """A heavy cube stands where the drive's last link would come to; all others stand still."""
    many = len(robot.hand_joints) > 1
    # Fingers are stretched, the thumb is before the palm: none is in another's way.
    start = np.array([-0.9, 0.0, 0.0, 0.0, 0.0]) if many else np.array(robot.hand_open)
    for drive, last in LAST_LINK[robot.name].items():
        end, limits = start.copy(), robot.hand_limits[drive]
        far_low = start[drive] - limits.lower > limits.upper - start[drive]
        end[drive] = limits.lower if far_low else limits.upper
        there = link_in_base(robot, last, robot.home, frozen(start + 0.6 * (end - start)))
        place = there.apply(center_of(robot, last)[None])[0]
        rig = make_rig(np.full(3, 0.02 if many else 0.01), 1e4)
        rig.start(robot.home, frozen(start), Pose(place, there.quaternion_xyzw), weighs=False)
        if many and not rig.tells_friction:
            pytest.skip("round fingers press by friction, too")
        rig.close_hand(frozen(end), robot.hand_force)
        run(rig, robot.close_duration_s + 0.5)
        assert pressing(robot, rig, end) == {drive: pytest.approx(1.0, abs=0.05)}


@pytest.mark.parametrize(("share", "gives"), [(0.75, False), (1.35, True)])
@pytest.mark.parametrize("twin", sorted(TWINS))
def test_a_load_on_one_joint_meets_the_force_of_all_that_move_with_it(
    robot, tmp_path, twin, share, gives
):
    rig = TWINS[twin](robot, block_of(tmp_path / "block.stl", SIZE))
    middle = frozen([(limits.lower + limits.upper) / 2.0 for limits in robot.hand_limits])
    joints = hand_joints(robot)
    for joint, (_, scale, source, lever) in enumerate(joints):
        load = np.zeros(len(joints))
        # Towards the middle of the hand's opening, where no finger is in another's way.
        opening = np.sign(robot.hand_open[source] - robot.hand_closed[source]) or 1.0
        load[joint] = opening * share * commanded(robot)[source] / scale
        rig.start(robot.home, middle, AWAY, weighs=False)
        moved = run(rig, 0.3, hand_load=load)[-1, source] - middle[source]
        assert bool(abs(moved) * lever > 0.006) is gives, (joint, moved)


@lru_cache
def grasp_of(name):
    return generate(name, "box", 1, seed=0)[0]


def test_the_arm_is_where_it_is_told_to_be(robot, make_rig):
    grasp = grasp_of(robot.name)
    rig = make_rig()
    plan = grasp.schedule(1.0 / rig.step_s)
    count = int((plan.phases <= Phase.CLOSE).sum())
    rig.start(grasp.approach.positions[0], grasp.close.preshape, AWAY, weighs=False)
    reached = []
    for arm, velocity in zip(plan.arm[:count], plan.arm_velocity[:count], strict=True):
        rig.step(arm, velocity)
        reached.append(rig.arm())
    late = round(rig.lag_s / rig.step_s)
    error = np.abs(np.array(reached)[late:] - plan.arm[: count - late])
    assert np.ptp(plan.arm[:count], axis=0).max() > 0.2  # it has moved
    # The twin's servos lag by design, and by other times where the inertia or the speed changes.
    moving = 0.25 * rig.lag_s * np.abs(plan.arm_velocity[:count]).max()
    assert error.max() < rig.largest_error + moving
    assert error[plan.phases[: count - late] == Phase.CLOSE].max() < 1e-3
    assert np.abs(rig.arm() - plan.arm[count - 1]).max() < 1e-4


def test_fingers_stay_within_their_limits_under_twice_their_drives_force(robot, make_rig):
    rig = make_rig()
    for synergy in robot.synergies:
        closing = np.sign(synergy.closed - synergy.open)
        stop = [
            limits.lower if sign > 0 else limits.upper
            for sign, limits in zip(closing, robot.hand_limits, strict=True)
        ]
        load = [
            -2.0 * robot.hand_force * share * np.sign(scale) * closing[source]
            for share, (_, scale, source, _) in zip(
                robot.hand_force_shares, hand_joints(robot), strict=True
            )
        ]
        rig.start(robot.home, frozen(stop), AWAY, weighs=False)
        joints = run(rig, 0.5, hand_load=load)
        # All of the load comes at once: in its first steps a finger moves by half a millimetre.
        assert beyond_limits_m(robot, joints) < 1e-3, synergy.name
        settled = joints[-round(0.1 / rig.step_s) :]
        assert beyond_limits_m(robot, settled) < 2e-4, synergy.name
        assert parted_m(robot, settled) < 2e-4, synergy.name


def test_a_finger_wedged_open_stays_within_its_limits(robot, make_rig):
    """Ten kilograms lean on the inside of a finger that is open already."""
    synergy = robot.synergies[0]
    if len(robot.hand_joints) > 1:
        pytest.skip("the fingers are not at their limits when open")
    rig = make_rig(np.array([0.02, 0.008, 0.02]), 10.0)
    grip = grip_pose(robot, synergy)
    along = grip.rotate([0.0, 1.0, 0.0])
    beside = synergy.largest_width_m / 2.0 - 0.0045
    rig.start(
        robot.home,
        synergy.open,
        Pose(grip.position + beside * along, grip.quaternion_xyzw),
        weighs=False,
    )
    joints = run(rig, 1.0, push=2.0 * robot.hand_force * along)
    pressed = sum(touch.force @ along for touch in rig.touches())
    assert pressed == pytest.approx(2.0 * robot.hand_force, rel=0.1)
    assert beyond_limits_m(robot, joints) < 2e-4
    assert parted_m(robot, joints) < 2e-4


@pytest.mark.parametrize(("share", "held"), [(0.9, True), (1.1, False)])
def test_friction_between_two_fingers_lifts_what_coulomb_says(robot, make_rig, share, held):
    if len(robot.hand_joints) > 1:
        pytest.skip("round fingers carry by their shape as well")
    synergy, force = robot.synergies[0], 5.0
    rig = make_rig(SIZE, share * 2.0 * FRICTION * robot.hand_friction * force / GRAVITY)
    rig.start(robot.home, synergy.open, grip_pose(robot, synergy), weighs=False)
    rig.close_hand(synergy.closed, force)
    run(rig, robot.close_duration_s + 0.3)
    before = rig.block().position[2]
    rig.weigh()
    run(rig, 0.5)
    sunk = before - rig.block().position[2]
    if held:
        assert sunk < 1e-3
    else:
        # Free of the friction, less what slips out of the fingers meanwhile.
        assert sunk > 0.25 * (1.0 - 1.0 / share) * GRAVITY * 0.5**2 / 2.0


PEG = np.array([0.004, 0.03, 0.004])
"""Its ends are so small that all torques about the line between two fingers can be computed."""


@pytest.mark.parametrize(("lever_m", "turns"), [(0.0006, False), (0.006, True)])
@pytest.mark.parametrize("twin", sorted(TWINS))
def test_a_pinched_peg_turns_once_its_weight_has_more_torque_than_the_pads(
    robot, tmp_path, twin, lever_m, turns
):
    """The pads' torque is between friction's at half the peg's width, and that at its corners plus
    the torsional friction: 2 N times 1.2 to 4.7 mm."""
    if len(robot.hand_joints) > 1:
        pytest.skip("round fingers touch in other places")
    aside, force, synergy = 0.02, 10.0, robot.synergies[0]
    mass = 2.0 * force * lever_m / aside / GRAVITY
    peg = block_of(tmp_path / "peg.stl", PEG, mass)
    grip = grip_pose(robot, synergy)
    # The centre of mass is beside the fingers, as far as it can be from the line between them.
    level = grip.rotation.inv().apply([0.0, 0.0, 1.0])
    across = np.cross([0.0, 1.0, 0.0], level)
    shift = tuple((aside * across / np.linalg.norm(across)).tolist())
    rig = TWINS[twin](robot, peg, ObjectDynamics(center_of_mass_shift_m=shift))
    rig.start(robot.home, synergy.open, grip, weighs=False)
    rig.close_hand(synergy.closed, force)
    run(rig, robot.close_duration_s + 0.3)
    before = rig.block()
    rig.weigh()
    run(rig, 0.5)
    turned = (rig.block().rotation * before.rotation.inv()).magnitude()
    assert turned > 0.3 if turns else turned < 0.05
    rig.close()


@pytest.mark.parametrize("twin", sorted(TWINS))
def test_every_arm_grasps_on_every_twin(robot, twin):
    profile = load_twin_profile({"twin": "default", "sapien_twin": "sapien"}[twin])
    exact = {"position_std_m": 0.0, "yaw_std_deg": 0.0}
    with TwinBackend(
        robot, profile.model_copy(update={"perception": PerceptionSettings(**exact)})
    ) as backend:
        attempt = backend.attempt(grasp_of(robot.name), None, seed=0, attempt_index=0)
    assert attempt.outcome is Outcome.SUCCESS, attempt.reason


def standing(robot, rig, block_size):
    height = robot.table.top_z + block_size[2] / 2.0 + 0.001
    away = [robot.table.center_xy[0], robot.table.center_xy[1] + 0.45, height]
    rig.start(robot.home, robot.hand_open, Pose(away, [0, 0, 0, 1]))
    run(rig, 0.5)
    return rig.block()


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_a_flat_block_slides_down_a_plane_that_is_too_steep_for_its_friction(
    robot, make_rig, share
):
    rig = make_rig()
    before = standing(robot, rig, SIZE)
    seconds, tilt = 0.3, np.arctan(share * FRICTION)
    # The plane is tilted by turning the weight.
    run(rig, seconds, push=MASS * GRAVITY * np.array([np.sin(tilt), 0.0, 1.0 - np.cos(tilt)]))
    moved = rig.block().position - before.position
    whole = GRAVITY * np.cos(tilt) * FRICTION * seconds**2 / 2.0
    if share < 1.0:
        assert moved[0] < 1e-3
    else:
        assert moved[0] == pytest.approx((share - 1.0) * whole, abs=0.03 * whole)
    # Bullet resists along two axes of the contact rather than along the way, and so it drifts.
    np.testing.assert_allclose(moved[1:], 0.0, atol=max(5e-4, 0.15 * moved[0]))


def test_a_block_that_was_thrown_comes_to_rest_where_friction_stops_it(robot, make_rig):
    rig, speed = make_rig(), 0.7
    before = standing(robot, rig, SIZE)
    rig.throw([speed, 0.0, 0.0])
    run(rig, 0.4)
    slid = rig.block().position[0] - before.position[0]
    assert slid == pytest.approx(speed**2 / (2.0 * FRICTION * GRAVITY), rel=0.06)


@pytest.mark.parametrize(("share", "tips"), [(0.85, False), (1.15, True)])
def test_a_tower_tips_once_the_push_has_more_torque_than_its_weight(robot, make_rig, share, tips):
    rig = make_rig(TOWER)
    before = standing(robot, rig, TOWER)
    push = share * MASS * GRAVITY * TOWER[0] / TOWER[2]
    run(rig, 0.5, push=[push, 0.0, 0.0])
    turned = (rig.block().rotation * before.rotation.inv()).magnitude()
    assert (turned > 0.15) is tips
    if not tips:
        assert turned < 0.01


def test_without_an_inertia_of_its_drives_bullet_conveys_part_of_a_hands_force(tmp_path):
    robot = load_robot("baxter")
    light = replace(robot, hand_drive_inertias=frozen(np.zeros_like(robot.hand_drive_inertias)))
    rig, synergy = BulletRig(light, block_of(tmp_path / "block.stl", SIZE)), robot.synergies[0]
    rig.start(robot.home, synergy.open, grip_pose(robot, synergy), weighs=False)
    rig.close_hand(synergy.closed, robot.hand_force)
    run(rig, robot.close_duration_s + 0.5)
    (got,) = np.abs(closing_forces(robot, rig.arm(), rig.hand(), rig.touches()))
    assert got < 0.8 * commanded(robot)[0]
    rig.close()
