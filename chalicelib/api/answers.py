"""What the API says about things, in JSON."""

import json
from typing import TYPE_CHECKING, Any, TypedDict

from chalice.app import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.model.counts import Counts
    from chalicelib.model.data import Data
    from chalicelib.model.lake import Lake

_BODY_BYTES = 2_500_000
"""Lambda answers at most 6 MB, and every quote and backslash of a body counts twice in there."""

_PRIVATE = {"Cache-Control": "no-store"}


class LakeAnswer(TypedDict):
    id: str
    name: str
    organization: str
    connector: str
    bucket: str
    prefix: str
    capabilities: list[str]
    allow_delete: bool
    preprocess: str
    metadata_schema: "dict[str, Any] | None"
    quota: "dict[str, Any] | None"
    created_at: str


class LakesAnswer(TypedDict):
    items: list[LakeAnswer]
    next_cursor: None


class StatsAnswer(TypedDict):
    items: int
    bytes: int
    by_type: "Mapping[str, int]"
    by_status: "Mapping[str, int]"
    by_kind: "Mapping[str, int]"


class DataAnswer(TypedDict):
    id: str
    datalake_id: str
    kind: str
    type: str | None
    status: str
    status_reason: str | None
    object_name: str
    filename: str
    url: str | None
    size: int
    etag: str
    version_id: str | None
    content_type: str | None
    content_encoding: str | None
    last_modified: str | None
    created_at: str
    updated_at: str
    width: int | None
    height: int | None
    orientation: int | None
    channels: int | None
    metadata: "Mapping[str, Any]"
    custom_metadata: "Mapping[str, Any]"
    description: str | None
    tags: list[str]
    source: str | None
    thumbnail: bool


def describe_lake(lake: "Lake") -> LakeAnswer:
    return {
        "id": lake.id,
        "name": lake.name,
        "organization": lake.organization,
        "connector": lake.connector,
        "bucket": lake.bucket,
        "prefix": lake.prefix,
        "capabilities": [],
        "allow_delete": False,
        "preprocess": "eager",
        "metadata_schema": None,
        "quota": None,
        "created_at": lake.created_at,
    }


def describe_lakes(lakes: "Iterable[Lake]") -> LakesAnswer:
    return {"items": [describe_lake(lake) for lake in lakes], "next_cursor": None}


def describe_counts(counts: "Counts") -> StatsAnswer:
    return {
        "items": counts.items,
        "bytes": counts.bytes,
        "by_type": counts.by_type,
        "by_status": counts.by_status,
        "by_kind": counts.by_kind,
    }


def describe_data(data: "Data") -> DataAnswer:
    return {
        "id": data.id,
        "datalake_id": data.lake_id,
        "kind": data.kind,
        "type": data.type,
        "status": data.status,
        "status_reason": data.status_reason,
        "object_name": data.object_name,
        "filename": data.filename,
        "url": None,
        "size": data.size,
        "etag": data.etag,
        "version_id": data.version_id,
        "content_type": data.content_type,
        "content_encoding": data.content_encoding,
        "last_modified": data.last_modified,
        "created_at": data.created_at,
        "updated_at": data.updated_at,
        "width": data.width,
        "height": data.height,
        "orientation": data.orientation,
        "channels": data.channels,
        "metadata": data.metadata,
        "custom_metadata": data.custom_metadata,
        "description": data.description,
        "tags": sorted(data.tags),
        "source": data.source,
        "thumbnail": data.thumbnail,
    }


def fitting(items: "Iterable[Data]") -> list[str]:
    """As many of the items, as JSON, as one answer can carry."""
    texts: list[str] = []
    room = _BODY_BYTES
    for item in items:
        text = _json(describe_data(item))
        room -= len(text)
        if texts and room < 0:
            break
        texts.append(text)
    return texts


def page(texts: "Sequence[str]", next_cursor: str | None) -> Response:
    return _answer(f'{{"items":[{",".join(texts)}],"next_cursor":{_json(next_cursor)}}}')


def found(body: "Mapping[str, Any]") -> Response:
    return _answer(_json(body))


def redirect(url: str) -> Response:
    return Response("", headers={"Location": url, **_PRIVATE}, status_code=302)


def _answer(body: str) -> Response:
    return Response(body, headers={"Content-Type": "application/json", **_PRIVATE})


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
