"""Clients of AWS, made once, and what their failures mean.

They are made by botocore, boto3's core: boto3 itself loads its transfer manager, a sixth of a cold start, for
nothing.
"""

from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.config import config
from chalicelib.errors import Refused, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS, _BACKOFF_SECONDS = 2, 4, 3, 3
CALL_SECONDS = _ATTEMPTS * (_CONNECT_SECONDS + _READ_SECONDS) + _BACKOFF_SECONDS
"""The longest that one call may take until it answers or fails. Who begins something must have that much
time."""

_making = Lock()


class Held(Credentials):
    """Credentials that may be exchanged while a client uses them."""

    def __init__(self, held: ReadOnlyCredentials) -> None:
        super().__init__("", "")
        self.held = held

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self.held


class _Holder(CredentialProvider):
    METHOD = "held"

    def __init__(self, held: Held) -> None:
        super().__init__()
        self._held = held

    def load(self) -> Held:
        return self._held


def client(service: str) -> Any:
    # Making a client is not thread-safe, using one is.
    # https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
    with _making:
        return _make(service)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def _make(service: str) -> Any:
    return _session().create_client(service, config=_config(service))


def _config(service: str, *, attempts: int = _ATTEMPTS) -> Config:
    return Config(
        signature_version="s3v4" if service == "s3" else None,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=max(10, config.workers),
        parameter_validation=False,
        # A bucket's global address, which presigned URLs would have, leads elsewhere while it is new.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
        s3={"addressing_style": "virtual"} if service == "s3" else None,
    )


def bucket_client(
    held: Held, bucket: str, region: str, endpoint_url: str | None, *, patient: bool = True
) -> Any:
    """Of S3 with credentials of its own, for one bucket. One that is not `patient` calls once."""
    # A dot would not fit the certificate.
    special = Config(
        s3={"addressing_style": "path" if endpoint_url or "." in bucket else "virtual"},
        # Other services than AWS do not know the checksums that botocore would send with everything.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    common = _config("s3", attempts=_ATTEMPTS if patient else 1)
    with _making:
        return _session_of(held).create_client(
            "s3", region_name=region, endpoint_url=endpoint_url, config=common.merge(special)
        )


def sts_client(credentials: ReadOnlyCredentials, region: str) -> Any:
    with _making:
        return _session_of(Held(credentials)).create_client("sts", region_name=region, config=_config("sts"))


def _session_of(held: Held) -> botocore.session.Session:
    session = botocore.session.get_session()
    # Reading the descriptions of services is what takes time.
    session.register_component("data_loader", _session().get_component("data_loader"))
    session.register_component("credential_provider", CredentialResolver([_Holder(held)]))
    return session


def error_code(error: Exception) -> str:
    """AWS's word for what went wrong, also from inside PynamoDB's wrapping; `""` where there was no
    answer."""
    cause = getattr(error, "cause", None) or error
    return str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""


def is_passing(error: ClientError) -> bool:
    """Whether S3 was in trouble, and has not refused what it was asked for."""
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    return error_code(error) in _PASSING or not 300 <= status < 500


_PASSING = frozenset(
    {
        *("SlowDown", "RequestTimeout", "Throttling", "TooManyRequests", "RequestLimitExceeded"),
        "OperationAborted",
    }
)


class ConditionFailed(Exception):
    """A conditional write met an item that is not as it was expected. The caller decides what that means."""


@contextmanager
def calling(action: str) -> "Iterator[None]":
    """Whatever AWS answers that the caller has not decided about is a reason to try again, never a fact."""
    try:
        yield
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        code = error_code(error)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed(action) from error
        if code == "ValidationException":
            raise Refused(action) from error
        raise StorageUnavailable(action, code or type(error).__name__) from error
