# No `from __future__ import annotations`: Warp compiles by the types of the arguments.
"""What runs on the device beside MuJoCo Warp itself: commands, and observations for the judge."""

import warp as wp

HAND_TOUCHES = 1
OBJECT_SUPPORTED = 2
"""Bits of what a contact of two geoms means for the judge."""

NO_PAIR = 2**30
"""Number of the pair of links that touch, if none does; the others are in the alphabet's order."""

POSITION, SPEED, TURNING, HAND_HEIGHT, IN_HAND, SIZE = 0, 3, 4, 5, 6, 9
"""Where in the numbers that are seen of a world stand: position of the object's centre of mass (3),
its speed, the object's angular speed, height of the hand, position of that centre in the hand (3);
and how many numbers there are."""

BITS, SUPPORT_PAIR, OWN_PAIR, KINDS = 0, 1, 2, 3
"""The same for what touches: bits, pair of a link and a support, pair of links; how many."""

LARGEST = 1e10
"""A larger number in a state means that the simulation is unstable, as in MuJoCo (mjMAXVAL)."""


@wp.kernel(enable_backward=False)
def command(
    first: wp.array[int],
    length: wp.array[int],
    closing: wp.array[int],
    start_qpos: wp.array2d[float],
    start_qvel: wp.array2d[float],
    start_hand: wp.array2d[float],
    arm_plan: wp.array3d[float],
    hand_goals: wp.array3d[float],
    hand_forces: wp.array3d[float],
    hand_reach: wp.array[float],
    step: wp.array[int],
    hand_now: wp.array2d[float],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    warmstart: wp.array2d[float],
    ctrl: wp.array2d[float],
    forcerange: wp.array2d[wp.vec2],
):
    """Give each world its next command; up to its first step a world is kept in its start."""
    world = wp.tid()
    now = step[world]
    arm = arm_plan.shape[2]
    hand = hand_goals.shape[2]
    if now <= first[world]:
        for i in range(qpos.shape[1]):
            qpos[world, i] = start_qpos[world, i]
        for i in range(qvel.shape[1]):
            qvel[world, i] = start_qvel[world, i]
            warmstart[world, i] = 0.0
        for i in range(hand):
            hand_now[world, i] = start_hand[world, i]
    row = wp.clamp(now - first[world], 0, length[world] - 1)
    for i in range(arm):
        ctrl[world, i] = arm_plan[world, row, i]
    phase = wp.where(now >= closing[world], 1, 0)
    for i in range(hand):
        way = hand_goals[world, phase, i] - hand_now[world, i]
        target = hand_now[world, i] + wp.clamp(way, -hand_reach[i], hand_reach[i])
        hand_now[world, i] = target
        ctrl[world, arm + i] = target
        force = hand_forces[world, phase, i]
        forcerange[world, arm + i] = wp.vec2(-force, force)


@wp.kernel(enable_backward=False)
def look(
    slot: int,
    object_body: int,
    object_dof: int,
    hand_body: int,
    center: wp.array2d[wp.vec3],
    qpos: wp.array2d[float],
    qvel: wp.array2d[float],
    xpos: wp.array2d[wp.vec3],
    xmat: wp.array2d[wp.mat33],
    xipos: wp.array2d[wp.vec3],
    step: wp.array[int],
    seen: wp.array3d[float],
    touching: wp.array3d[int],
):
    """Look at each world's object and hand, count the step, and forget what touched before."""
    world = wp.tid()
    # A free joint has the velocity of the mesh frame's origin, and turns about the body's axes.
    linear = wp.vec3(
        qvel[world, object_dof], qvel[world, object_dof + 1], qvel[world, object_dof + 2]
    )
    angular = wp.vec3(
        qvel[world, object_dof + 3], qvel[world, object_dof + 4], qvel[world, object_dof + 5]
    )
    at_center = wp.cross(angular, center[world % center.shape[0], object_body])
    speed = wp.length(linear + xmat[world, object_body] * at_center)
    for i in range(qpos.shape[1]):
        if not wp.abs(qpos[world, i]) < wp.static(LARGEST):
            speed = wp.nan
    for i in range(qvel.shape[1]):
        if not wp.abs(qvel[world, i]) < wp.static(LARGEST):
            speed = wp.nan
    position = xipos[world, object_body]
    hand = xpos[world, hand_body]
    in_hand = wp.transpose(xmat[world, hand_body]) * (position - hand)
    for i in range(3):
        seen[slot, world, wp.static(POSITION) + i] = position[i]
        seen[slot, world, wp.static(IN_HAND) + i] = in_hand[i]
    seen[slot, world, wp.static(SPEED)] = speed
    seen[slot, world, wp.static(TURNING)] = wp.length(angular)
    seen[slot, world, wp.static(HAND_HEIGHT)] = hand[2]
    touching[slot, world, wp.static(BITS)] = 0
    touching[slot, world, wp.static(SUPPORT_PAIR)] = wp.static(NO_PAIR)
    touching[slot, world, wp.static(OWN_PAIR)] = wp.static(NO_PAIR)
    step[world] = step[world] + 1


@wp.kernel(enable_backward=False)
def look_at_contacts(
    slot: int,
    count: wp.array[int],
    geoms: wp.array[wp.vec2i],
    worlds: wp.array[int],
    bits: wp.array2d[int],
    support_pairs: wp.array2d[int],
    own_pairs: wp.array2d[int],
    touching: wp.array3d[int],
):
    """Note what each contact means; neither bits nor least numbers depend on the order."""
    contact = wp.tid()
    if contact >= wp.min(count[0], geoms.shape[0]):
        return
    first = geoms[contact][0]
    second = geoms[contact][1]
    world = worlds[contact]
    wp.atomic_or(touching, slot, world, wp.static(BITS), bits[first, second])
    wp.atomic_min(touching, slot, world, wp.static(SUPPORT_PAIR), support_pairs[first, second])
    wp.atomic_min(touching, slot, world, wp.static(OWN_PAIR), own_pairs[first, second])
