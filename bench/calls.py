"""Requests to AWS as botocore sends them for the code under measurement."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.storage import aws

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
    def __init__(self) -> None:
        self._made: list[Call] = []
        self._received = 0
        for service in ("dynamodb", "s3", "sqs"):
            events = aws.client(service).meta.events
            events.register("before-send", self._send)
            events.register("after-call.s3.GetObject", self._receive)

    def take(self) -> tuple[list[Call], int]:
        """What was sent since the last time, repetitions included, and the bytes of the objects that came."""
        taken = self._made, self._received
        self._made, self._received = [], 0
        return taken

    def _send(self, request: "AWSPreparedRequest", event_name: str, **rest: Any) -> None:
        service, operation = event_name.split(".")[1:]
        self._made.append(Call(service, operation, _bytes(request.body)))

    def _receive(self, parsed: dict[str, Any], **rest: Any) -> None:
        self._received += parsed.get("ContentLength", 0)


def _bytes(body: Any) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    return content if isinstance(content, bytes) else b""


def count_operations(calls: "Iterable[Call]") -> Counter[str]:
    return Counter(call.operation for call in calls)
