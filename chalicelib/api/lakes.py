import json
from dataclasses import asdict, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body, pointer
from chalicelib.api.edits import Key, Text
from chalicelib.api.labels import NameBesideIds
from chalicelib.api.operations import operation
from chalicelib.api.parameters import ConfirmParameters
from chalicelib.errors import (
    ConnectorChanged,
    ConnectorIdle,
    InvalidBody,
    InvalidRequest,
    LakeExists,
    UnknownConnector,
)
from chalicelib.model import limits, moment
from chalicelib.model.job import JobKind, new_job
from chalicelib.model.lake import (
    ARTIFACTS_PREFIX,
    STACK,
    Lake,
    Notified,
    Preprocess,
    normalize_prefix,
)
from chalicelib.model.schema import ValueType
from chalicelib.storage import connectors, counters, jobs, lakes, notifications

if TYPE_CHECKING:
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters
    from chalicelib.model.connector import Connector


class OnCreate(StrEnum):
    SCAN = "scan"
    """What is in the bucket already is recorded by a job."""
    NONE = "none"
    """What is in the bucket already is not looked for."""


def _prefix(text: str) -> str:
    prefix = normalize_prefix(text)
    if len(prefix.encode()) > limits.KEY_BYTES:
        raise PydanticCustomError("too_long", "Input should be at most 1,024 bytes of UTF-8")
    if prefix.startswith(ARTIFACTS_PREFIX):
        raise PydanticCustomError("reserved", "What is under .tidelake/ is in no datalake")
    return prefix


type Prefix = Annotated[
    str, AfterValidator(_prefix), WithJsonSchema({"type": "string", "maxLength": limits.KEY_BYTES})
]


class RuleBody(Body):
    type: ValueType
    required: bool = False
    choices: Annotated[list[Text], Field(max_length=limits.CHOICES)] = Field(default_factory=list)
    """Texts that may be given: of the type `choice`, at least one, and of no other."""

    @model_validator(mode="after")
    def _has_choices_where_it_needs_them(self) -> "Self":
        if bool(self.choices) != (self.type is ValueType.CHOICE):
            raise PydanticCustomError(
                "choices", "choices should be given for the type choice, and only there"
            )
        if len(set(self.choices)) < len(self.choices):
            raise PydanticCustomError("choices", "choices should differ")
        return self


class SchemaBody(Body):
    """What custom metadata is like that people write from now on; what is there stays."""

    fields: Annotated[dict[Key, RuleBody], Field(max_length=limits.CUSTOM_KEYS)]
    extra: bool = False
    """Whether there may be other keys."""

    @model_validator(mode="after")
    def _is_short(self) -> "Self":
        if len(json.dumps(self.model_dump(mode="json"))) > limits.SCHEMA_BYTES:
            raise PydanticCustomError("too_long", "A schema should be at most 16 KiB as JSON")
        return self


class LakeBody(Body):
    name: NameBesideIds
    """1 to 128 characters, not like an id. Unique in the organization: names that differ in case or Unicode
    form only are the same name."""
    connector: Annotated[str, Field(min_length=1, max_length=limits.NAME_CHARACTERS)]
    """Id or name."""
    prefix: Prefix = ""
    """Only objects whose names begin so are in the datalake. `a`, `/a/` and `a/` mean the folder `a/`, and
    all else is taken as it stands. At most 1,024 bytes of UTF-8."""
    on_create: Annotated[OnCreate, Field(strict=False)] = OnCreate.NONE
    """What is in the bucket already: a job records it (`scan`), or `none` of it is looked for, only what
    changes from now on."""
    preprocess: Annotated[Preprocess, Field(strict=False)] = Preprocess.EAGER
    """Whether bytes are looked at (`eager`) or not (`off`): then data stays `indexed`, without type, size in
    pixels, EXIF and thumbnail."""
    metadata_schema: SchemaBody | None = None
    """Of custom metadata. Null: anything goes."""


class LakeEditBody(Body):
    """What is not named stays as it is. Where nothing is named at all, the bucket's notifications are looked
    after."""

    name: Annotated[NameBesideIds, Field(default_factory=str)]
    preprocess: Annotated[Preprocess, Field(default_factory=lambda: Preprocess.EAGER)]
    """For what changes from now on: data that became `indexed` while it was `off` stays so until its object
    changes."""
    metadata_schema: SchemaBody | None = None
    """Null removes it."""

    @model_validator(mode="before")
    @classmethod
    def _stays_where_it_is(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.keys() & {"prefix", "connector"}:
            raise PydanticCustomError(
                "fixed",
                "prefix and connector cannot change: all data would be other data; make a new datalake",
            )
        return given


@operation(answers={200: answers.LakesAnswer})
def list_lakes(caller: "Caller", parameters: "Parameters") -> "Response":
    """List the organization's datalakes.

    All of them, by name.
    """
    found = sorted(lakes.of_organization(caller.organization), key=lambda lake: lake.name)
    return answers.found(answers.describe_lakes(found, connectors.of_organization(caller.organization)))


@operation(answers={200: answers.LakeAnswer})
def show_lake(caller: "Caller", parameters: "Parameters", lake: str) -> "Response":
    """Show a datalake.

    Which bucket and prefix it looks at, what may be done there, and whether its bucket tells of its changes.
    """
    found = lakes.find(caller.organization, lake)
    return answers.found(answers.describe_lake(found, _connector_of(found)))


@operation(
    body=LakeBody,
    creates=True,
    answers={201: answers.LakeAnswer},
    errors=(LakeExists, ConnectorIdle, ConnectorChanged),
)
def create_lake(caller: "Caller", parameters: "Parameters", body: LakeBody, seed: bytes) -> "Response":
    """Create a datalake.

    A view of a connector's bucket, which is asked to tell of its changes; `notifications` says what came of
    that within some seconds. Whatever it says, the datalake is there. What happens in a bucket that other
    datalakes look at already may be missed for ten seconds. A scan begins after that, so it sees that, too;
    `job` tells of it.
    """
    connector = _usable(caller.organization, body.connector)
    draft = Lake(
        id=str(UUID(bytes=seed[:16], version=4)),
        name=body.name,
        organization=caller.organization,
        connector=connector.id,
        bucket=connector.bucket,
        bucket_owner=connector.bucket_owner,
        prefix=body.prefix,
        shards=limits.SHARDS,
        created_at=moment.rfc3339(moment.now()),
        metadata_schema=_dumped(body.metadata_schema),
        preprocess=body.preprocess,
        notified=Notified.CONNECTED if connector.id == STACK else Notified.PENDING,
        notified_detail=None if connector.id == STACK else notifications.ASKED,
    )
    lake = lakes.create(draft, connector)
    if lake.notified is Notified.PENDING:
        lake = notifications.connect(lake)
    described = answers.describe_lake(lake, connector)
    if body.on_create is OnCreate.SCAN:
        described["job"] = answers.describe_job(jobs.begin_scan(lake))
    return answers.created(described)


@operation(body=LakeEditBody, answers={200: answers.LakeAnswer}, errors=(LakeExists,))
def edit_lake(caller: "Caller", parameters: "Parameters", body: LakeEditBody, lake: str) -> "Response":
    """Change a datalake.

    Its bucket is asked again to tell of its changes where it does not yet, or where nothing is to be changed.
    """
    found = lakes.find(caller.organization, lake)
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "metadata_schema" in changes:
        changes["metadata_schema"] = _dumped(body.metadata_schema)
    if changes:
        found = lakes.change(found, changes)
    if not changes or found.notified in (Notified.PENDING, Notified.FAILED):
        found = notifications.connect(found)
    return answers.found(answers.describe_lake(found, _connector_of(found)))


@operation(ConfirmParameters, answers={202: answers.BegunAnswer})
def delete_lake(caller: "Caller", parameters: "ConfirmParameters", lake: str) -> "Response":
    """Delete a datalake.

    Nobody finds it from now on, and its name is free. A job, which cannot be canceled, takes back that its
    bucket tells of its changes, and removes records, tags, sources, counts and thumbnails. No object is
    touched.
    """
    found = lakes.find(caller.organization, lake)
    if parameters.confirm != found.name:
        raise InvalidRequest(("confirm", "Input should be the name of the datalake that is to be deleted"))
    job = new_job(
        found.organization, found.id, JobKind.DELETE_LAKE, asdict(replace(found, metadata_schema=None))
    )
    # The job first, and the deletion again by the job: who is interrupted here leaves nothing half done.
    jobs.begin(job)
    lakes.delete(found.organization, found.id)
    return answers.begun(job)


@operation(answers={200: answers.StatsAnswer})
def count_lake(caller: "Caller", parameters: "Parameters", lake: str) -> "Response":
    """Count what is in a datalake.

    Items and their bytes, also by type, status and kind. A change is counted some seconds after it is seen.
    """
    return answers.found(answers.describe_counts(counters.read(lakes.find(caller.organization, lake).id)))


def _usable(organization: str, id_or_name: str) -> "Connector":
    try:
        connector = connectors.find(organization, id_or_name)
    except UnknownConnector as error:
        raise InvalidBody((pointer("connector"), "There is no such connector")) from error
    if not connector.serves:
        raise ConnectorIdle(connector.state)
    return connector


def _connector_of(lake: Lake) -> "Connector | None":
    try:
        return connectors.read(lake.organization, lake.connector)
    except UnknownConnector:
        return None


def _dumped(schema: SchemaBody | None) -> dict[str, Any] | None:
    return schema.model_dump(mode="json") if schema else None
