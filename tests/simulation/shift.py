"""The workers of jobs at work: deliveries of their queues, one after the other."""

from collections.abc import Callable

from chalicelib.jobs import walks, worker
from tests.simulation.fakes.world import World

_WORKERS = {"jobs": worker.receive, "walks": walks.receive}
_HIDDEN_SECONDS = {"jobs": 1800, "walks": 1080}
"""So long a message stays hidden once it was received; the queues in infra/resources.yaml say the same."""


def plenty() -> int:
    return 300_000


def deliver(world: World, remaining_ms: Callable[[], int] = plenty, *, queue: str = "jobs") -> bool:
    """The oldest message, when its time has come. Whether there was one."""
    visible = list(world.sqs.queues[queue].visible)
    received = world.sqs.receive(queue, visible[:1])
    for message in received:
        world.clock += message.delay if message.receives == 1 else _HIDDEN_SECONDS[queue]
        answer = _WORKERS[queue]([message.as_record()], remaining_ms)
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        world.sqs.settle(queue, [message.id] if not failed else [], failed)
    return bool(visible)


def work(world: World, remaining_ms: Callable[[], int] = plenty, *, queue: str = "jobs") -> int:
    """Until nothing is left to do. How many deliveries that took."""
    deliveries = 0
    while deliver(world, remaining_ms, queue=queue):
        deliveries += 1
    return deliveries
