"""Metrics of grasps beside their fitnesses: of the closed hand's contacts, and of pulling."""
