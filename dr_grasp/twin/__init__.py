"""Fake hardware: an arm in MuJoCo with hidden errors, behind controllers like a real arm's."""
