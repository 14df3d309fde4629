"""Fits the ranges of a profile to what happened in a laboratory."""
