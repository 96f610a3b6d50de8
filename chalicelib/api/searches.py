"""Which data: by parameters, by a body, by the query language, or the one."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from chalicelib.api import answers, bodies, cursors
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.api.parameters import Conditions, Name, PageParameters, Parameters
from chalicelib.downstream import looks
from chalicelib.errors import Ambiguous, InvalidBody, InvalidCursor, InvalidQuery, InvalidRequest, UnknownData
from chalicelib.model import limits
from chalicelib.query import fields, folders, language, pages
from chalicelib.query.pages import Query
from chalicelib.query.tree import Clause, Operator, conjoin
from chalicelib.storage import buckets, labels, lakes, meters
from chalicelib.storage.records import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake
    from chalicelib.query.tree import Tree

Names = Annotated[tuple[Name, ...], Field(max_length=limits.IDS_AT_ONCE)]

_AMBIGUOUS = 100
"""Ids that are told of what is meant."""

_NEEDED = "At least one of these should be given"


class SearchBody(Conditions, Body):
    """Which data, in which order. All that is given must hold; null is as if it were not given."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    """How many items, or items and folders, a page holds at most."""
    cursor: str | None = None
    """`next_cursor` of the page before, asked with the same other fields. None: the first page."""
    ids: Names | None = None
    """Data with one of these ids. Unknown ones are nothing."""
    object_names: Names | None = None
    """Data with one of these object names."""
    filenames: Names | None = None
    """Data with one of these file names. Cheapest in the order of file names."""
    delimiter: Literal["/"] | None = None
    """Only data directly under `prefix`, by object name, and as `folders` the folders there in which any data
    fulfils the conditions."""


class FindParameters(Parameters):
    id: Name | None = None
    """As in answers."""
    object_name: Name | None = None
    """The whole object name."""
    filename: Name | None = None
    """What follows the last `/` of the object name, or all of it."""


@operation(PageParameters, answers={200: answers.SearchAnswer}, errors=(InvalidQuery,))
def list_data(caller: "Caller", parameters: "PageParameters", lake: str) -> "Response":
    """List data.

    In the order asked for, names by their UTF-8 bytes. What is there throughout is shown exactly once,
    whatever comes and goes meanwhile. A page may hold fewer items than `limit` though more follow: the last
    page is the one without `next_cursor`.
    """
    return _page(lakes.find(caller.organization, lake), parameters)


@operation(body=SearchBody, answers={200: answers.SearchAnswer}, errors=(InvalidQuery, InvalidCursor))
def search_data(caller: "Caller", parameters: "Parameters", body: SearchBody, lake: str) -> "Response":
    """Search data.

    As listing does, and also by up to 1,000 ids or names, and folder by folder. Who asks by `ids` asks as by
    each of them: in a datalake whose `preprocess` is `lazy`, their bytes are looked at from now on.
    """
    if body.delimiter and "order_by" in body.model_fields_set and "object_name" not in body.order_by:
        raise InvalidBody((bodies.pointer("order_by"), "Folders are listed by object_name"))
    return _page(lakes.find(caller.organization, lake), body)


@operation(FindParameters, answers={200: answers.DataAnswer}, errors=(UnknownData, Ambiguous))
def find_data(caller: "Caller", parameters: FindParameters, lake: str) -> "Response":
    """Find the one data.

    By at least one of its id, its object name and its file name. None is a 404; several are a 409, with
    their `ids`.
    """
    home = lakes.find(caller.organization, lake)
    if not parameters.model_fields_set:
        raise InvalidRequest(
            *((name, "One of these should be given") for name in FindParameters.model_fields)
        )
    query = Query(order=Order.FILENAME, where=conjoin(_named(parameters)))
    found = pages.read(home, query, None, _AMBIGUOUS).items
    if not found:
        raise UnknownData
    if len(found) > 1:
        raise Ambiguous(*(data.id for data in found))
    looks.ask(home, found)
    return answers.found(answers.describe_data(found[0], labels.names_of(home.id, found)))


def _page(lake: "Lake", asked: "PageParameters | SearchBody") -> "Response":
    query = _query(lake, asked)
    after = None if asked.cursor is None else cursors.decode(lake, query, asked.cursor)
    read = pages.read if query.under is None else folders.read
    with meters.metered() if asked.explain else nullcontext() as meter:
        page = read(lake, query, after, asked.limit)
    names = labels.names_of(lake.id, page.items)
    texts = answers.fitting(page.items, names, _thumbnail_url if asked.thumbnails else None)
    if len(texts) < len(page.items):
        page = page.cut(query, len(texts))
    if asked.thumbnails or (isinstance(asked, SearchBody) and asked.ids is not None):
        looks.ask(lake, page.items)
    more: dict[str, object] = {}
    if query.under is not None:
        more["folders"] = page.folders
    if meter:
        more["plan"] = answers.describe_plan(page, meter)
    return answers.page(texts, None if page.end is None else cursors.encode(lake, query, page.end), more)


def _thumbnail_url(data: "Data") -> str | None:
    return buckets.thumbnail_url(data) if data.thumbnail else None


def _query(lake: "Lake", asked: "PageParameters | SearchBody") -> Query:
    delimited = isinstance(asked, SearchBody) and asked.delimiter is not None
    return Query(
        order=Order.OBJECT_NAME if delimited else Order(asked.order_by.removeprefix("-")),
        descending=asked.order_by.startswith("-"),
        where=conjoin(_conditions(lake, asked)),
        under=asked.prefix if delimited else None,
    )


def _conditions(lake: "Lake", asked: "PageParameters | SearchBody") -> "Iterator[Tree]":
    if asked.prefix:
        yield Clause(fields.OBJECT_NAME, Operator.STARTS_WITH, (asked.prefix,))
    yield from _named(asked)
    for field in (fields.KIND, fields.STATUS, fields.TYPE, fields.SOURCE):
        if (value := getattr(asked, field.name)) is not None:
            yield Clause(field, Operator.EQUAL, (str(value),))
    if asked.tags is not None:
        yield from _tagged(asked.tags, every=asked.intersect_tags)
    if isinstance(asked, SearchBody):
        yield from _listed(asked)
    if asked.q is not None:
        yield language.parse(asked.q, lake.metadata_schema)


def _named(asked: "PageParameters | SearchBody | FindParameters") -> "Iterator[Tree]":
    for field in (fields.ID, fields.OBJECT_NAME, fields.FILENAME):
        if (value := getattr(asked, field.name, None)) is not None:
            yield Clause(field, Operator.EQUAL, (value,))


def _tagged(names: "Sequence[str]", *, every: bool) -> "Iterator[Tree]":
    if every:
        for name in sorted(set(names)):
            yield Clause(fields.TAGS, Operator.EQUAL, (name,))
    else:
        yield Clause(fields.TAGS, Operator.IN, tuple(sorted(set(names))))


def _listed(asked: SearchBody) -> "Iterator[Tree]":
    lists = {fields.ID: asked.ids, fields.OBJECT_NAME: asked.object_names, fields.FILENAME: asked.filenames}
    for field, values in lists.items():
        if values is not None:
            yield Clause(field, Operator.IN, tuple(sorted(set(values))))
