import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from chalicelib.model.job import Job


class Phase(StrEnum):
    """A job's walks, one after the other."""

    FIND = "find"
    REMOVE = "remove"
    """What is missing is hinted only now that all of it is counted."""
    JOIN = "join"
    """What the ranges wrote becomes files. Its positions are numbers of parts, and no names."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One range of a job, to be walked: the message to the walker. It holds all of the job, so that no job
    waits that nobody works at."""

    job: Job
    phase: Phase = Phase.FIND
    range_id: str = "0"

    @property
    def walk(self) -> str:
        return walk_of(self.job, self.phase)

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Errand":
        fields = json.loads(text)
        return cls(Job.read(fields["job"]), Phase(fields["phase"]), fields["range_id"])


def walk_of(job: Job, phase: Phase) -> str:
    return f"{job.id}#{phase}"
