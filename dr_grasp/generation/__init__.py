"""Finds grasps to score: samples them, searches for them, or imports them from datasets."""
