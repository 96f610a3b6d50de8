from typing import TYPE_CHECKING

from chalicelib.api import answers
from chalicelib.errors import NoContent, NoThumbnail, UnknownData
from chalicelib.model.data import Type, is_id
from chalicelib.storage import buckets, labels, lakes, records

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake

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


def show_data(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Show one data.

    Width and height are as displayed, the image's orientation applied; sizes are in bytes.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    return answers.found(answers.describe_data(data, labels.names_of(home.id, [data])))


def show_content(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Get the bytes.

    A redirect to the bucket, which takes no key. Images and videos are shown by browsers, all else is
    downloaded.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    if not data.live:
        raise NoContent(data.status)
    shown = _is_shown(data)
    content_type = str(data.content_type) if shown else "application/octet-stream"
    return answers.redirect(buckets.content_url(home, data, content_type=content_type, inline=shown))


def show_thumbnail(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Get the thumbnail.

    A redirect to a WebP of at most 256 pixels a side, which takes no key.
    """
    data = find(lakes.find(caller.organization, lake), id)
    if not data.thumbnail:
        raise NoThumbnail(_why_no_thumbnail(data))
    return answers.redirect(buckets.thumbnail_url(data))


def find(lake: "Lake", data_id: str) -> "Data":
    data = records.read(data_id) if is_id(data_id) else None
    if data is None or not data.shown or data.lake_id != lake.id:
        raise UnknownData(data_id)
    return data


def _is_shown(data: "Data") -> bool:
    """Only what the bytes themselves say can be trusted, and it is known only of images and videos."""
    return data.type in (Type.IMAGE, Type.VIDEO) and data.content_type in _SHOWN_BY_BROWSERS


def _why_no_thumbnail(data: "Data") -> str:
    reason = f" ({data.status_reason})" if data.status_reason else ""
    return f"the data is {data.status}{reason}"
