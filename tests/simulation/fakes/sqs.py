"""An in-memory SQS: at least once, in any order, with receive counts and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation.fakes.errors import refusal

_MAXIMUM_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    body: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    receives: int = 0
    delay: int = 0
    """Seconds. Whoever drives the fake waits for so long, or does not."""

    def as_record(self) -> dict[str, Any]:
        """As Lambda hands it on."""
        return {
            "messageId": self.id,
            "receiptHandle": f"{self.id}#{self.receives}",
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": str(self.receives)},
            "messageAttributes": dict(self.attributes),
            "eventSource": "aws:sqs",
        }


@dataclass(slots=True)
class Queue:
    dead_letters: str | None = None
    maximum_receives: int = 0
    visible: dict[str, Message] = field(default_factory=dict)
    in_flight: dict[str, Message] = field(default_factory=dict)
    policy: str = '{"Version":"2012-10-17","Statement":[]}'


@dataclass(slots=True)
class SQS:
    queues: dict[str, Queue] = field(default_factory=dict)
    """By their address, which is also their name here."""
    sent: int = 0

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: Mapping[str, Any] | None = None,
        DelaySeconds: int = 0,
    ) -> dict[str, Any]:
        queue = self._queue("SendMessage", QueueUrl)
        if len(MessageBody.encode()) > _MAXIMUM_BYTES:
            raise refusal("SendMessage", "InvalidParameterValue")
        self.sent += 1
        message = Message(f"m{self.sent}", MessageBody, MessageAttributes or {}, delay=DelaySeconds)
        queue.visible[message.id] = message
        return {"MessageId": message.id}

    def change_message_visibility(
        self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int
    ) -> dict[str, Any]:
        """Time passes as whoever drives the fake has it."""
        self._queue("ChangeMessageVisibility", QueueUrl)
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        self._queue("SendMessageBatch", QueueUrl)
        if not Entries:
            raise refusal("SendMessageBatch", "AWS.SimpleQueueService.EmptyBatchRequest")
        if len(Entries) > 10:
            raise refusal("SendMessageBatch", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        if len({entry["Id"] for entry in Entries}) < len(Entries):
            raise refusal("SendMessageBatch", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
        sent = [self.send_message(QueueUrl=QueueUrl, MessageBody=entry["MessageBody"]) for entry in Entries]
        pairs = zip(Entries, sent, strict=True)
        return {"Successful": [{"Id": entry["Id"]} | answer for entry, answer in pairs]}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        if AttributeNames != ["Policy"]:
            raise NotImplementedError(str(AttributeNames))
        return {"Attributes": {"Policy": self._queue("GetQueueAttributes", QueueUrl).policy}}

    def set_queue_attributes(self, *, QueueUrl: str, Attributes: dict[str, str]) -> dict[str, Any]:
        self._queue("SetQueueAttributes", QueueUrl).policy = Attributes["Policy"]
        return {}

    def receive(self, name: str, ids: Sequence[str]) -> list[Message]:
        """Hand out these messages. One that was handed out too often goes to the dead letters instead."""
        queue = self.queues[name]
        received = []
        for each in ids:
            message = queue.visible.pop(each)
            if queue.dead_letters and message.receives >= queue.maximum_receives:
                self.queues[queue.dead_letters].visible[each] = replace(message, receives=0)
                continue
            queue.in_flight[each] = replace(message, receives=message.receives + 1)
            received.append(queue.in_flight[each])
        return received

    def settle(self, name: str, done: Sequence[str], failed: Sequence[str]) -> None:
        queue = self.queues[name]
        for each in done:
            del queue.in_flight[each]
        for each in failed:
            queue.visible[each] = queue.in_flight.pop(each)

    def _queue(self, operation: str, name: str) -> Queue:
        if name not in self.queues:
            raise refusal(operation, "AWS.SimpleQueueService.NonExistentQueue")
        return self.queues[name]
