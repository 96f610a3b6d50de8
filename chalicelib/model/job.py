"""Long work that people can watch and cancel."""

import json
import secrets
import uuid
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.model import limits, moment

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobKind(StrEnum):
    DETACH_LABEL = "detach_label"
    """Take a tag or source that was deleted off all data that has it."""
    DELETE = "delete"
    """Forget data, or delete its objects."""
    EDIT_BY_QUERY = "edit_by_query"
    """Attach or detach tags, or edit, all data that a query finds."""
    CHECK_LINKS = "check_links"
    """Look whether what links point to is still there, and still the same."""
    DELETE_LAKE = "delete_lake"
    """Remove all that there is of a lake that was deleted."""
    CSV_IMPORT = "csv_import"
    """Make the rows of a CSV file links and objects."""
    SCAN = "scan"
    """Record all objects that a bucket lists."""
    SYNC = "sync"
    """Compare what a bucket lists with the index, and look at what differs."""
    BUCKET_IMPORT = "bucket_import"
    """Make data of objects of the bucket: of all below some prefixes, or of those that a manifest names."""
    EXPORT = "export"
    """Write all that the index of a lake says to files."""
    RESTORE = "restore"
    """Have an index say again what an export says that people wrote."""


OF_WHOLE_LAKES = frozenset({JobKind.SCAN, JobKind.SYNC})
"""Those that walk over all names of a lake's bucket."""

WALKS = OF_WHOLE_LAKES | {JobKind.BUCKET_IMPORT, JobKind.EXPORT}
"""Those that several workers share, each with a range of its own."""


IMPORTS = frozenset({JobKind.CSV_IMPORT, JobKind.BUCKET_IMPORT, JobKind.RESTORE})
"""Those that have a report."""


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


MUST_END = frozenset({JobKind.DELETE_LAKE})
"""Kinds that neither are canceled nor give up: nobody could do what they leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work in steps, each of which may be done twice. `step` counts those that are recorded, so that of two
    workers at one job only one goes on."""

    id: str
    """Grows with time, so that the order of ids is that of creation."""
    organization: str
    lake_id: str
    kind: JobKind
    task: "Mapping[str, Any]"
    """What to do, as its kind has it."""
    created_at: str
    expires_at: int
    """Seconds since the epoch."""
    state: JobState = JobState.QUEUED
    step: int = 0
    position: str | None = None
    """Where the next step begins."""
    progress: "Mapping[str, int]" = field(default_factory=dict)
    started_at: str | None = None
    finished_at: str | None = None
    error: str | None = None

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "Job":
        return cls.read(json.loads(text))

    @classmethod
    def read(cls, fields: "Mapping[str, Any]") -> "Job":
        return cls(**{**fields, "kind": JobKind(fields["kind"]), "state": JobState(fields["state"])})


def new_job(organization: str, lake_id: str, kind: JobKind, task: "Mapping[str, Any]") -> Job:
    now = moment.now()
    return Job(
        id=_new_id(int(now.timestamp() * 1000)),
        organization=organization,
        lake_id=lake_id,
        kind=kind,
        task=task,
        created_at=moment.rfc3339(now),
        expires_at=int((now + timedelta(days=limits.JOB_DAYS)).timestamp()),
    )


def _new_id(milliseconds: int) -> str:
    """Version 7, which Python makes from 3.14 on.
    Source: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7"""
    return str(
        uuid.UUID(
            int=milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
        )
    )
