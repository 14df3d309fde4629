"""Making grasps to score."""
