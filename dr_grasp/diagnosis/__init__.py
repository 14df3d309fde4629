"""Diagnosis: measures why a grasp that holds in simulation may fail on an arm."""
