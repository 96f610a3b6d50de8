"""Tags and sources: names that a datalake gives to its data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tidelake import moments
from tidelake.data import ids_of
from tidelake.errors import NotFound
from tidelake.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from typing_extensions import Self

    from tidelake.data import Data, MultiData
    from tidelake.datalakes import Datalake
    from tidelake.outcomes import Change


@dataclass(frozen=True)
class Label:
    """A name in a datalake, the same in any case and Unicode form."""

    GROUP: ClassVar[str]

    id: str
    name: str
    count: int
    """Data that had it, some seconds before this was asked."""
    created_at: datetime
    _lake: Datalake = field(repr=False, compare=False)

    @classmethod
    def _read(cls, lake: Datalake, found: Mapping[str, Any]) -> Self:
        created_at = moments.parse(found["created_at"])
        return cls(found["id"], found["name"], found["count"], created_at, lake)

    def refresh(self) -> Self:
        """As it is now. Raises NotFound."""
        return self._read(self._lake, self._lake.call("GET", self.GROUP, self.name))

    def rename(self, name: str) -> Self:
        """Under its new name, which all its data shows at once.

        Raises Conflict if the name is another's, NotFound.
        """
        try:
            return self._read(
                self._lake, self._lake.call("PATCH", self.GROUP, self.name, body={"name": name})
            )
        except NotFound:
            # An attempt whose answer was lost may have renamed it.
            found = self._read(self._lake, self._lake.call("GET", self.GROUP, name))
            if found.id == self.id:
                return found
            raise

    def delete(self) -> Job:
        """Take it off all data. Its name is free at once; the job takes it off. Raises NotFound."""
        found = self._lake.call("DELETE", self.GROUP, self.name)
        return Job._read(self._lake.wire, found["job"])


@dataclass(frozen=True)
class Tag(Label):
    """What data is about.

    >>> tag = lake.get_or_create_data_tag("night")
    >>> tag.rename("by night").name
    'by night'
    """

    GROUP = "tags"

    def attach(self, data: Data | Iterable[Data]) -> Change:
        """Give it to data, which may have it already."""
        return self._lake.add_tags([self.name], ids=ids_of(data))

    def detach(self, data: Data | Iterable[Data]) -> Change:
        """Take it off data, which need not have it."""
        return self._lake.remove_tags([self.name], ids=ids_of(data))

    def list_data(self) -> MultiData:
        """The data that has it."""
        return self._lake.list_data(tags=[self.name])


@dataclass(frozen=True)
class Source(Label):
    """Where data comes from, as a camera. Data has one, or none."""

    GROUP = "sources"

    def list_data(self) -> MultiData:
        """The data that comes from it."""
        return self._lake.list_data(source=self.name)


def names(tags: str | Iterable[str]) -> list[str]:
    """Each once. One that is given alone is one, not its letters."""
    return [tags] if isinstance(tags, str) else list(dict.fromkeys(tags))
