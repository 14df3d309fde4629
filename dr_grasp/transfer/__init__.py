"""Compares fitnesses with attempts: data sets, statistics, and transfer models."""
