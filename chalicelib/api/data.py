from typing import TYPE_CHECKING

from chalicelib.api import answers
from chalicelib.errors import NoContent, NotALink, NoTarget, NoThumbnail, UnknownData
from chalicelib.model import link
from chalicelib.model import url as urls
from chalicelib.model.data import Type, is_id
from chalicelib.storage import buckets, connectors, labels, lakes, records

if TYPE_CHECKING:
    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Bucket, Lake

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
    downloaded. What is a link, or an object that holds one, leads to where that points.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    if not data.live:
        raise NoContent(data.status)
    if data.url and not data.url.startswith(urls.S3):
        return answers.redirect(data.url)
    bucket, object_name = _target(home, data.url) if data.url else (home.home, data.object_name)
    shown = _is_shown(data)
    content_type = str(data.content_type) if shown else "application/octet-stream"
    return answers.redirect(buckets.content_url(bucket, object_name, content_type=content_type, inline=shown))


def show_link(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Export a link.

    As Dataloop writes links into buckets. An object that holds this is understood as a link, too.
    """
    data = find(lakes.find(caller.organization, lake), id)
    if data.url is None:
        raise NotALink
    return answers.found(link.as_file(data.url, data.content_type))


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


def _target(lake: "Lake", url: str) -> "tuple[Bucket, str]":
    target = urls.read(url)
    home = connectors.homes(lake.organization).get(target.host)
    if home is None:
        raise NoTarget(target.host)
    return home, target.target


def _is_shown(data: "Data") -> bool:
    """Only what the bytes themselves say can be trusted, and it is known only of images and videos."""
    return data.type in (Type.IMAGE, Type.VIDEO) and data.content_type in _SHOWN_BY_BROWSERS


def _why_no_thumbnail(data: "Data") -> str:
    reason = f" ({data.status_reason})" if data.status_reason else ""
    return f"the data is {data.status}{reason}"
