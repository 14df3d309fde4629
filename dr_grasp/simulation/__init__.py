"""Contact simulation of rollouts in PyBullet."""
