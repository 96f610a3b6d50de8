"""What the API says about things, in JSON."""

import json
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

from chalice.app import Response
from pydantic import WithJsonSchema

from chalicelib.config import config
from chalicelib.downstream.outcomes import OutcomeKind, failed
from chalicelib.model import estimate, grants
from chalicelib.model.connector import ConnectorKind, ConnectorState, Permission
from chalicelib.model.data import Health, Kind, Reason, Status, Type
from chalicelib.model.job import JobKind, JobState
from chalicelib.model.key import Role
from chalicelib.model.lake import Notified, Preprocess
from chalicelib.query.plans import Sorted
from chalicelib.query.tree import conjuncts

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from chalicelib.api.callers import Caller
    from chalicelib.downstream.outcomes import Outcome
    from chalicelib.model.connector import Connector, Findings
    from chalicelib.model.counts import Counts
    from chalicelib.model.data import Data
    from chalicelib.model.job import Job
    from chalicelib.model.key import ApiKey
    from chalicelib.model.label import Label
    from chalicelib.model.lake import Lake
    from chalicelib.query.pages import Page
    from chalicelib.storage.meters import Meter
    from chalicelib.storage.transfers import Form

_BODY_BYTES = 2_500_000
"""Lambda answers at most 6 MB, and every quote and backslash of a body counts twice in there."""

_ANSWER_BYTES = 5_900_000
"""The same limit, where what counts twice is counted, with room for a thousand entries that failed."""

_PRIVATE = {"Cache-Control": "no-store"}


type Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339, in UTC, with milliseconds."""


class NotificationsAnswer(TypedDict):
    state: Notified
    """`connected` or `eventbridge`: the bucket tells of its changes. `pending`: nothing has been heard of it
    yet. `failed`: it does not."""
    detail: str | None
    """What is to be done."""


class QuotaAnswer(TypedDict):
    items: int | None
    bytes: int | None


class LakeAnswer(TypedDict):
    id: str
    name: str
    organization: str
    connector: str
    bucket: str
    prefix: str
    capabilities: list[str]
    """What was proved of its connector: `upload` and `import`."""
    allow_delete: bool
    """Whether objects may be deleted through the API, as its connector has it."""
    preprocess: Preprocess
    metadata_schema: dict[str, Any] | None
    quota: QuotaAnswer | None
    over_quota: bool
    """Whether it holds more than that, as of some seconds ago."""
    notifications: NotificationsAnswer
    created_at: Moment
    job: NotRequired["JobAnswer"]
    """Where it was created with a scan: that one."""


class LakesAnswer(TypedDict):
    items: list[LakeAnswer]
    next_cursor: None


class StatsAnswer(TypedDict):
    items: int
    bytes: int
    by_type: Mapping[str, int]
    by_status: Mapping[str, int]
    by_kind: Mapping[str, int]
    quota: QuotaAnswer | None
    over_quota: bool


class DataAnswer(TypedDict):
    id: str
    datalake_id: str
    kind: Kind
    type: Type | None
    status: Status
    status_reason: Reason | None
    object_name: str
    filename: str
    url: str | None
    """Where a link points to, or where an object says that it does, whose bytes are those of a link."""
    health: Health | None
    """Of a link: what was found there at `checked_at`."""
    checked_at: Moment | None
    size: int | None
    """In bytes. Of a link as its target was when it was fetched, and so are `etag` and `last_modified`."""
    etag: str | None
    """Null until there are bytes."""
    version_id: str | None
    content_type: str | None
    content_encoding: str | None
    last_modified: Moment | None
    created_at: Moment
    updated_at: Moment
    width: int | None
    height: int | None
    orientation: int | None
    channels: int | None
    metadata: Mapping[str, Any]
    custom_metadata: Mapping[str, Any]
    description: str | None
    tags: list[str]
    source: str | None
    thumbnail: bool
    thumbnail_url: NotRequired[str | None]
    """Where `thumbnails` are asked for: valid for 15 minutes, without a key. Null: there is none."""


class ContentAnswer(TypedDict):
    id: str
    url: str


class LocationAnswer(TypedDict):
    url: str
    """Valid for 15 minutes, without a key."""


class ContentsAnswer(TypedDict):
    items: list[ContentAnswer]
    missing: list[str]
    """Ids of no data in this datalake, and of data that has no bytes yet."""


class PageAnswer(TypedDict):
    items: list[DataAnswer]
    next_cursor: str | None
    """To be asked for as `cursor`. Null: nothing follows."""


class PlanAnswer(TypedDict):
    access: str
    """`id`, `prefix`, `filename`, `tag`, `created_at`, `order` (all of the datalake is wanted), `scan` (all
    of it was in the way) or `none` (nothing can be what was asked for)."""
    index: str
    bounds: str | None
    """The conditions that the index saw to, long lists shortened."""
    filter: str | None
    """The conditions that were checked of each data that was read."""
    sorted: bool
    """Whether all data within the bounds was read for this page, and sorted."""
    items_read: int
    """Entries of indexes and data together."""
    requests: int
    """To the database."""
    capacity: float
    """Of the database, in read units."""


class SearchAnswer(PageAnswer):
    folders: NotRequired[list[str]]
    """Where a delimiter was given: their whole names."""
    plan: NotRequired[PlanAnswer]
    """Where it was to be explained."""


class LabelAnswer(TypedDict):
    id: str
    name: str
    count: int
    """Data that has it, as of some seconds ago."""
    created_at: Moment


class LabelsAnswer(TypedDict):
    items: list[LabelAnswer]
    next_cursor: str | None


class FailureAnswer(TypedDict):
    id: str
    code: str
    detail: str


class ChangeAnswer(TypedDict):
    changed: int
    """Data that is not as it was."""
    missing: list[str]
    """Ids of no data in this datalake."""
    failed: list[FailureAnswer]
    """Data that stays as it was, and why."""


class LinkedEntryAnswer(TypedDict):
    index: int
    """Of the entry, from 0."""
    data: DataAnswer


class FormAnswer(TypedDict):
    method: Literal["POST"]
    url: str
    fields: Mapping[str, str]
    """Of `multipart/form-data`, all before `file`."""


class PutAnswer(TypedDict):
    method: Literal["PUT"]
    url: str
    headers: Mapping[str, str]
    """To be sent with exactly the announced number of bytes."""


class PartAnswer(TypedDict):
    number: int
    url: str
    """For a PUT of the part."""


class PartsAnswer(TypedDict):
    parts: list[PartAnswer]
    next: int | None
    """Number of the first part that follows, to be asked for as `first`."""


class MultipartAnswer(PartsAnswer):
    method: Literal["MULTIPART"]
    upload_id: str
    part_size: int
    """In bytes, of each but the last."""
    part_count: int


type TicketAnswer = FormAnswer | PutAnswer | MultipartAnswer


class AnnouncedAnswer(TypedDict):
    index: int
    """Of the entry, from 0."""
    data: DataAnswer
    upload: FormAnswer | PutAnswer | MultipartAnswer


class FailedEntryAnswer(TypedDict):
    index: int
    code: str
    detail: str
    retryable: bool
    """Whether it may succeed as it is."""


class SkippedEntryAnswer(TypedDict):
    index: int
    code: Literal["exists"]
    data: DataAnswer | None
    """Null: so far only the bucket knows the object."""


class LinkedAnswer(TypedDict):
    ok: list[LinkedEntryAnswer]
    failed: list[FailedEntryAnswer]
    skipped: list[SkippedEntryAnswer]


class UploadsAnswer(TypedDict):
    ok: list[AnnouncedAnswer]
    failed: list[FailedEntryAnswer]
    skipped: list[SkippedEntryAnswer]


class LinkInfoAnswer(TypedDict):
    type: Literal["url"]
    ref: str
    mimetype: str | None


class LinkMetadataAnswer(TypedDict):
    dltype: Literal["link"]
    linkInfo: LinkInfoAnswer


class LinkFileAnswer(TypedDict):
    type: Literal["link"]
    shebang: Literal["dataloop"]
    metadata: LinkMetadataAnswer


class CompletedAnswer(TypedDict):
    id: str
    object_name: str


class ProgressItemAnswer(TypedDict):
    id: str
    status: Status
    status_reason: Reason | None
    etag: str | None


class ProgressAnswer(TypedDict):
    by_status: Mapping[str, int]
    items: list[ProgressItemAnswer]
    missing: list[str]
    """Ids of no data in this datalake."""


class DeletionAnswer(TypedDict):
    id: str
    outcome: Literal["forgotten", "deleted"]
    detail: str
    """What that means for the object, or for the index."""


class EstimateAnswer(TypedDict):
    objects: int
    bytes: int
    calls: int
    """Requests to S3, DynamoDB and SQS."""
    usd: float
    """At list prices, for images of two megapixels."""


class JobAnswer(TypedDict):
    id: str
    kind: JobKind
    datalake_id: str
    state: JobState
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    progress: Mapping[str, int | EstimateAnswer]
    """Counts of what was done so far."""
    error: str | None
    """Why it failed."""


class BegunAnswer(TypedDict):
    job: JobAnswer


class ImportAnswer(TypedDict):
    job: JobAnswer
    upload: FormAnswer | None
    """Valid for 15 minutes. Null: the file is there."""


class JobsAnswer(TypedDict):
    items: list[JobAnswer]
    next_cursor: str | None


class ConnectorAnswer(TypedDict):
    id: str
    name: str
    kind: ConnectorKind
    bucket: str
    region: str
    bucket_owner: str | None
    """The account that must own the bucket, known from the first check that succeeds."""
    endpoint_url: str | None
    role_arn: str | None
    external_id: str | None
    """What the role must ask for. It is this connector's alone and never changes."""
    allow_delete: bool
    state: ConnectorState
    state_reason: str | None
    policy: dict[str, Any] | None
    """What to grant to the role or to the user of the keys, as a policy of IAM."""
    trust_policy: dict[str, Any] | None
    """What the role has to say of who may assume it."""
    created_at: Moment
    checked_at: Moment | None


class ConnectorsAnswer(TypedDict):
    items: list[ConnectorAnswer]
    next_cursor: None


class FindingsAnswer(TypedDict):
    can_list: bool
    can_read: bool
    can_write: bool
    can_overwrite: bool
    can_delete: bool
    can_notify: bool
    """Whether it can be arranged that changes of the bucket are told."""
    errors: Mapping[str, str]
    """Why not, and what to grant, by the names above."""
    state: ConnectorState
    state_reason: str | None


class CallerAnswer(TypedDict):
    organization: str
    role: Role
    key_id: str


class KeyAnswer(TypedDict):
    id: str
    name: str
    role: Role
    organization: str
    created_at: Moment
    expires_at: Moment | None


class NewKeyAnswer(KeyAnswer):
    key: str


class KeysAnswer(TypedDict):
    items: list[KeyAnswer]
    next_cursor: str | None


def describe_lake(lake: "Lake", connector: "Connector | None", *, over_quota: bool) -> LakeAnswer:
    proved = connector.grants if connector else frozenset()
    return {
        "id": lake.id,
        "name": lake.name,
        "organization": lake.organization,
        "connector": lake.connector,
        "bucket": lake.bucket,
        "prefix": lake.prefix,
        "capabilities": [name for permission, name in _CAPABILITIES.items() if permission in proved],
        "allow_delete": bool(connector and connector.allow_delete),
        "preprocess": lake.preprocess,
        "metadata_schema": None if lake.metadata_schema is None else dict(lake.metadata_schema),
        "quota": _describe_quota(lake),
        "over_quota": over_quota,
        "notifications": {"state": lake.notified, "detail": lake.notified_detail},
        "created_at": lake.created_at,
    }


_CAPABILITIES = {Permission.WRITE: "upload", Permission.LIST: "import"}


def describe_lakes(
    lakes: "Iterable[Lake]", connectors: "Iterable[Connector]", over_quota: "Container[str]"
) -> LakesAnswer:
    by_id = {connector.id: connector for connector in connectors}
    return {
        "items": [
            describe_lake(lake, by_id.get(lake.connector), over_quota=lake.id in over_quota) for lake in lakes
        ],
        "next_cursor": None,
    }


def _describe_quota(lake: "Lake") -> QuotaAnswer | None:
    return {"items": lake.quota.items, "bytes": lake.quota.bytes} if lake.quota else None


def describe_connector(connector: "Connector") -> ConnectorAnswer:
    is_role = connector.kind is ConnectorKind.ROLE
    return {
        "id": connector.id,
        "name": connector.name,
        "kind": connector.kind,
        "bucket": connector.bucket,
        "region": connector.region,
        "bucket_owner": connector.bucket_owner,
        "endpoint_url": connector.endpoint_url,
        "role_arn": connector.role_arn,
        "external_id": connector.external_id,
        "allow_delete": connector.allow_delete,
        "state": connector.state,
        "state_reason": connector.state_reason,
        "policy": None if connector.kind is ConnectorKind.STACK else grants.policy(connector),
        "trust_policy": grants.trust_policy(connector, config.trusted_roles) if is_role else None,
        "created_at": connector.created_at,
        "checked_at": connector.checked_at,
    }


def describe_findings(connector: "Connector", findings: "Findings") -> FindingsAnswer:
    return {
        "can_list": Permission.LIST in findings.grants,
        "can_read": Permission.READ in findings.grants,
        "can_write": Permission.WRITE in findings.grants,
        "can_overwrite": Permission.OVERWRITE in findings.grants,
        "can_delete": Permission.DELETE in findings.grants,
        "can_notify": Permission.NOTIFY in findings.grants,
        "errors": {f"can_{permission}": text for permission, text in findings.errors.items()},
        "state": connector.state,
        "state_reason": connector.state_reason,
    }


def describe_counts(lake: "Lake", counts: "Counts") -> StatsAnswer:
    return {
        "items": counts.items,
        "bytes": counts.bytes,
        "by_type": counts.by_type,
        "by_status": counts.by_status,
        "by_kind": counts.by_kind,
        "quota": _describe_quota(lake),
        "over_quota": lake.quota is not None and lake.quota.is_exceeded_by(counts),
    }


def describe_data(data: "Data", names: Mapping[str, str]) -> DataAnswer:
    """`names` of tags and source, by id. One that is not among them was deleted."""
    return {
        "id": data.id,
        "datalake_id": data.lake_id,
        "kind": data.kind,
        "type": data.type,
        "status": data.status,
        "status_reason": data.status_reason,
        "object_name": data.object_name,
        "filename": data.filename,
        "url": data.url,
        "health": data.health,
        "checked_at": data.checked_at,
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
        "tags": sorted(names[tag] for tag in data.tags if tag in names),
        "source": names.get(data.source) if data.source else None,
        "thumbnail": data.thumbnail,
    }


def describe_content(data_id: str, url: str) -> ContentAnswer:
    return {"id": data_id, "url": url}


def describe_plan(page: "Page", meter: "Meter") -> PlanAnswer:
    way = page.plan.way
    return {
        "access": page.plan.access,
        "index": way.index,
        "bounds": page.bound.in_words(way.bounds),
        "filter": page.bound.in_words(conjuncts(page.plan.filter)),
        "sorted": isinstance(page.plan, Sorted),
        "items_read": meter.items,
        "requests": meter.requests,
        "capacity": meter.capacity,
    }


def describe_caller(caller: "Caller") -> CallerAnswer:
    return {"organization": caller.organization, "role": caller.role, "key_id": caller.key_id}


def describe_label(label: "Label", count: int) -> LabelAnswer:
    return {"id": label.id, "name": label.name, "count": count, "created_at": label.created_at}


def describe_job(job: "Job") -> JobAnswer:
    return {
        "id": job.id,
        "kind": job.kind,
        "datalake_id": job.lake_id,
        "state": job.state,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "progress": {**job.progress, **_estimate(job)},
        "error": job.error,
    }


def _estimate(job: "Job") -> "Mapping[str, EstimateAnswer]":
    """What the import would take of which this is a dry run, as far as it has counted."""
    if job.kind is not JobKind.BUCKET_IMPORT or not job.task["dry_run"] or "new" not in job.progress:
        return {}
    is_named = job.task["manifest"] is not None
    found = estimate.of_import(job.progress, named=is_named, eager=job.task["eager"])
    return {
        "estimate": {
            "objects": found.objects,
            "bytes": found.bytes,
            "calls": found.calls,
            "usd": found.usd,
        }
    }


def describe_key(key: "ApiKey") -> KeyAnswer:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "organization": key.organization,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def fitting(
    items: "Iterable[Data]",
    names: Mapping[str, str],
    thumbnail_url: "Callable[[Data], str | None] | None" = None,
) -> list[str]:
    """As many of the items, as JSON, as one answer can carry."""
    texts: list[str] = []
    room = _BODY_BYTES
    for item in items:
        described = describe_data(item, names)
        if thumbnail_url:
            described["thumbnail_url"] = thumbnail_url(item)
        text = _json(described)
        room -= len(text)
        if texts and room < 0:
            break
        texts.append(text)
    return texts


def page(
    texts: "Sequence[str]", next_cursor: str | None, more: Mapping[str, object] = MappingProxyType({})
) -> Response:
    rest = _json({"next_cursor": next_cursor, **more})
    return _answer(f'{{"items":[{",".join(texts)}],{rest.removeprefix("{")}')


def announced(
    outcomes: "Iterable[Outcome]",
    tickets: "Mapping[int, TicketAnswer | Outcome]",
    names: Mapping[str, str],
) -> Response:
    """What does not fit into one answer is to be asked for again: that it was announced does no harm."""
    lists: dict[OutcomeKind, list[str]] = {kind: [] for kind in OutcomeKind}
    room = _ANSWER_BYTES
    for outcome in outcomes:
        kind, text = outcome.kind, _json(_describe_outcome(outcome, tickets.get(outcome.index), names))
        if kind is not OutcomeKind.FAILED and _carried(text) > room:
            full = failed(outcome.index, "too_large", "the answer has no room for it; ask again with fewer")
            kind, text = full.kind, _json(_describe_outcome(full, None, names))
        room -= _carried(text)
        lists[kind].append(text)
    return _answer("{" + ",".join(f'"{kind}":[{",".join(texts)}]' for kind, texts in lists.items()) + "}")


def linked(outcomes: "Iterable[Outcome]", names: Mapping[str, str]) -> Response:
    """As of uploads, but that nothing is left to be uploaded."""
    return announced(outcomes, {}, names)


def _describe_outcome(outcome: "Outcome", ticket: object, names: Mapping[str, str]) -> dict[str, object]:
    described = describe_data(outcome.data, names) if outcome.data else None
    match outcome.kind:
        case OutcomeKind.OK:
            return {"index": outcome.index, "data": described} | ({"upload": ticket} if ticket else {})
        case OutcomeKind.SKIPPED:
            return {"index": outcome.index, "code": outcome.code, "data": described}
        case OutcomeKind.FAILED:
            told = {"code": outcome.code, "detail": outcome.detail, "retryable": outcome.retryable}
            return {"index": outcome.index, **told}


def _carried(text: str) -> int:
    """Bytes that a text in ASCII takes in Lambda's own JSON, with a comma."""
    return len(text) + text.count('"') + text.count("\\") + 1


def describe_deletion(data_id: str, outcome: Literal["forgotten", "deleted"], detail: str) -> DeletionAnswer:
    return {"id": data_id, "outcome": outcome, "detail": detail}


def describe_progress(found: "Sequence[Data]", missing: list[str]) -> ProgressAnswer:
    return {
        "by_status": dict(Counter(data.status for data in found)),
        "items": [
            {
                "id": data.id,
                "status": data.status,
                "status_reason": data.status_reason,
                "etag": data.etag,
            }
            for data in found
        ],
        "missing": missing,
    }


def failure(data_id: str, code: str, detail: str) -> FailureAnswer:
    return {"id": data_id, "code": code, "detail": detail}


def changed(count: int, missing: "Sequence[str]", failed: "Sequence[FailureAnswer]") -> Response:
    return _answer(_json({"changed": count, "missing": missing, "failed": failed}))


def found(body: "Mapping[str, Any]") -> Response:
    return _answer(_json(body))


def public(text: str) -> Response:
    """What is the same for everybody until the next deploy."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": "application/json",
        "Cache-Control": "public, max-age=300",
    }
    return Response(text, headers=headers)


def created(body: "Mapping[str, Any]") -> Response:
    return _answer(_json(body), HTTPStatus.CREATED)


def accepted(body: "Mapping[str, Any]") -> Response:
    return _answer(_json(body), HTTPStatus.ACCEPTED)


def begun(job: "Job") -> Response:
    return accepted({"job": describe_job(job)})


def import_begun(job: "Job", form: "Form | None") -> Response:
    upload = form and {"method": "POST", "url": form.url, "fields": form.fields}
    return _answer(_json({"job": describe_job(job), "upload": upload}), HTTPStatus.ACCEPTED)


def removed() -> Response:
    return Response("", headers=dict(_PRIVATE), status_code=HTTPStatus.NO_CONTENT)


def redirect(url: str) -> Response:
    return Response("", headers={"Location": url, **_PRIVATE}, status_code=302)


def _answer(body: str, status: int = HTTPStatus.OK) -> Response:
    return Response(body, headers={"Content-Type": "application/json", **_PRIVATE}, status_code=status)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
