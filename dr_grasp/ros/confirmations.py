"""Tokens by which a person agrees to the very grasp that a dry run has shown."""

from __future__ import annotations

import secrets
import time

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError
from dr_grasp.provenance.fingerprint import fingerprint

VALID_S = 3600.0
"""Time for which a token is good [s]: a list of some fifty grasps may be executed with it, and
nobody remembers much longer what was on the table."""

MOST_TOKENS = 10_000
"""Most tokens that are kept: as many as a request may have grasps."""


class Confirmations:
    """Hands out a token for each dry run, which is good once, for the same grasp."""

    def __init__(self) -> None:
        """Begin without tokens."""
        self._shown: dict[str, tuple[str, float]] = {}

    def token(self, grasp: GraspTrajectory) -> str:
        """Make the token of a grasp whose dry run was answered."""
        while len(self._shown) >= MOST_TOKENS:
            del self._shown[next(iter(self._shown))]
        token = secrets.token_urlsafe(16)
        self._shown[token] = fingerprint(grasp), time.monotonic() + VALID_S
        return token

    def check(self, token: str, grasp: GraspTrajectory) -> None:
        """Check a token before a grasp moves the arm.

        Raises:
            BackendError: There is no token, it is not good, or it belongs to another grasp.
        """
        if not token:
            raise BackendError(
                f"grasp {grasp.id}: confirmed: expected the token of its dry run, got none: this "
                "arm moves only after somebody has seen what would move"
            )
        shown, until_s = self._shown.get(token, ("", 0.0))
        if not shown or time.monotonic() > until_s:
            raise BackendError(
                f"grasp {grasp.id}: confirmed: expected the token of a dry run of the last "
                f"{VALID_S / 60:g} minutes that was not used yet, got another; make a dry run again"
            )
        if shown != fingerprint(grasp):
            raise BackendError(
                f"grasp {grasp.id}: confirmed: expected the grasp that the dry run has shown, "
                "got another; make a dry run again"
            )

    def use(self, token: str) -> None:
        """Use a token up, when the arm is about to move."""
        self._shown.pop(token, None)
