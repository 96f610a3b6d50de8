from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.data import Sight


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing of a bucket."""

    object_name: str
    sight: "Sight"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects from where it was begun up to its end."""

    objects: "Sequence[Listed]"
    end: str | None
    """The last name of which it tells whether there is one. None: it tells of all."""
