"""What people write of data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from tidelake import moments


class Keep(Enum):
    """What is not given, where None means something."""

    KEEP = "keep"


KEEP = Keep.KEEP

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar | datetime | None]
"""Fields and what they become; None clears. Times have a zone."""

Text = str | None | Keep


def body(
    metadata: Metadata | None, custom_metadata: Metadata | None, description: Text, source: Text
) -> dict[str, Any]:
    """What a change is called in the API. Raises ValueError if nothing is to change."""
    given: dict[str, Any] = {}
    if metadata:
        given["metadata"] = spelled(metadata)
    if custom_metadata:
        given["custom_metadata"] = spelled(custom_metadata)
    given |= {
        name: value
        for name, value in {"description": description, "source": source}.items()
        if value is not KEEP
    }
    if not given:
        raise ValueError("nothing is to be changed: give metadata, custom_metadata, description or source")
    return given


def spelled(metadata: Metadata) -> dict[str, Any]:
    return {name: moments.spell(value) for name, value in metadata.items()}
