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
    """Of what is sent as a stream, as S3's uploads are, nothing."""


class Calls:
    """It must be made before the clients that it is to hear of, which must come from boto3's default session."""

    def __init__(self) -> None:
        self._made: list[Call] = []
        self._received = 0
        boto3.setup_default_session()
        events = boto3._get_default_session().events
        events.register("before-send", self._sent)
        events.register("after-call.s3.GetObject", self._answered)

    def take(self) -> list[Call]:
        """What was sent since the last time, what was repeated included."""
        made, self._made = self._made, []
        return made

    def take_received(self) -> int:
        """Bytes of the objects that were opened since the last time."""
        received, self._received = self._received, 0
        return received

    def _sent(self, request: "AWSPreparedRequest", event_name: str, **_: Any) -> None:
        _, service, operation = event_name.split(".")
        body = request.body
        self._made.append(
            Call(service, operation, body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"")
        )

    def _answered(self, parsed: dict[str, Any], **_: Any) -> None:
        self._received += parsed.get("ContentLength", 0)


def count_operations(calls: "Iterable[Call]", service: str) -> Counter[str]:
    return Counter(call.operation for call in calls if call.service == service)
