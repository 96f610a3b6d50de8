"""The records that have some tag, in the order of their creation. Written by storage/taggings.py."""

from itertools import groupby, islice
from typing import TYPE_CHECKING

from chalicelib.config import config
from chalicelib.storage import shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.lake import Lake
    from chalicelib.storage.records import Entry, Range


def positions(
    lake: "Lake", tags: "Sequence[str]", within: "Range", *, descending: bool, limit: int
) -> "list[Entry]":
    """The first `limit` records in the range that have at least one of the tags."""

    index = shards.Index(table=config.taggings_table, shard="tag_shard", key="created_key")
    sections = [(f"{tag}#{n}", within) for tag in tags for n in range(lake.shards)]
    share = shards.share(limit, lake.shards)
    found = shards.entries(index, sections, descending=descending, share=share)
    return [entry for entry, _ in islice(groupby(found), limit)]
