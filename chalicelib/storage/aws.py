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
    return _session().create_client(
        service,
        config=Config(
            signature_version="s3v4" if service == "s3" else None,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=max(10, config.workers),
            parameter_validation=False,
        ),
    )


def error_code(error: Exception) -> str:
    """AWS's word for what went wrong, also from inside PynamoDB's wrapping; `""` where there was no
    answer."""
    cause = getattr(error, "cause", None) or error
    return str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""


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
