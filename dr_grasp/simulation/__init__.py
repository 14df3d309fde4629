"""Simulates rollouts of grasps, with contacts, in one of several physics engines."""
