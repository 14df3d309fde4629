"""For how much a batch of worlds has memory, as data."""

from __future__ import annotations

from dataclasses import dataclass, fields

from dr_grasp.errors import SettingsError

MOST_CONTACTS = 3072
MOST_CONSTRAINTS = 12_288
"""Most contacts and rows of constraints in a world that there may be memory for: a hand around an
object of 60 pieces has 200 contacts, with up to six rows each."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """For how much there is memory in each world of a batch.

    Attributes:
        contacts: Contacts, and pairs of geoms that are near each other; worlds share it.
        constraints: Rows of constraints: up to six of a contact, and those of joints.
    """

    contacts: int = 48
    constraints: int = 192

    def larger(self, *, contacts: bool, constraints: bool) -> Buffers:
        """Twice as much of what is asked for.

        Raises:
            SettingsError: There is as much as there may be.
        """
        wanted = Buffers(
            self.contacts * (2 if contacts else 1), self.constraints * (2 if constraints else 1)
        )
        most = Buffers(MOST_CONTACTS, MOST_CONSTRAINTS)
        for name in (field.name for field in fields(Buffers)):
            if getattr(wanted, name) > getattr(most, name):
                raise SettingsError(
                    f"engine mujoco-warp: expected at most {getattr(most, name)} {name} in each "
                    "world, got more: MuJoCo Warp's buffer overflowed; score in engine mujoco"
                )
        return wanted
