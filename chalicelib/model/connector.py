"""How a bucket is reached, and what may be done there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from chalicelib.model import moment
from chalicelib.model.lake import ARTIFACTS_PREFIX, Bucket

TRIAL_PREFIX = f"{ARTIFACTS_PREFIX}check/"
"""Where it is tried what may be done."""


class ConnectorKind(StrEnum):
    STACK = "stack"
    """The stack's own bucket, by its functions' own rights."""
    ROLE = "role"
    """By a role that is assumed with an external id."""
    KEYS = "keys"
    """By static keys, which are a secret of their own."""


class ConnectorState(StrEnum):
    PENDING = "pending"
    """It was never proved that the bucket can be listed and read."""
    ACTIVE = "active"
    DEGRADED = "degraded"
    """Listing and reading work, and something does not that did before or that is needed."""
    BROKEN = "broken"
    """Listing or reading does not work any more."""


class Permission(StrEnum):
    LIST = "list"
    READ = "read"
    WRITE = "write"
    OVERWRITE = "overwrite"
    DELETE = "delete"
    NOTIFY = "notify"
    """To say whom the bucket tells of its changes."""


SERVING = frozenset({ConnectorState.ACTIVE, ConnectorState.DEGRADED})
"""States in which lakes can be made: the bucket can be listed and read."""

_NEEDED = frozenset({Permission.LIST, Permission.READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    id: str
    organization: str
    name: str
    kind: ConnectorKind
    bucket: str
    region: str
    bucket_owner: str | None = None
    """The account that owns the bucket, as given or as it was found when the connector became active. None
    until then, and at an S3-compatible endpoint."""
    endpoint_url: str | None = None
    """Of an S3-compatible service that is not AWS."""
    role_arn: str | None = None
    external_id: str | None = None
    secret: str | None = None
    """Where the keys are kept. Other keys are kept elsewhere, so that this changes with them."""
    allow_delete: bool = False
    state: ConnectorState = ConnectorState.PENDING
    state_reason: str | None = None
    grants: frozenset[Permission] = frozenset()
    """All that was ever proved of these credentials."""
    lakes: frozenset[str] = frozenset()
    """Ids of the lakes on it."""
    revision: str
    """Of its settings: another one with each change of them."""
    created_at: str
    checked_at: str | None = None

    @property
    def home(self) -> Bucket:
        """Known once the connector has been active."""
        return Bucket(self.bucket, self.bucket_owner, self.organization, self.id)

    @property
    def routing_key(self) -> str:
        return self.home.routing_key

    @property
    def serves(self) -> bool:
        return self.state in SERVING


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found when everything was tried."""

    grants: frozenset[Permission] = frozenset()
    errors: Mapping[Permission, str] = field(default_factory=lambda: MappingProxyType({}))
    """Why not, and what to grant, of each that does not work."""
    bucket_owner: str | None = None

    @property
    def proved(self) -> bool:
        return self.grants >= _NEEDED

    @property
    def reason(self) -> str | None:
        """Why listing and reading are not proved."""
        return next((self.errors[each] for each in Permission if each in _NEEDED & self.errors.keys()), None)


def judged(connector: Connector, findings: Findings) -> Connector:
    """The connector as the findings leave it."""
    seen = replace(connector, checked_at=moment.rfc3339(moment.now()))
    if not findings.proved:
        was_proved = connector.state is not ConnectorState.PENDING
        state = ConnectorState.BROKEN if was_proved else ConnectorState.PENDING
        return replace(seen, state=state, state_reason=findings.reason)
    missing = _expected(connector) - findings.grants
    return replace(
        seen,
        state=ConnectorState.DEGRADED if missing else ConnectorState.ACTIVE,
        state_reason="; ".join(findings.errors[each] for each in Permission if each in missing) or None,
        grants=connector.grants | findings.grants,
        bucket_owner=findings.bucket_owner,
    )


def _expected(connector: Connector) -> frozenset[Permission]:
    """What worked before, and what is needed."""
    expected = set(connector.grants | _NEEDED)
    if connector.allow_delete:
        expected.add(Permission.DELETE)
    if connector.endpoint_url is None:
        expected.add(Permission.NOTIFY)
    return frozenset(expected)
