"""How a bucket is reached: as a role that is assumed, or with keys that are kept as a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True)
class Connector:
    """A connector, as it was when the API was asked."""

    id: str
    name: str
    kind: str
    """`stack`, `role` or `keys`."""
    bucket: str
    region: str | None
    endpoint_url: str | None
    allow_delete: bool
    """Whether objects may be deleted from the bucket through the API."""
    state: str
    """`pending`, `active`, `degraded` or `broken`."""
    state_reason: str | None
    external_id: str | None
    """What the role's trust policy has to ask for."""
    policy: Any
    """The IAM statements to grant."""
    _wire: Wire = field(repr=False, compare=False)

    @classmethod
    def _read(cls, wire: Wire, found: Mapping[str, Any]) -> Connector:
        told: dict[str, Any] = {
            name: found.get(name) for name in cls.__dataclass_fields__ if not name.startswith("_")
        }
        return cls(**told, _wire=wire)

    def refresh(self) -> Connector:
        """As it is now. Raises NotFound."""
        return self._read(self._wire, self._wire.call("GET", "connectors", self.id))

    def check(self) -> Check:
        """Try what it may do. It becomes active if that is enough."""
        found = self._wire.call("POST", "connectors", self.id, "check")
        return Check(**{name: found[name] for name in Check.__dataclass_fields__})

    def update(self, **changes: Any) -> Connector:
        """With other settings: all that `Client.create_connector` takes."""
        return self._read(self._wire, self._wire.call("PATCH", "connectors", self.id, body=changes))

    def delete(self, *, confirm: str) -> None:
        """`confirm` is its name. Raises Conflict while a datalake uses it."""
        self._wire.call("DELETE", "connectors", self.id, query={"confirm": confirm})
