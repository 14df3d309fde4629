"""Which simulated grasps will hold on the real arm: score, rank, execute, record."""

__version__ = "0.4.0"
