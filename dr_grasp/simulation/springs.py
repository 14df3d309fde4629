"""How stiff the drives of a hand's joints are, in engines whose drives are springs."""

from __future__ import annotations

FULL_FORCE_M = 0.002
FULL_FORCE_RAD = 0.02
"""Position error at which a hand joint uses its full force: smaller than a thin wall."""


def full_force_way(sliding: bool) -> float:
    """Position error at which a sliding, or else a turning, hand joint uses its full force."""
    return FULL_FORCE_M if sliding else FULL_FORCE_RAD


def hand_inertia(bare: float, drive: float, limit: float, sliding: bool, bandwidth: float) -> float:
    """The inertia of a hand joint with its drive [kg m^2 or kg].

    Args:
        bare: Inertia of the links that the joint moves.
        drive: Inertia of the drive.
        limit: Largest force or torque of the drive [N or N m].
        sliding: Whether the joint slides.
        bandwidth: Natural frequency of the drive [rad/s].
    """
    # A drive of this stiffness needs some inertia to be stable.
    stable = limit / full_force_way(sliding) / bandwidth**2
    return max(bare + drive, stable)


def critical_spring(inertia: float, bandwidth: float) -> tuple[float, float]:
    """Stiffness and critical damping of a drive for an inertia and a frequency [rad/s]."""
    return inertia * bandwidth**2, 2 * inertia * bandwidth
