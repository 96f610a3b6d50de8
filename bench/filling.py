"""Many empty objects in little time, without anybody being told of them."""

import socket
from itertools import batched
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.stack import Stack

_OF_A_CONNECTION: Final = 1000
"""Then MiniStack closes it."""
_AT_ONCE: Final = 50


def fill(cloud: "Stack", names: "Iterable[str]") -> None:
    """Requests are sent without the answers to those before being waited for: a client that waits would take
    as long as the local cloud does. The root user's signatures are not looked at there."""
    bucket = cloud.handle.bucket
    told = cloud.s3.get_bucket_notification_configuration(Bucket=bucket)
    told.pop("ResponseMetadata")
    cloud.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    address = urlsplit(cloud.handle.endpoint_url)
    credential = f"{cloud.handle.aws_access_key_id}/20200101/us-east-1/s3/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature={'0' * 64}"
    rest = f"HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {signature}\r\nContent-Length: 0\r\n\r\n"
    for some in batched(names, _OF_A_CONNECTION, strict=False):
        with socket.create_connection((address.hostname, address.port)) as connection:
            for few in batched(some, _AT_ONCE, strict=False):
                requests = (f"PUT /{bucket}/{quote(name)} {rest}".encode() for name in few)
                connection.sendall(b"".join(requests))
                _expect(connection, len(few))
    cloud.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)


def _expect(connection: socket.socket, answers: int) -> None:
    """None of them has a body."""
    received = b""
    while received.count(b"\r\n\r\n") < answers:
        if not (more := connection.recv(65536)):
            raise RuntimeError(f"the local cloud hung up: {received[-500:]!r}")
        received += more
    if received.count(b"HTTP/1.1 200") != answers:
        raise RuntimeError(f"an object was not put: {received!r}")
