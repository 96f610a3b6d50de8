"""The tags and sources of a datalake."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tidelake.labels import Label, Source, Tag
from tidelake.places import Place

if TYPE_CHECKING:
    from typing import TypeVar

    L = TypeVar("L", bound=Label)


class Vocabulary(Place):
    def create_data_tag(self, name: str) -> Tag:
        """Raises Conflict if there is one of this name, in any case and Unicode form."""
        return self._create(Tag, name)

    def get_data_tag(self, name: str) -> Tag:
        """Raises NotFound."""
        return self._get(Tag, name)

    def get_or_create_data_tag(self, name: str) -> Tag:
        """All who ask for one name at once get the same tag."""
        return self._get_or_create(Tag, name)

    def list_data_tags(self, *, limit: int | None = None) -> list[Tag]:
        """By name, all of them.

        >>> [tag.name for tag in lake.list_data_tags()]
        []
        """
        return self._list(Tag, limit)

    def create_data_source(self, name: str) -> Source:
        """Raises Conflict if there is one of this name."""
        return self._create(Source, name)

    def get_data_source(self, name: str) -> Source:
        """Raises NotFound."""
        return self._get(Source, name)

    def get_or_create_data_source(self, name: str) -> Source:
        """All who ask for one name at once get the same source."""
        return self._get_or_create(Source, name)

    def list_data_sources(self, *, limit: int | None = None) -> list[Source]:
        """By name, all of them."""
        return self._list(Source, limit)

    def _create(self, kind: type[L], name: str) -> L:
        return kind._read(self._whole, self.call("POST", kind.GROUP, body={"name": name}, creates=True))

    def _get(self, kind: type[L], name: str) -> L:
        return kind._read(self._whole, self.call("GET", kind.GROUP, name))

    def _get_or_create(self, kind: type[L], name: str) -> L:
        return kind._read(self._whole, self.call("PUT", kind.GROUP, name))

    def _list(self, kind: type[L], limit: int | None) -> list[L]:
        found = self.wire.pages("datalakes", self.id, kind.GROUP, limit=limit)
        return [kind._read(self._whole, each) for each in islice(found, limit)]
