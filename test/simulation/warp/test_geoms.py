"""A contact means the same on the device as in engine mujoco."""

from types import SimpleNamespace

import numpy as np

from dr_grasp.core.outcome import LinkPair
from dr_grasp.objects.object_spec import load_object
from dr_grasp.simulation.mujoco.world import MujocoWorld


def test_each_pair_of_geoms_means_what_engine_mujoco_reads_from_it(warp, franka):
    from dr_grasp.simulation.warp.geoms import GeomTables
    from dr_grasp.simulation.warp.kernels import HAND_TOUCHES, NO_PAIR, OBJECT_SUPPORTED

    with MujocoWorld(franka, load_object("procedural_000")) as world:
        reader = world._touches
        tables = GeomTables.of(reader.kinds, reader.names)
        assert list(tables.pairs) == sorted(tables.pairs)
        met = set()
        for pair in np.ndindex(tables.bits.shape):
            contact = SimpleNamespace(geom=np.array([pair]))
            touches = reader.read(SimpleNamespace(contact=contact))
            assert bool(tables.bits[pair] & HAND_TOUCHES) == touches.hand
            assert bool(tables.bits[pair] & OBJECT_SUPPORTED) == touches.supported
            for table, links in (
                (tables.support_pairs, touches.hit),
                (tables.own_pairs, touches.collision),
            ):
                number = table[pair]
                assert (None if number == NO_PAIR else tables.pairs[number]) == links
            met |= {touches.hand, touches.supported, touches.hit, touches.collision}
        assert {True, False, None, LinkPair("panda_hand", "table")} <= met
