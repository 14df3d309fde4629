"""Objects: a mesh, its convex pieces, its mass."""
