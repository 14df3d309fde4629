"""Scores grasps: counts in how many disturbed rollouts each of them holds."""
