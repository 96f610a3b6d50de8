import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from chalicelib.api import answers
from chalicelib.api.bodies import Body, pointer
from chalicelib.api.labels import NameBesideIds
from chalicelib.api.operations import operation
from chalicelib.api.parameters import ConfirmParameters
from chalicelib.config import config
from chalicelib.errors import (
    ConnectorChanged,
    ConnectorExists,
    ConnectorFails,
    ConnectorInUse,
    CredentialsRefused,
    InvalidBody,
    InvalidRequest,
    OfTheStack,
    UnknownConnector,
)
from chalicelib.model import grants, moment
from chalicelib.model.connector import Connector, ConnectorKind, ConnectorState, Permission, judged
from chalicelib.storage import connectors, endpoints, secrets, trials

if TYPE_CHECKING:
    from typing import Self

    from chalice.app import Response

    from chalicelib.api.callers import Caller
    from chalicelib.api.parameters import Parameters

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SPECIAL_BUCKET = re.compile(r"(xn--|sthree-).*|.*(--x-s3|--ol-s3|--table-s3|-s3alias)|.*\.\..*|[0-9.]+")
"""Access points, directory and table buckets, which have other addresses, and what is none.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]{2,12}){1,3}-[0-9]{1,2}", re.ASCII)
_EXTERNAL_ID_CHARACTERS = 40
_NONCE_CHARACTERS = 16


def _endpoint(url: str) -> str:
    if mistake := endpoints.mistake_in(url):
        raise PydanticCustomError("endpoint", "{mistake}", {"mistake": mistake})
    return url.removesuffix("/")


type Bucket = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$")]
type Region = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
type Account = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
type RoleArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]{0,16}:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$")
]
type AccessKeyId = Annotated[str, Field(pattern=r"^[!-~]{1,256}$")]
type SecretAccessKey = Annotated[str, Field(pattern=r"^[!-~]{1,1024}$")]
type Endpoint = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_endpoint)]


class ConnectorBody(Body):
    name: NameBesideIds
    """Not like an id. Unique in the organization, whatever its case and Unicode form."""
    kind: Literal[ConnectorKind.ROLE, ConnectorKind.KEYS]
    """`role`: by a role that is assumed. `keys`: by static keys."""
    bucket: Bucket
    region: Region
    """The bucket's. At an S3-compatible endpoint what that calls it."""
    bucket_owner: Account | None = None
    """The account that owns the bucket. Null: that of the role or the keys. None at an S3-compatible
    endpoint."""
    role_arn: RoleArn | None = None
    """For the kind `role`."""
    access_key_id: AccessKeyId | None = None
    """For the kind `keys`."""
    secret_access_key: Annotated[SecretAccessKey | None, Field(repr=False)] = None
    """For the kind `keys`. It is never shown again."""
    endpoint_url: Endpoint | None = None
    """Of an S3-compatible service, for the kind `keys`: https, a host with public addresses, perhaps a
    port."""
    allow_delete: bool = False
    """Whether data can be deleted with its object."""

    @model_validator(mode="after")
    def _fits(self) -> "Self":
        given = {name for name in _OF_ONE_KIND if getattr(self, name) is not None}
        wanted = _WANTED[self.kind]
        if missing := sorted(wanted - given):
            raise _unfit(f"A connector of the kind {self.kind} should have {' and '.join(missing)}")
        if surplus := sorted(given - wanted - _ALLOWED[self.kind]):
            raise _unfit(f"A connector of the kind {self.kind} should have no {' and no '.join(surplus)}")
        if self.endpoint_url and self.bucket_owner:
            raise _unfit(_NO_OWNER)
        return self


class ConnectorChangeBody(Body):
    """What is not given, or null, stays as it is."""

    name: NameBesideIds | None = None
    """Not like an id. Unique in the organization, whatever its case and Unicode form."""
    kind: ConnectorKind | None = None
    """The one that it is: another kind is another connector."""
    bucket: Bucket | None = None
    """Only while no datalake is on the connector."""
    region: Region | None = None
    bucket_owner: Account | None = None
    """Only while no datalake is on the connector."""
    role_arn: RoleArn | None = None
    access_key_id: AccessKeyId | None = None
    """Together with the secret that belongs to it."""
    secret_access_key: Annotated[SecretAccessKey | None, Field(repr=False)] = None
    endpoint_url: Endpoint | None = None
    """Only while no datalake is on the connector."""
    allow_delete: bool | None = None

    @model_validator(mode="after")
    def _has_both_keys(self) -> "Self":
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise _unfit("Either both or none of access_key_id and secret_access_key should be given")
        return self


_OF_ONE_KIND = ("role_arn", "access_key_id", "secret_access_key", "endpoint_url")
_WANTED = {
    ConnectorKind.ROLE: frozenset({"role_arn"}),
    ConnectorKind.KEYS: frozenset({"access_key_id", "secret_access_key"}),
}
_ALLOWED = {ConnectorKind.ROLE: frozenset[str](), ConnectorKind.KEYS: frozenset({"endpoint_url"})}
_NO_OWNER = "At an S3-compatible endpoint buckets have no owner"
_PLACES = ("bucket", "region", "bucket_owner", "endpoint_url")


@operation(answers={200: answers.ConnectorsAnswer})
def list_connectors(caller: "Caller", parameters: "Parameters") -> "Response":
    """List the organization's connectors.

    All of them, by name.
    """
    found = sorted(connectors.of_organization(caller.organization), key=lambda each: each.name)
    items = [answers.describe_connector(each) for each in found]
    return answers.found({"items": items, "next_cursor": None})


@operation(
    body=ConnectorBody, creates=True, answers={201: answers.ConnectorAnswer}, errors=(ConnectorExists,)
)
def create_connector(
    caller: "Caller", parameters: "Parameters", body: ConnectorBody, seed: bytes
) -> "Response":
    """Create a connector.

    It is `pending`: grant what its `policy` says, and for a role its `trust_policy`, then check it. Keys are
    kept in AWS Secrets Manager and are never shown again.
    """
    connector_id = str(UUID(bytes=seed[:16], version=4))
    connector = Connector(
        id=connector_id,
        organization=caller.organization,
        name=body.name,
        kind=body.kind,
        bucket=body.bucket,
        region=body.region,
        bucket_owner=body.bucket_owner,
        endpoint_url=body.endpoint_url,
        role_arn=body.role_arn,
        external_id=_derived(seed, "external id")[:_EXTERNAL_ID_CHARACTERS] if body.role_arn else None,
        secret=secrets.name_of(connector_id, _derived(seed, "secret")[:_NONCE_CHARACTERS])
        if body.access_key_id
        else None,
        allow_delete=body.allow_delete,
        revision=moment.new_op_id(),
        created_at=moment.rfc3339(moment.now()),
    )
    _check(connector)
    return answers.created(answers.describe_connector(connectors.create(connector, _keys(body))))


@operation(answers={200: answers.ConnectorAnswer}, errors=(UnknownConnector,))
def show_connector(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Show a connector."""
    return answers.found(answers.describe_connector(connectors.read(caller.organization, id)))


@operation(
    body=ConnectorChangeBody,
    answers={200: answers.ConnectorAnswer},
    errors=(
        *(UnknownConnector, OfTheStack, ConnectorFails),
        *(ConnectorChanged, ConnectorExists, ConnectorInUse),
    ),
)
def change_connector(
    caller: "Caller", parameters: "Parameters", body: ConnectorChangeBody, id: str
) -> "Response":
    """Change a connector.

    Where it has been active, the role, the keys or the place that are given are tried first: they take effect
    within a minute, everywhere, if the bucket can be listed and read with them. Else they are refused with a
    409 that says why, and the connector works on as it was. Where it is pending they need a check afterwards.
    What worked before need not work with them.
    """
    before = connectors.read(caller.organization, id)
    after, keys = _changed(before, body), _keys(body)
    _check(after)
    reaches_anew = body.role_arn is not None or _is_reached_otherwise(before, after)
    if after == before and not reaches_anew:
        return answers.found(answers.describe_connector(before))
    if reaches_anew:
        after = replace(after, state=ConnectorState.PENDING, state_reason=None, grants=frozenset())
        if before.state is not ConnectorState.PENDING:
            after = _proved(after, keys)
    elif after.allow_delete and Permission.DELETE not in after.grants and after.serves:
        reason = "it was never proved that objects can be deleted; check the connector"
        after = replace(after, state=ConnectorState.DEGRADED, state_reason=reason)
    return answers.found(answers.describe_connector(connectors.change(before, after, keys)))


@operation(answers={200: answers.FindingsAnswer}, errors=(UnknownConnector, ConnectorChanged))
def check_connector(caller: "Caller", parameters: "Parameters", id: str) -> "Response":
    """Check a connector.

    Really lists, reads, writes, overwrites and deletes, below `.tidelake/check/` in the bucket, and tries
    whether it may ask to be told of changes; then removes what it wrote. A role is also refused if it can be
    assumed without the external id. Where the bucket can be listed and read the connector is `active`, or
    `degraded` if something fails that worked before or that is needed; else it stays `pending`, or is
    `broken` if it was active.
    """
    connector = connectors.read(caller.organization, id)
    findings = trials.try_out(connector)
    after = judged(connector, findings)
    connectors.record(connector, after)
    return answers.found(answers.describe_findings(after, findings))


@operation(
    ConfirmParameters,
    answers={204: None},
    errors=(UnknownConnector, OfTheStack, ConnectorInUse, ConnectorChanged),
)
def delete_connector(caller: "Caller", parameters: "ConfirmParameters", id: str) -> "Response":
    """Delete a connector.

    With its keys. Not while a datalake is on it.
    """
    connector = connectors.read(caller.organization, id)
    if connector.kind is ConnectorKind.STACK:
        raise OfTheStack
    if parameters.confirm != connector.name:
        raise InvalidRequest(("confirm", "Input should be the connector's name"))
    connectors.delete(connector)
    return answers.removed()


def _changed(before: Connector, body: ConnectorChangeBody) -> Connector:
    given = {name: value for name, value in body if value is not None}
    if before.kind is ConnectorKind.STACK and given.keys() - {"allow_delete"}:
        raise OfTheStack
    if given.get("kind", before.kind) != before.kind:
        raise InvalidBody((pointer("kind"), f"This connector is of the kind {before.kind}"))
    fitting = _WANTED.get(before.kind, frozenset()) | _ALLOWED.get(before.kind, frozenset())
    if surplus := [name for name in _OF_ONE_KIND if name in given and name not in fitting]:
        raise InvalidBody((pointer(surplus[0]), f"A connector of the kind {before.kind} has none"))
    settings = {name: value for name, value in given.items() if name in Connector.__dataclass_fields__}
    after = replace(before, **settings | {"kind": before.kind})
    if after.endpoint_url and body.bucket_owner:
        raise InvalidBody((pointer("bucket_owner"), _NO_OWNER))
    if body.access_key_id:
        after = replace(after, secret=secrets.name_of(before.id, moment.new_op_id()))
    is_elsewhere = (after.bucket, after.endpoint_url) != (before.bucket, before.endpoint_url)
    if is_elsewhere and body.bucket_owner is None:
        after = replace(after, bucket_owner=None)
    return after


def _is_reached_otherwise(before: Connector, after: Connector) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in ("role_arn", "secret", *_PLACES))


def _proved(connector: Connector, keys: secrets.Keys | None) -> Connector:
    findings = trials.try_out(connector, keys)
    if not findings.proved:
        raise ConnectorFails(findings.reason)
    return judged(connector, findings)


def _check(connector: Connector) -> None:
    """What the form of a request alone does not tell."""
    if connector.endpoint_url:
        try:
            endpoints.require_public(connector.endpoint_url)
        except CredentialsRefused as error:
            raise InvalidBody((pointer("endpoint_url"), str(error.args[-1]))) from error
        return
    if not _BUCKET.fullmatch(connector.bucket) or _SPECIAL_BUCKET.fullmatch(connector.bucket):
        raise InvalidBody((pointer("bucket"), "Input should be the name of a general purpose bucket"))
    if not _REGION.fullmatch(connector.region):
        raise InvalidBody((pointer("region"), "Input should be a region of AWS, as eu-west-1"))
    if grants.partition(connector.region) != config.trusted_roles.split(":")[1]:
        # Another bucket may have the name there, and the events of the one here are not its.
        raise InvalidBody((pointer("region"), "That part of AWS is reached by its `endpoint_url` alone"))


def _keys(body: ConnectorBody | ConnectorChangeBody) -> secrets.Keys | None:
    if body.access_key_id is None or body.secret_access_key is None:
        return None
    return secrets.Keys(body.access_key_id, body.secret_access_key)


def _derived(seed: bytes, purpose: str) -> str:
    """As unguessable as the seed, which it does not show."""
    return hmac.digest(seed, purpose.encode(), "sha256").hex()


def _unfit(message: str) -> PydanticCustomError:
    return PydanticCustomError("connector", "{message}", {"message": message})
