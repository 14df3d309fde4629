"""Enumerations whose values are the names that users write."""

from __future__ import annotations

import re
from enum import Enum
from typing import TypeVar

from dr_grasp.errors import UnknownNameError

NamedT = TypeVar("NamedT", bound="NamedEnum")


class NamedEnum(Enum):
    """An enumeration of names; messages call a member by the words of its class's name."""

    @classmethod
    def from_name(cls: type[NamedT], name: str) -> NamedT:
        """Find a member by its name.

        Raises:
            UnknownNameError: There is no such member.
        """
        try:
            return cls(name)
        except ValueError:
            valid = [member.value for member in cls]
            kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()
            raise UnknownNameError(kind, name, valid) from None
