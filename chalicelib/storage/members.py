"""The records that have some tag, in the order of their creation. Written by storage/taggings.py."""

from heapq import merge
from itertools import groupby, islice
from typing import TYPE_CHECKING

from chalicelib import parallel
from chalicelib.storage import aws
from chalicelib.storage.tables import TaggingItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.lake import Lake
    from chalicelib.storage.records import Entry, Range


def positions(
    lake: "Lake", tags: "Sequence[str]", within: "Range", *, descending: bool, limit: int
) -> "list[Entry]":
    """The first `limit` records in the range that have at least one of the tags."""

    def one(tag_shard: str) -> "list[Entry]":
        with aws.calling("list taggings"):
            found = TaggingItem.query(
                tag_shard,
                TaggingItem.created_key.between(*within),
                scan_index_forward=not descending,
                limit=limit,
                page_size=limit,
            )
            return [(item.created_key, item.id) for item in found]

    found = parallel.for_each(one, [f"{tag}#{n}" for tag in tags for n in range(lake.shards)])
    return [entry for entry, _ in islice(groupby(merge(*found, reverse=descending)), limit)]
