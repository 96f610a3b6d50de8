"""Requests to AWS as botocore sends them, whoever in this process asked for them."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botocore.awsrequest import AWSPreparedRequest


@dataclass(frozen=True, slots=True)
class Call:
    service: str
    operation: str
    body: bytes
    """Empty for what is sent as a stream, as uploads to S3 are."""


class Calls:
    """It hears of clients that are made after it, of boto3's default session."""

    def __init__(self) -> None:
        self._made: list[Call] = []
        self._received = 0
        boto3.setup_default_session()
        events = boto3._get_default_session().events
        events.register("before-send", self._send)
        events.register("after-call.s3.GetObject", self._receive)

    def take(self) -> tuple[list[Call], int]:
        """What was sent since the last time, repetitions included, and the bytes of the objects that came."""
        taken = self._made, self._received
        self._made, self._received = [], 0
        return taken

    def _send(self, request: "AWSPreparedRequest", event_name: str, **_: Any) -> None:
        _, service, operation = event_name.split(".")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        self._made.append(Call(service, operation, body if isinstance(body, bytes) else b""))

    def _receive(self, parsed: dict[str, Any], **_: Any) -> None:
        self._received += parsed.get("ContentLength", 0)


def count_operations(calls: "Iterable[Call]") -> Counter[str]:
    return Counter(call.operation for call in calls)
