"""Remembers which of millions of names came before, in eight bytes each."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

RECENT = 4096
"""Names kept in a set, which is quick, before they are merged into the array, which is small."""


class Seen:
    """Names by their digests.

    Of a million names, one is taken for another with a probability of 3e-8.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._old: npt.NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._recent: set[int] = set()

    def add(self, name: str) -> bool:
        """Note a name; returns whether it is new."""
        # Ids that came out of JSON may hold halves of surrogate pairs.
        name_bytes = name.encode("utf-8", "surrogatepass")
        digest = int.from_bytes(hashlib.blake2b(name_bytes, digest_size=8).digest(), "little")
        place = int(np.searchsorted(self._old, np.uint64(digest)))
        if digest in self._recent or (place < self._old.size and int(self._old[place]) == digest):
            return False
        self._recent.add(digest)
        if len(self._recent) >= RECENT:
            fresh = np.fromiter(self._recent, np.uint64, len(self._recent))
            self._old = np.union1d(self._old, fresh)
            self._recent.clear()
        return True
