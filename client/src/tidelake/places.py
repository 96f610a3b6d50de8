"""What belongs to one datalake, and calls the API below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tidelake.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidelake.datalakes import Datalake
    from tidelake.wire import Wire


class Place:
    """A part of what a datalake can do: each part is a room of its own, and `Datalake` is all of them."""

    id: str
    wire: Wire

    def call(self, method: str, *steps: str, **given: Any) -> Any:
        """A call of the API below this datalake: see `Wire.call`."""
        return self.wire.call(method, "datalakes", self.id, *steps, **given)

    def begin(self, *steps: str, body: Mapping[str, Any]) -> Job:
        """The job that a call below this datalake begins."""
        return Job._read(self.wire, self.call("POST", *steps, body=body)["job"])

    @property
    def _whole(self) -> Datalake:
        return cast("Datalake", self)
