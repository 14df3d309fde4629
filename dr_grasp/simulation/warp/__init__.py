"""Thousands of worlds in lockstep on a GPU, by MuJoCo Warp; imported only where it is installed."""
