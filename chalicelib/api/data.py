import re
from typing import TYPE_CHECKING

from chalicelib.api import answers, cursors
from chalicelib.errors import NoThumbnail, UnknownData
from chalicelib.model.data import Type
from chalicelib.query import pages
from chalicelib.storage import buckets, lakes, records

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import PageParameters, Parameters
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_SHOWN_BY_BROWSERS = frozenset(
    {
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "video/mp4",
        "video/quicktime",
        "video/webm",
    }
)
"""Formats that hold no scripts. SVG does, so it is downloaded like everything that is not listed here."""


def list_data(caller: "Caller", parameters: "PageParameters", lake: str) -> "Response":
    home = lakes.find(caller.organization, lake)
    query = _query(parameters)
    after = None if parameters.cursor is None else cursors.decode(home, query, parameters.cursor)
    page = pages.read(home, query, after, parameters.limit)
    texts = answers.fitting(page.items)
    all_fit = len(texts) == len(page.items)
    end = page.end if all_fit else records.position(page.items[len(texts) - 1], query.order)
    return answers.page(texts, None if end is None else cursors.encode(home, query, end))


def show_data(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    return answers.found(answers.describe_data(_find(lakes.find(caller.organization, lake), id)))


def show_content(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    home = lakes.find(caller.organization, lake)
    data = _find(home, id)
    shown = _is_shown(data)
    content_type = str(data.content_type) if shown else "application/octet-stream"
    return answers.redirect(buckets.content_url(home, data, content_type=content_type, inline=shown))


def show_thumbnail(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    data = _find(lakes.find(caller.organization, lake), id)
    if not data.thumbnail:
        raise NoThumbnail(_why_no_thumbnail(data))
    return answers.redirect(buckets.thumbnail_url(data))


def _query(parameters: "PageParameters") -> pages.Query:
    return pages.Query(
        order=records.Order(parameters.order_by.removeprefix("-")),
        descending=parameters.order_by.startswith("-"),
        prefix=parameters.prefix,
        status=parameters.status,
        type=parameters.type,
    )


def _find(lake: "Lake", data_id: str) -> "Data":
    data = records.read(data_id) if _ID.fullmatch(data_id) else None
    if data is None or not data.live or data.lake_id != lake.id:
        raise UnknownData(data_id)
    return data


def _is_shown(data: "Data") -> bool:
    """Only what the bytes themselves say can be trusted, and it is known only of images and videos."""
    return data.type in (Type.IMAGE, Type.VIDEO) and data.content_type in _SHOWN_BY_BROWSERS


def _why_no_thumbnail(data: "Data") -> str:
    reason = f" ({data.status_reason})" if data.status_reason else ""
    return f"the data is {data.status}{reason}"
