"""PyBullet: the only room that imports it."""

from dr_grasp.simulation.bullet.quiet import quiet

with quiet():  # it greets everybody who imports it, and this comes before all other imports of it
    import pybullet  # noqa: F401
