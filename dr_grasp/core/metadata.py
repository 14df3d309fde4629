"""Marks of dataclass fields, in their metadata."""

from __future__ import annotations

IGNORED = "ignored by fingerprints"
"""Key in the metadata of dataclass fields that do not affect what is simulated."""
