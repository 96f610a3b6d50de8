"""Where everything begins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from tidelake import moments
from tidelake.connectors import Connector
from tidelake.datalakes import Datalake
from tidelake.jobs import Job
from tidelake.retries import Retries
from tidelake.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import Literal

    import httpx
    from typing_extensions import Self


@dataclass(frozen=True)
class Key:
    """What opens the API. The key itself is shown only once, by `Client.create_key`."""

    id: str
    name: str
    role: str
    """`viewer`, `editor` or `admin`."""
    organization: str
    created_at: datetime
    expires_at: datetime | None
    key: str | None = None

    @classmethod
    def _read(cls, found: Mapping[str, Any]) -> Key:
        times = {name: moments.parse(found[name]) for name in ("created_at", "expires_at")}
        told: dict[str, Any] = {name: found.get(name) for name in cls.__dataclass_fields__}
        return cls(**told | times)

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, name={self.name!r}, role={self.role!r})"


class Client:
    """A stack's API, opened with a key. Threads may share it.

    `url` is what `make deploy` and `make run` print. Requests that fail for want of an answer, or with 429 or
    5xx, are tried again as `retries` has it; those that create carry an Idempotency-Key, so they create once.
    Raises ValueError for what is no URL or no key, and for http to another machine, where the key would be
    seen, unless `allow_http`.

    >>> with Client(url, key) as client:
    ...     client.get_datalake().name
    'default'
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        allow_http: bool = False,
    ) -> None:
        self._wire = Wire(url, key, retries=retries or Retries(), transport=transport, allow_http=allow_http)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __repr__(self) -> str:
        return f"Client({self._wire.url!r})"

    def get_datalake(self, lake: str = "default") -> Datalake:
        """By its id or its name. Raises NotFound."""
        return Datalake._read(self._wire, self._wire.call("GET", "datalakes", lake))

    def list_datalakes(self) -> list[Datalake]:
        """All of the organization's, by name."""
        return [Datalake._read(self._wire, each) for each in self._wire.call("GET", "datalakes")["items"]]

    def create_datalake(
        self,
        name: str,
        connector: str,
        *,
        prefix: str = "",
        on_create: Literal["scan", "none"] | None = None,
        preprocess: Literal["eager", "lazy", "off"] = "eager",
        metadata_schema: Mapping[str, Any] | None = None,
        quota: Mapping[str, Any] | None = None,
    ) -> Datalake:
        """A datalake on a connector's bucket, under a prefix.

        `on_create` is what to do with what is in the bucket already: `scan` makes data of it, with a job that
        is the first of `Datalake.list_jobs`. Needs an admin's key. Raises Conflict if there is one of this
        name.
        """
        given = {"on_create": on_create, "metadata_schema": metadata_schema, "quota": quota}
        body = {
            "name": name,
            "connector": connector,
            "prefix": prefix,
            "preprocess": preprocess,
            **{each: value for each, value in given.items() if value is not None},
        }
        return Datalake._read(self._wire, self._wire.call("POST", "datalakes", body=body, creates=True))

    def list_connectors(self) -> list[Connector]:
        """Needs an admin's key, as all that concerns connectors."""
        return [Connector._read(self._wire, each) for each in self._wire.call("GET", "connectors")["items"]]

    def get_connector(self, id: str) -> Connector:
        """Raises NotFound. The stack's own is `stack`."""
        return Connector._read(self._wire, self._wire.call("GET", "connectors", id))

    def create_connector(
        self,
        name: str,
        bucket: str,
        region: str,
        *,
        kind: Literal["role", "keys"] = "role",
        bucket_owner: str | None = None,
        role_arn: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        endpoint_url: str | None = None,
        allow_delete: bool = False,
    ) -> Connector:
        """A way to a bucket, `pending` until its `check` succeeds. Its `policy` says what to grant."""
        given = {
            "bucket_owner": bucket_owner,
            "role_arn": role_arn,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "endpoint_url": endpoint_url,
        }
        body = {
            "name": name,
            "kind": kind,
            "bucket": bucket,
            "region": region,
            "allow_delete": allow_delete,
            **{each: value for each, value in given.items() if value is not None},
        }
        return Connector._read(self._wire, self._wire.call("POST", "connectors", body=body, creates=True))

    def get_job(self, id: str) -> Job:
        """Raises NotFound."""
        return Job._read(self._wire, self._wire.call("GET", "jobs", id))

    def list_jobs(self, *, state: str | None = None, limit: int | None = None) -> list[Job]:
        """Of all datalakes, of the last 30 days, the newest first."""
        found = self._wire.pages("jobs", query={"state": state}, limit=limit)
        return [Job._read(self._wire, each) for each in islice(found, limit)]

    def create_key(
        self,
        name: str,
        role: Literal["viewer", "editor", "admin"],
        *,
        expires_at: datetime | None = None,
    ) -> Key:
        """Its `key` is shown only here. Needs an admin's key.

        >>> client.create_key("ci", "viewer").key[:3]
        'tl_'
        """
        body = {"name": name, "role": role}
        if expires_at is not None:
            body["expires_at"] = str(moments.spell(expires_at))
        return Key._read(self._wire.call("POST", "keys", body=body, creates=True))

    def list_keys(self) -> list[Key]:
        """Needs an admin's key."""
        return [Key._read(each) for each in self._wire.pages("keys")]

    def revoke_key(self, id: str) -> None:
        """It opens nothing any more within a minute. Needs an admin's key. Raises NotFound."""
        self._wire.call("DELETE", "keys", id)
