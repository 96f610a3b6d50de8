"""What may go wrong with one call to AWS. A fault takes the call's place: it performs it, or not, and
answers."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.fakes import errors
from tests.simulation.fakes.world import Request, World

type Fault = Callable[[World, Request], Any]

_THROTTLED = {
    "s3": ("SlowDown", 503),
    "events": ("ThrottlingException", 400),
    "sqs": ("RequestThrottled", 403),
    "dynamodb": ("ThrottlingException", 400),
    "sts": ("Throttling", 400),
    "secretsmanager": ("ThrottlingException", 400),
}
_BROKEN = {
    "s3": ("InternalError", 500),
    "events": ("InternalException", 500),
    "sqs": ("ServiceUnavailable", 503),
    "dynamodb": ("InternalServerError", 500),
    "sts": ("InternalFailure", 500),
    "secretsmanager": ("InternalServiceError", 500),
}


def none(world: World, request: Request) -> Any:
    return world.perform(request)


def throttled(world: World, request: Request) -> Any:
    raise _refusal(request, *_THROTTLED[request.service])


def broken(world: World, request: Request) -> Any:
    raise _refusal(request, *_BROKEN[request.service])


def denied(world: World, request: Request) -> Any:
    code = "AccessDenied" if request.service in ("s3", "sqs", "sts") else "AccessDeniedException"
    raise _refusal(request, code, 403)


def unreachable(world: World, request: Request) -> Any:
    raise errors.unreachable(request.service)


def lost(world: World, request: Request) -> Any:
    """Done, or refused, but the answer never came."""
    with suppress(ClientError):
        world.perform(request)
    raise errors.unanswered(request.service)


def repeated(world: World, request: Request) -> Any:
    """Done, the answer lost, and done again by botocore's own retry, whose answer comes."""
    with suppress(ClientError):
        world.perform(request)
    return world.perform(request)


def partial(world: World, request: Request) -> Any:
    """A batch of which every second entry fails, though the call succeeds. No batch: throttled."""
    match request.operation:
        case "SendMessageBatch":
            kept, left = _halves(request.parameters["Entries"])
            answer = world.perform(_with(request, Entries=kept)) if kept else {}
            return answer | {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in left]}
        case "BatchExecuteStatement":
            kept, left = _halves(request.parameters["Statements"])
            done = iter(world.perform(_with(request, Statements=kept))["Responses"] if kept else ())
            error = {"Error": {"Code": "ThrottlingError", "Message": ""}}
            return {
                "Responses": [error if s in left else next(done) for s in request.parameters["Statements"]]
            }
        case "BatchWriteItem":
            [(table, entries)] = request.parameters["RequestItems"].items()
            kept, left = _halves(entries)
            if kept:
                world.perform(_with(request, RequestItems={table: kept}))
            return {"UnprocessedItems": {table: left}}
        case "BatchGetItem":
            [(table, asked)] = request.parameters["RequestItems"].items()
            kept, left = _halves(asked["Keys"])
            if not kept:
                return throttled(world, request)
            answer = world.perform(_with(request, RequestItems={table: asked | {"Keys": kept}}))
            return answer | {"UnprocessedKeys": {table: asked | {"Keys": left}}}
        case "DeleteObjects":
            kept, left = _halves(request.parameters["Delete"]["Objects"])
            if kept:
                world.perform(_with(request, Delete=request.parameters["Delete"] | {"Objects": kept}))
            return {"Errors": [{"Key": each["Key"], "Code": "InternalError"} for each in left]}
        case "TransactWriteItems":
            reasons = [{"Code": "None"} for _ in request.parameters["TransactItems"]]
            reasons[-1] = {"Code": "TransactionConflict"}
            raise errors.refusal(request.operation, "TransactionCanceledException", reasons=reasons)
    return throttled(world, request)


def in_conflict(world: World, request: Request) -> Any:
    """A transaction is at work on the same item."""
    raise _refusal(request, "TransactionConflictException", 400)


ALL: tuple[Fault, ...] = (throttled, broken, denied, unreachable, lost, repeated, partial)


def _refusal(request: Request, code: str, status: int) -> Exception:
    # Answers to HEAD have no body: their code is the status.
    is_head = request.operation.startswith("Head")
    return errors.refusal(request.operation, str(status) if is_head else code, status)


def _halves[T](entries: Sequence[T]) -> tuple[list[T], list[T]]:
    return list(entries[1::2]), list(entries[::2])


def _with(request: Request, **parameters: Any) -> Request:
    return replace(request, parameters={**request.parameters, **parameters})
