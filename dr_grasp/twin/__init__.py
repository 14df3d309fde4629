"""Fake hardware: a simulated arm with hidden errors, behind controllers like a real arm's."""
