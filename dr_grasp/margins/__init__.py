"""Measures how far each parameter may be off before a grasp is lost."""
