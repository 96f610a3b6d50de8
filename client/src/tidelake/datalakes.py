"""A named view of one bucket under one prefix, and all that can be done with what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tidelake import moments
from tidelake.edits import KEEP
from tidelake.holdings import Holdings
from tidelake.intake import Intake
from tidelake.jobs import Job
from tidelake.remarks import Remarks
from tidelake.vocabulary import Vocabulary
from tidelake.works import Works

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from tidelake.edits import Keep
    from tidelake.wire import Wire


@dataclass(frozen=True)
class Stats:
    """Counts of live data, some seconds old."""

    items: int
    bytes: int
    by_type: Mapping[str, int]
    by_status: Mapping[str, int]
    by_kind: Mapping[str, int]


@dataclass(frozen=True)
class Datalake(Holdings, Remarks, Intake, Works, Vocabulary):
    """A datalake, as it was when the API was asked."""

    id: str
    name: str
    organization: str
    connector: str
    bucket: str
    prefix: str
    """What all object names begin with; empty is the whole bucket."""
    capabilities: list[str]
    """What it can: `upload`, `import`."""
    allow_delete: bool
    """Whether objects may be deleted through the API."""
    preprocess: str
    """`eager`, `lazy` or `off`."""
    metadata_schema: Mapping[str, Any] | None
    """What custom metadata may hold."""
    quota: Mapping[str, Any] | None
    """The most `items` and `bytes` that it is to hold, each a number or None."""
    over_quota: bool
    """Whether it holds more."""
    notifications: Mapping[str, Any] | None
    """Whether its bucket tells of its changes."""
    created_at: datetime
    wire: Wire = field(repr=False, compare=False)

    @classmethod
    def _read(cls, wire: Wire, found: Mapping[str, Any]) -> Datalake:
        told: dict[str, Any] = {name: found.get(name) for name in cls.__dataclass_fields__ if name != "wire"}
        return cls(**told | {"created_at": moments.parse(found["created_at"])}, wire=wire)

    def refresh(self) -> Datalake:
        """As it is now. Raises NotFound."""
        return self._read(self.wire, self.call("GET"))

    def stats(self) -> Stats:
        """How many items and bytes it holds.

        >>> lake.stats().by_type["image"]
        3
        """
        found = self.call("GET", "stats")
        return Stats(**{name: found[name] for name in Stats.__dataclass_fields__})

    def update(
        self,
        *,
        name: str | None = None,
        preprocess: Literal["eager", "lazy", "off"] | None = None,
        metadata_schema: Mapping[str, Any] | Keep | None = KEEP,
        quota: Mapping[str, Any] | Keep | None = KEEP,
    ) -> Datalake:
        """With another name, preprocess, schema or quota; what is not given stays. Needs an admin's key.

        Without any change the bucket is asked again to tell of its changes.
        """
        given = {"name": name, "preprocess": preprocess}
        changes: dict[str, Any] = {each: value for each, value in given.items() if value is not None}
        if metadata_schema is not KEEP:
            changes["metadata_schema"] = metadata_schema
        if quota is not KEEP:
            changes["quota"] = quota
        return self._read(self.wire, self.call("PATCH", body=changes))

    def delete(self, *, confirm: str) -> Job:
        """Forget the datalake and its index. Nothing in its bucket changes. Needs an admin's key.

        `confirm` is its name.
        """
        return Job._read(self.wire, self.call("DELETE", query={"confirm": confirm})["job"])
