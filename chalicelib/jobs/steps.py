from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.model.keyrange import Part

RECORDS_PER_STEP = 500
"""Some seconds of work, so that a job that is interrupted or canceled has little to do again."""


@dataclass(frozen=True, slots=True)
class Step:
    position: str | None
    """Where the next one begins. None: this was the last."""
    progress: "Mapping[str, int]" = field(default_factory=dict)
    """What this one adds to the job's."""
    pause: int = 0
    """Seconds, at most 900, until the next one may begin."""
    part: "Part | None" = None
    """What it wrote."""
