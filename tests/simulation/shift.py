"""The worker of jobs at work: deliveries of its queue, one after the other."""

from collections.abc import Callable
from typing import Any

from chalicelib.jobs import worker
from tests.simulation.fakes.world import World

_HIDDEN_SECONDS = 1800
"""So long a message stays hidden once it was received; the queue in infra/resources.yaml says the same."""


def deliver(world: World, remaining_ms: Callable[[], int] = lambda: 300_000) -> bool:
    """The oldest message, when its time has come. Whether there was one."""
    queue = world.sqs.queues["jobs"]
    received = world.sqs.receive("jobs", list(queue.visible)[:1])
    for message in received:
        world.clock += message.delay if message.receives == 1 else _HIDDEN_SECONDS
        record: dict[str, Any] = {
            "messageId": message.id,
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(message.receives)},
        }
        answer = worker.receive([record], remaining_ms)
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        world.sqs.settle("jobs", [message.id] if not failed else [], failed)
    return bool(received)


def work(world: World) -> int:
    """Until nothing is left to do. How many deliveries that took."""
    deliveries = 0
    while deliver(world):
        deliveries += 1
    return deliveries
