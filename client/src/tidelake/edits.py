"""What people write of data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypedDict

from tidelake import moments


class Keep(Enum):
    """What is not given, where None means something."""

    KEEP = "keep"


KEEP = Keep.KEEP

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar | datetime | None]
"""Fields and what they become; None clears. Times have a zone."""


class Changes(TypedDict, total=False):
    """What becomes of data. What is not named stays, and None clears.

    `metadata` has the fields `latitude`, `longitude` (degrees, together), `altitude` (metres),
    `acquired_at` (a time with a zone), `acquired_by`, `weather`, `resolution_x`, `resolution_y`,
    `resolution_unit`, `manufacturer`, `model`, `lens`, `focal_length`, `sensor_width` (millimetres),
    `yaw`, `pitch`, `roll` (degrees) … as the API's description has them; `custom_metadata` any, as far as
    the datalake has no schema.
    """

    metadata: Metadata | None
    custom_metadata: Metadata | None
    description: str | None
    source: str | None


def body(changes: Changes) -> dict[str, Any]:
    """What a change is called in the API. Raises ValueError if nothing is to change, TypeError for what
    cannot be changed."""
    if unknown := changes.keys() - Changes.__annotations__.keys():
        raise TypeError(
            f"{', '.join(sorted(unknown))} cannot be changed: {', '.join(Changes.__annotations__)} can"
        )
    given: dict[str, Any] = dict(changes)
    for name in ("metadata", "custom_metadata"):
        if fields := given.pop(name, None):
            given[name] = spelled(fields)
    if not given:
        raise ValueError("nothing is to be changed: give metadata, custom_metadata, description or source")
    return given


def spelled(metadata: Metadata) -> dict[str, Any]:
    return {name: moments.spell(value) for name, value in metadata.items()}
