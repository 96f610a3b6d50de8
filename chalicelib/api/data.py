from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from chalicelib.api import answers
from chalicelib.api.bodies import Body
from chalicelib.api.operations import operation
from chalicelib.downstream import looks
from chalicelib.errors import NoContent, NotALink, NoTarget, NoThumbnail, ThumbnailAwaited, UnknownData
from chalicelib.model import limits, link
from chalicelib.model import url as urls
from chalicelib.model.data import Type, is_id
from chalicelib.model.lake import Preprocess
from chalicelib.storage import buckets, connectors, labels, lakes, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


class ContentBody(Body):
    ids: Annotated[list[str], Field(min_length=1, max_length=limits.IDS_AT_ONCE)]
    """Of data. Each counts once, however often it is named."""
    download: bool = False
    """To be saved as files, also what browsers could show."""


@operation(answers={200: answers.DataAnswer}, errors=(UnknownData,))
def show_data(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Show one data.

    Width and height are as displayed, the image's orientation applied; sizes are in bytes. In a datalake
    whose `preprocess` is `lazy`, the bytes of what is `indexed` are looked at from now on.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    looks.ask(home, [data])
    return answers.found(answers.describe_data(data, labels.names_of(home.id, [data])))


@operation(answers={302: None}, errors=(UnknownData, NoTarget, NoContent))
def show_content(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Get the bytes.

    A redirect to the bucket, which takes no key. Images and videos are shown by browsers, all else is
    downloaded. What is a link, or an object that holds one, leads to where that points.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    if not data.live:
        raise NoContent(data.status)
    return answers.redirect(_locate(home, data, _homes(home, [data])))


@operation(body=ContentBody, answers={200: answers.ContentsAnswer})
def locate_content(caller: "Caller", parameters: "Parameters", body: ContentBody, lake: str) -> "Response":
    """Locate the bytes of many data.

    Where each lies, for 15 minutes, without a key; `missing` are the ids of no data in this datalake, of data
    that has no bytes yet, and of links into buckets that no active connector reaches.
    """
    home = lakes.find(caller.organization, lake)
    ids = list(dict.fromkeys(body.ids))
    found = records.read_all(ids)
    there = [data for data in map(found.get, ids) if data and data.live and data.lake_id == home.id]
    homes, located = _homes(home, there), {}
    for data in there:
        with suppress(NoTarget):
            located[data.id] = _locate(home, data, homes, shown=not body.download)
    items = [answers.describe_content(*each) for each in located.items()]
    return answers.found({"items": items, "missing": [each for each in ids if each not in located]})


@operation(answers={200: answers.LinkFileAnswer}, errors=(UnknownData, NotALink))
def show_link(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Export a link.

    As Dataloop writes links into buckets. An object that holds this is understood as a link, too.
    """
    data = find(lakes.find(caller.organization, lake), id)
    if data.url is None:
        raise NotALink
    return answers.found(link.as_file(data.url, data.content_type))


@operation(answers={302: None}, errors=(UnknownData, NoThumbnail, ThumbnailAwaited))
def show_thumbnail(caller: "Caller", parameters: "Parameters", lake: str, id: str) -> "Response":
    """Get the thumbnail.

    A redirect to a WebP of at most 256 pixels a side, which takes no key. One that is still to be made is a
    404 with the code `not_ready` and `Retry-After`: the same call gets it some seconds later. In a datalake
    whose `preprocess` is `lazy`, this call has it made, and in all but those where it is `off`, it has one
    made again whose file was removed.
    """
    home = lakes.find(caller.organization, lake)
    data = find(home, id)
    if data.thumbnail and buckets.holds_thumbnail(data):
        return answers.redirect(buckets.thumbnail_url(data))
    if home.preprocess is Preprocess.OFF or (data.complete and not data.thumbnail) or not data.live:
        raise NoThumbnail(_why_no_thumbnail(data))
    if data.thumbnail:
        looks.ask_again(home, data)
    else:
        looks.ask(home, [data])
    raise ThumbnailAwaited


def find(lake: "Lake", data_id: str) -> "Data":
    data = records.read(data_id) if is_id(data_id) else None
    if data is None or not data.shown_in(lake.id):
        raise UnknownData(data_id)
    return data


def _homes(lake: "Lake", found: "Iterable[Data]") -> "Mapping[str, Bucket]":
    """The buckets that links may point into, read only where one does."""
    points = any(data.url and data.url.startswith(urls.S3) for data in found)
    return connectors.homes(lake.organization) if points else {}


def _locate(lake: "Lake", data: "Data", homes: "Mapping[str, Bucket]", *, shown: bool = True) -> str:
    """`shown`: by browsers, where they can do so safely. Raises NoTarget where no connector reaches it."""
    if data.url and not data.url.startswith(urls.S3):
        return data.url
    bucket, object_name = lake.home, data.object_name
    if data.url:
        target = urls.read(data.url)
        if target.host not in homes:
            raise NoTarget(target.host)
        bucket, object_name = homes[target.host], target.target
    inline = shown and _is_shown(data)
    content_type = str(data.content_type) if inline else "application/octet-stream"
    return buckets.content_url(bucket, object_name, content_type=content_type, inline=inline)


def _is_shown(data: "Data") -> bool:
    """Only what the bytes themselves say can be trusted, and it is known only of images and videos."""
    return data.type in (Type.IMAGE, Type.VIDEO) and data.content_type in _SHOWN_BY_BROWSERS


def _why_no_thumbnail(data: "Data") -> str:
    if data.thumbnail:
        return "its file was removed, and the datalake's preprocess is off"
    reason = f" ({data.status_reason})" if data.status_reason else ""
    return f"the data is {data.status}{reason}"
