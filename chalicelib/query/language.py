"""The query language: text → tree. Its grammar is in grammar.lark, its meaning in docs/query.md."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.query.tree import Tree


def parse(text: str, schema: "Mapping[str, Any] | None" = None) -> "Tree":
    """For a lake with this schema of custom metadata. Raises InvalidQuery, which says where it is wrong."""
    # Only now: the parser would cost every function's cold start a fifth of a second.
    from chalicelib.query import reader

    return reader.read(text, schema)
