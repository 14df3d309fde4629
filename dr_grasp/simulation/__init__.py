"""Simulates rollouts of grasps, with contacts, in PyBullet."""
