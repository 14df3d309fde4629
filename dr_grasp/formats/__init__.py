"""The files that a user sees: grasps, scores, diagnoses."""
