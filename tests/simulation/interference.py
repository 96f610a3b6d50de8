"""Calls to AWS that fail, and calls that come in between."""

from collections.abc import Callable

from tests.simulation import faults
from tests.simulation.fakes.world import Request, World
from tests.simulation.invocation import Invocation


def let(world: World, operation: str, *acts: faults.Fault) -> None:
    """The next calls of this operation meet these faults."""
    coming = list(acts)

    def decide(request: Request) -> object:
        act = coming.pop(0) if coming and request.operation == operation else faults.none
        return act(world, request)

    world.interpose = decide


def cramp(world: World, most: int) -> None:
    """Items are so large that no more of them fit in one transaction."""

    def decide(request: Request) -> object:
        if request.operation == "TransactWriteItems" and len(request.parameters["TransactItems"]) > most:
            raise faults.errors.refusal(request.operation, "ValidationException")
        return world.perform(request)

    world.interpose = decide


def interleave(world: World, *handlers: Callable[[], object]) -> list[Invocation]:
    """All of them, one call to AWS after the other in turn."""
    running = [Invocation(world, handler) for handler in handlers]
    while waiting := [each for each in running if not each.ended]:
        for each in waiting:
            each.answer(world.perform)
    return running
