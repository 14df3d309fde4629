"""Marks of dataclass fields, in their metadata."""

from __future__ import annotations

IGNORED = "ignored by fingerprints"
"""Key in the metadata of dataclass fields that do not affect what is simulated."""

IGNORED_AT_DEFAULT = "ignored by fingerprints at its default"
"""Key in the metadata of dataclass fields that came later: a value without them, as older versions
knew it, keeps its fingerprint."""
