"""The API over the DynamoDB in memory that tests/integration/fakes holds against a local AWS: large lakes in
seconds, and a ledger of what each request to the API asks of it."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from bench import capacity
from chalicelib.model import limits, moment
from chalicelib.model.counts import label_counter
from chalicelib.model.data import first_record
from chalicelib.model.label import LabelKind
from chalicelib.storage import counters, labels, records
from chalicelib.storage.meters import Meter
from tests.simulation.fakes.world import World, installed
from tests.unit.api.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.model.data import Sight
    from chalicelib.model.lake import Lake
    from tests.simulation.fakes.world import Request

_WRITES: Final = {"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"}
_SECONDS_BETWEEN: Final = 0.01


@dataclass(slots=True)
class Ledger:
    operations: Counter[str] = field(default_factory=Counter)
    read: Meter = field(default_factory=Meter)
    units: float = 0
    """Of reading."""
    written: int = 0
    """Items."""

    @property
    def requests(self) -> int:
        return self.operations.total()

    @property
    def writes(self) -> int:
        return sum(self.operations[each] for each in _WRITES)

    def enter(self, request: "Request", answer: "Mapping[str, Any]") -> None:
        self.operations[request.operation] += 1
        self.written += len(request.parameters.get("TransactItems", ()))
        self.read.count(answer)
        self.units += count_units(request.operation, request.parameters, answer)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the API of one lake is asked, by an editor."""

    world: World
    lake: "Lake"
    gateway: Gateway = field(default_factory=Gateway)

    def fill(self, sights: "Mapping[str, Sight]") -> list[str]:
        """The ids of new records, by their object names, one created after the other."""
        for batch in batched(sights.items(), limits.INSERT_BATCH, strict=False):
            records.insert_absent([self._draft(name, sight) for name, sight in batch])
            self.world.calls.clear()
        return [self.lake.data_id(name) for name in sights]

    def ask(self, method: str, path: str, body: object = None) -> tuple[Any, Ledger]:
        ledger = Ledger()

        def perform(request: "Request") -> Any:
            answer = self.world.perform(request)
            ledger.enter(request, answer)
            return answer

        self.world.interpose = perform
        answer = self.gateway.call(method, path, body)
        self.world.interpose = None
        self.world.calls.clear()
        if answer.status != 200:
            raise RuntimeError(f"the API answers {answer.status} with {answer.body}")
        return answer.body, ledger

    def retag(self, method: str, tag: str, ids: "Sequence[str]") -> list[Ledger]:
        """As many at once as one call may name."""
        ledgers = []
        for batch in batched(ids, limits.IDS_AT_ONCE, strict=False):
            answer, ledger = self.ask(method, "/data/tags", {"tags": [tag], "ids": list(batch)})
            if answer["changed"] != len(batch):
                raise RuntimeError(f"{answer['changed']} of {len(batch)} changed")
            ledgers.append(ledger)
        return ledgers

    def count(self, items: int, tagged: "Mapping[str, int]") -> None:
        """Tell the counters, which follow the table's stream, what is there."""
        found = labels.find(self.lake.id, LabelKind.TAG, tagged)
        added = {label_counter(LabelKind.TAG, found[tag].id): {"items": n} for tag, n in tagged.items()}
        counters.add("shard", "1", "1", {self.lake.id: {"items": items}, **added})

    def _draft(self, name: str, sight: "Sight") -> Any:
        self.world.clock += _SECONDS_BETWEEN
        return first_record(self.lake, name, sight, None, moment.new_op_id())


@contextmanager
def opened() -> "Iterator[Desk]":
    """On an empty lake."""
    with installed(World()) as world:
        yield Desk(world, world.add_lake("default", "photos", shards=limits.SHARDS))


def count_units(operation: str, request: "Mapping[str, Any]", answer: "Mapping[str, Any]") -> float:
    """What DynamoDB asks for reading; nothing for what writes."""
    match operation:
        case "Query":
            return _count_together(request, _entries(request, answer["Items"]))
        case "GetItem":
            return _count_together(request, [answer.get("Item", {})])
        case "BatchGetItem":
            return sum(
                _count_batch(asked, answer["Responses"][table])
                for table, asked in request["RequestItems"].items()
            )
    return 0


def _entries(request: "Mapping[str, Any]", items: "Iterable[capacity.Item]") -> "Iterator[capacity.Item]":
    """What was read: of what is left out of the answer, that is the shard's name, each item has it."""
    left_out: capacity.Item = {}
    if "ProjectionExpression" in request:
        values = request["ExpressionAttributeValues"]
        left_out = {request["ExpressionAttributeNames"]["#shard"]: values[":shard"]}
    return ({**left_out, **item} for item in items)


def _count_batch(asked: "Mapping[str, Any]", found: "Sequence[capacity.Item]") -> float:
    missing: list[capacity.Item] = [{}] * (len(asked["Keys"]) - len(found))
    return sum(_count_together(asked, [item]) for item in (*found, *missing))


def _count_together(asked: "Mapping[str, Any]", items: "Iterable[capacity.Item]") -> float:
    consistent = asked.get("ConsistentRead", False)
    return capacity.count_read_units(map(capacity.measure_item, items), consistent=consistent)
