"""PyBullet: the only room that imports it."""
