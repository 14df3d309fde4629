"""The engines in which a twin can run."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from dr_grasp.core.named import NamedEnum
from dr_grasp.errors import SettingsError


class TwinEngine(NamedEnum):
    """A physics engine of the twin; the values are the names that users write, and of packages."""

    MUJOCO = "mujoco"
    SAPIEN = "sapien"

    def check_available(self) -> None:
        """Refuse an engine whose package is not installed.

        Raises:
            SettingsError: The package is missing.
        """
        if find_spec(self.value) is None:
            raise SettingsError(
                f"twin in engine {self.value}: expected the package of dr_grasp's extra `twin`, "
                f"without {self.value} it cannot run: pip install -r requirements/twin.txt"
            )

    @property
    def version(self) -> str:
        """Name and version of the engine, as attempts carry it; does not load the engine."""
        return f"{self.value} {version(self.value)}"
