"""Measures numbers about a grasp beside its fitnesses."""
