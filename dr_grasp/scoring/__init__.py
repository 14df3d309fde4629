"""From grasps to fitnesses."""
