"""How a bucket is reached: as a role that is assumed, or with keys that are kept as a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tidelake import moments

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tidelake.wire import Wire


@dataclass(frozen=True)
class Check:
    """What a connector really may do."""

    can_list: bool
    can_read: bool
    can_write: bool
    can_overwrite: bool
    can_delete: bool
    can_notify: bool
    errors: Mapping[str, str]
    """By permission: why it is missing, and what to grant."""
    state: str
    """Of the connector, after the check."""
    state_reason: str | None


@dataclass(frozen=True)
class Connector:
    """A connector, as it was when the API was asked."""

    id: str
    name: str
    kind: str
    """`stack`, `role` or `keys`."""
    bucket: str
    region: str
    bucket_owner: str | None
    """The account that must own the bucket."""
    endpoint_url: str | None
    role_arn: str | None
    allow_delete: bool
    """Whether objects may be deleted from the bucket through the API."""
    state: str
    """`pending`, `active`, `degraded` or `broken`."""
    state_reason: str | None
    external_id: str | None
    """What the role's trust policy has to ask for."""
    policy: Mapping[str, Any] | None
    """What to grant to the role or to the user of the keys, as an IAM policy."""
    trust_policy: Mapping[str, Any] | None
    """What the role has to say of who may assume it."""
    created_at: datetime
    checked_at: datetime | None
    _wire: Wire = field(repr=False, compare=False)

    @classmethod
    def _read(cls, wire: Wire, found: Mapping[str, Any]) -> Connector:
        told: dict[str, Any] = {
            name: found.get(name) for name in cls.__dataclass_fields__ if not name.startswith("_")
        }
        times = {name: moments.parse(told[name]) for name in ("created_at", "checked_at")}
        return cls(**told | times, _wire=wire)

    def refresh(self) -> Connector:
        """As it is now. Raises NotFound."""
        return self._read(self._wire, self._wire.call("GET", "connectors", self.id))

    def check(self) -> Check:
        """Try what it may do. It becomes active if that is enough."""
        found = self._wire.call("POST", "connectors", self.id, "check")
        return Check(**{name: found[name] for name in Check.__dataclass_fields__})

    def update(
        self,
        *,
        name: str | None = None,
        bucket: str | None = None,
        region: str | None = None,
        bucket_owner: str | None = None,
        role_arn: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        endpoint_url: str | None = None,
        allow_delete: bool | None = None,
    ) -> Connector:
        """With other settings; what is not given stays. Keys take the place of others within a minute.

        Raises Conflict, which says why, where an active one would not work with them.
        """
        given = {
            "name": name,
            "bucket": bucket,
            "region": region,
            "bucket_owner": bucket_owner,
            "role_arn": role_arn,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "endpoint_url": endpoint_url,
            "allow_delete": allow_delete,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        return self._read(self._wire, self._wire.call("PATCH", "connectors", self.id, body=changes))

    def delete(self, *, confirm: str) -> None:
        """`confirm` is its name. Raises Conflict while a datalake uses it."""
        self._wire.call("DELETE", "connectors", self.id, query={"confirm": confirm})
