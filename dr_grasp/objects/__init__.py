"""Objects to grasp: their meshes, convex pieces, mass and friction."""
