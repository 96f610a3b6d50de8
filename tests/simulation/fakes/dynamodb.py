"""An in-memory DynamoDB: tables, indexes, conditions, transactions, streams, and items that expire."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from tests.simulation.fakes import expressions
from tests.simulation.fakes.errors import refusal
from tests.simulation.fakes.expressions import Binding, Item, Unsupported, Value

type Key = tuple[Value, ...]
type Wire = dict[str, dict[str, Any]]
"""An item as it is sent: attribute → {type letters: value}."""

_STREAM_EPOCH = 1_000_000_000_000_000_000_000
_INDEX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Index:
    keys: tuple[str, ...]
    projects_all: bool = False
    projects: tuple[str, ...] = ()
    """Attributes that are no keys."""

    def project(self, item: Item, table_keys: tuple[str, ...]) -> Item:
        kept = item if self.projects_all else {*self.keys, *self.projects, *table_keys}
        return {name: value for name, value in item.items() if name in kept}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a template says of a table."""

    keys: tuple[str, ...]
    indexes: Mapping[str, Index] = field(default_factory=dict)
    expiry: str | None = None
    shards: int = 0
    """Of its stream. Without any there is no stream."""


@dataclass(frozen=True, slots=True)
class Change:
    """One record of a stream."""

    shard: str
    sequence: int
    before: Item | None
    after: Item | None
    expired: bool

    def as_event(self, keys: Iterable[str]) -> dict[str, Any]:
        """As Lambda hands it on: JSON, so bytes are base64."""
        some = self.after or self.before or {}
        images = {"OldImage": self.before, "NewImage": self.after}
        change: dict[str, Any] = {
            "Keys": json_item({name: some[name] for name in keys}),
            "SequenceNumber": str(self.sequence),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        } | {name: json_item(image) for name, image in images.items() if image is not None}
        kind = "INSERT" if self.before is None else "MODIFY" if self.after is not None else "REMOVE"
        service = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        return {
            "eventID": f"{self.shard}-{self.sequence}",
            "eventName": kind,
            "eventSource": "aws:dynamodb",
            "dynamodb": change,
        } | ({"userIdentity": service} if self.expired else {})


@dataclass(slots=True)
class Table:
    shape: Shape
    items: dict[Key, Item] = field(default_factory=dict)
    """An item is replaced, never changed, so that a copy of this dictionary is a snapshot."""
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class DynamoDB:
    tables: dict[str, Table] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answers of transactions by their token: botocore retries a transaction under the same one."""
    shows_duplicates: bool = True
    """Whether an insert that finds an item shows it. It is asked to; whether AWS does, its documentation
    leaves open."""

    def get_item(
        self, *, TableName: str, Key: Wire, ConsistentRead: bool = False, ReturnConsumedCapacity: str = "NONE"
    ) -> dict[str, Any]:
        table = self._table("GetItem", TableName)
        item = table.items.get(_key(table, decoded(Key)))
        return {} if item is None else {"Item": encoded(item)}

    def batch_get_item(
        self, *, RequestItems: dict[str, dict[str, Any]], ReturnConsumedCapacity: str = "NONE"
    ) -> dict[str, Any]:
        found: dict[str, list[Wire]] = {}
        for name, request in RequestItems.items():
            table = self._table("BatchGetItem", name)
            keys = [_key(table, decoded(key)) for key in request["Keys"]]
            if len(set(keys)) < len(keys) or len(keys) > 100:
                raise refusal("BatchGetItem", "ValidationException")
            # AWS answers in no particular order.
            found[name] = [encoded(table.items[key]) for key in reversed(keys) if key in table.items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def batch_write_item(self, *, RequestItems: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        if sum(map(len, RequestItems.values())) > 25:
            raise refusal("BatchWriteItem", "ValidationException")
        for name, requests in RequestItems.items():
            keys = [_key(self._table("BatchWriteItem", name), decoded(_deleted(each))) for each in requests]
            if len(set(keys)) < len(keys):
                raise refusal("BatchWriteItem", "ValidationException")
            for request in requests:
                self._delete("BatchWriteItem", TableName=name, Key=_deleted(request))
        return {"UnprocessedItems": {}}

    def put_item(self, **request: Any) -> dict[str, Any]:
        before = self._put("PutItem", **request)
        return {"Attributes": encoded(before)} if before and request.get("ReturnValues") == "ALL_OLD" else {}

    def delete_item(self, *, ReturnConsumedCapacity: str = "NONE", **request: Any) -> dict[str, Any]:
        self._delete("DeleteItem", **request)
        return {}

    def update_item(self, *, ReturnValues: str = "NONE", **request: Any) -> dict[str, Any]:
        after = self._update("UpdateItem", **request)
        if ReturnValues not in ("NONE", "ALL_NEW"):
            raise Unsupported(ReturnValues)
        return {"Attributes": encoded(after)} if ReturnValues == "ALL_NEW" else {}

    def transact_write_items(
        self, *, TransactItems: Sequence[dict[str, Any]], ClientRequestToken: str
    ) -> dict[str, Any]:
        if ClientRequestToken in self.tokens:
            return self.tokens[ClientRequestToken]
        if len(TransactItems) > 100:
            raise refusal("TransactWriteItems", "ValidationException")
        before = {name: (dict(table.items), len(table.changes)) for name, table in self.tables.items()}
        reasons = [self._try(action) for action in TransactItems]
        if any(reason["Code"] != "None" for reason in reasons):
            for name, (items, changes) in before.items():
                self.tables[name].items = items
                del self.tables[name].changes[changes:]
            raise refusal("TransactWriteItems", "TransactionCanceledException", reasons=reasons)
        return self.tokens.setdefault(ClientRequestToken, {})

    def batch_execute_statement(self, *, Statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
        if all(statement["Statement"].startswith("UPDATE") for statement in Statements):
            return self._execute_updates(Statements)
        drafts = [self._insertion(statement) for statement in Statements]
        targets = [(name, _key(self.tables[name], item)) for name, item in drafts]
        if len(set(targets)) < len(targets) or len(targets) > 25:
            raise refusal("BatchExecuteStatement", "ValidationException")
        return {"Responses": [self._insert(*draft) for draft in drafts]}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Wire,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        IndexName: str | None = None,
        ScanIndexForward: bool = True,
        Limit: int | None = None,
        ExclusiveStartKey: Wire | None = None,
        FilterExpression: str | None = None,
        ProjectionExpression: str | None = None,
        ConsistentRead: bool = False,
        ReturnConsumedCapacity: str = "NONE",
    ) -> dict[str, Any]:
        table = self._table("Query", TableName)
        if IndexName and (ConsistentRead or IndexName not in table.shape.indexes):
            raise refusal("Query", "ValidationException")
        index = table.shape.indexes[IndexName] if IndexName else Index(table.shape.keys, projects_all=True)
        parsed = expressions.parse_condition(KeyConditionExpression)
        kept = expressions.parse_condition(FilterExpression) if FilterExpression else None
        shown = expressions.parse_projection(ProjectionExpression) if ProjectionExpression else None
        used = [each for each in (parsed, kept, shown) if each]
        binding = _binding("Query", used, ExpressionAttributeNames, ExpressionAttributeValues)
        if not {binding.names.get(path, path) for path in parsed.paths} <= set(index.keys):
            raise refusal("Query", "ValidationException")
        order = (*index.keys, *table.shape.keys)
        indexed = (item for item in table.items.values() if all(name in item for name in index.keys))
        rows = [(_sort_key(item, order), item) for item in indexed if parsed.meaning(item, binding)]
        rows.sort(key=lambda row: row[0], reverse=not ScanIndexForward)
        if ExclusiveStartKey:
            start = _sort_key(decoded(ExclusiveStartKey), order)
            rows = [row for row in rows if (row[0] > start if ScanIndexForward else row[0] < start)]
        page = [item for _, item in rows][:Limit]
        passed = [item for item in page if not kept or kept.meaning(item, binding)]
        found = [index.project(item, table.shape.keys) for item in passed]
        answer: dict[str, Any] = {
            "Items": [encoded(shown.meaning(item, binding) if shown else item) for item in found],
            "Count": len(passed),
            "ScannedCount": len(page),
        }
        if Limit is not None and len(page) == Limit:
            answer["LastEvaluatedKey"] = encoded({name: page[-1][name] for name in order})
        return answer

    def scan(
        self,
        *,
        TableName: str,
        FilterExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Wire | None = None,
        ReturnConsumedCapacity: str = "NONE",
    ) -> dict[str, Any]:
        table = self._table("Scan", TableName)
        kept = [expressions.parse_condition(FilterExpression)] if FilterExpression else []
        binding = _binding("Scan", kept, ExpressionAttributeNames, ExpressionAttributeValues)
        found = [item for item in table.items.values() if all(each.meaning(item, binding) for each in kept)]
        items = [encoded(item) for item in found]
        return {"Items": items, "Count": len(items), "ScannedCount": len(table.items)}

    def expire(self, now: float) -> int:
        """Remove what TTL may remove by now. DynamoDB does so within days; the caller says when."""
        removed = 0
        for table in self.tables.values():
            if not table.shape.expiry:
                continue
            for key, item in list(table.items.items()):
                end = item.get(table.shape.expiry)
                if end and end[1] < now:
                    del table.items[key]
                    self._record(table, key, item, None, expired=True)
                    removed += 1
        return removed

    def _table(self, operation: str, name: str) -> Table:
        if name not in self.tables:
            raise refusal(operation, "ResourceNotFoundException")
        return self.tables[name]

    def _put(
        self,
        operation: str,
        *,
        TableName: str,
        Item: Wire,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, dict[str, Any]] | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
        ReturnConsumedCapacity: str = "NONE",
    ) -> Item | None:
        table = self._table(operation, TableName)
        item = decoded(Item)
        key = _key(table, item)
        before = table.items.get(key)
        parsed = [expressions.parse_condition(ConditionExpression)] if ConditionExpression else []
        binding = _binding(operation, parsed, ExpressionAttributeNames, ExpressionAttributeValues)
        if parsed and not parsed[0].meaning(before or {}, binding):
            raise _failed_condition(operation, before, ReturnValuesOnConditionCheckFailure)
        self._write(operation, table, key, before, item)
        return before

    def _delete(
        self,
        operation: str,
        *,
        TableName: str,
        Key: Wire,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, dict[str, Any]] | None = None,
    ) -> Item | None:
        table = self._table(operation, TableName)
        key = _key(table, decoded(Key))
        before = table.items.get(key)
        parsed = [expressions.parse_condition(ConditionExpression)] if ConditionExpression else []
        binding = _binding(operation, parsed, ExpressionAttributeNames, ExpressionAttributeValues)
        if parsed and not parsed[0].meaning(before or {}, binding):
            raise _failed_condition(operation, before, "NONE")
        if before is not None:
            del table.items[key]
            self._record(table, key, before, None)
        return before

    def _check(self, operation: str, *, Key: Wire, ConditionExpression: str, **request: Any) -> None:
        """Whether an item is as expected, and nothing else."""
        table = self._table(operation, request["TableName"])
        condition = expressions.parse_condition(ConditionExpression)
        names, values = (request.get(f"ExpressionAttribute{kind}") for kind in ("Names", "Values"))
        binding = _binding(operation, [condition], names, values)
        if not condition.meaning(table.items.get(_key(table, decoded(Key))) or {}, binding):
            raise _failed_condition(operation, None, "NONE")

    def _update(
        self,
        operation: str,
        *,
        TableName: str,
        Key: Wire,
        UpdateExpression: str,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, dict[str, Any]] | None = None,
        ReturnValuesOnConditionCheckFailure: str = "NONE",
        ReturnConsumedCapacity: str = "NONE",
    ) -> Item:
        table = self._table(operation, TableName)
        key = _key(table, decoded(Key))
        before = table.items.get(key)
        update = expressions.parse_update(UpdateExpression)
        condition = expressions.parse_condition(ConditionExpression) if ConditionExpression else None
        parsed = [update, condition] if condition else [update]
        binding = _binding(operation, parsed, ExpressionAttributeNames, ExpressionAttributeValues)
        if condition and not condition.meaning(before or {}, binding):
            raise _failed_condition(operation, before, ReturnValuesOnConditionCheckFailure)
        if {binding.names.get(path, path) for path in update.paths} & set(table.shape.keys):
            raise refusal(operation, "ValidationException")
        after = expressions.apply_update(update.meaning, before or decoded(Key), binding)
        self._write(operation, table, key, before, after)
        return after

    def _try(self, action: dict[str, Any]) -> dict[str, Any]:
        """One action of a transaction, done. What it is cancelled for, if it is."""
        [(kind, request)] = action.items()
        act = {
            "Update": self._update,
            "Put": self._put,
            "Delete": self._delete,
            "ConditionCheck": self._check,
        }.get(kind)
        if act is None:
            raise Unsupported(kind)
        try:
            act("TransactWriteItems", **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            item = error.response.get("Item")
            return {"Code": "ConditionalCheckFailed"} | ({"Item": item} if item else {})
        return {"Code": "None"}

    def _execute_updates(self, statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Each changes one attribute of one item, on condition that others are as they are said to be."""
        parsed = [self._alteration(statement) for statement in statements]
        if len({(name, key) for name, key, *_ in parsed}) < len(parsed) or len(parsed) > 25:
            raise refusal("BatchExecuteStatement", "ValidationException")
        return {"Responses": [self._alter(*each) for each in parsed]}

    def _alteration(self, statement: dict[str, Any]) -> "tuple[str, Key, Item, Item]":
        values = iter(decoded(dict(enumerate(statement["Parameters"]))).values())  # type: ignore[arg-type]
        match = re.fullmatch(
            r'UPDATE "([^"]+)" (?:SET|REMOVE) ("\w+"(?:=\?)?) WHERE (.+)', statement["Statement"]
        )
        if match is None or len(statement) != 2:
            raise Unsupported(str(statement))
        missing: Value = ("", "")

        def read(text: str) -> tuple[str, Value]:
            if found := re.fullmatch(r'"(\w+)"=\?', text):
                return found[1], next(values)
            return text.partition(" ")[0].strip('"'), missing

        change, *conditions = map(read, [match[2], *match[3].split(" AND ")])
        item = dict(conditions)
        key = _key(self._table("BatchExecuteStatement", match[1]), item)
        return match[1], key, dict([change]), item

    def _alter(self, name: str, key: Key, change: Item, conditions: Item) -> dict[str, Any]:
        table = self.tables[name]
        before = table.items.get(key)
        if before is None or any(before.get(each, ("", "")) != value for each, value in conditions.items()):
            return {"Error": {"Code": "ConditionalCheckFailed"}, "TableName": name}
        after = {each: value for each, value in {**before, **change}.items() if value != ("", "")}
        self._write("BatchExecuteStatement", table, key, before, after)
        return {"TableName": name}

    def _insertion(self, statement: dict[str, Any]) -> tuple[str, Item]:
        if statement["ReturnValuesOnConditionCheckFailure"] != "ALL_OLD" or len(statement) != 3:
            raise Unsupported(str(sorted(statement)))
        text = statement["Statement"]
        match = re.fullmatch(r'INSERT INTO "([^"]+)" VALUE \{((?:\'\w+\': \?(?:, )?)+)\}', text)
        if match is None:
            raise Unsupported(text)
        names = re.findall(r"'(\w+)': \?", match[2])
        item = decoded(dict(zip(names, statement["Parameters"], strict=True)))
        self._table("BatchExecuteStatement", match[1])
        return match[1], item

    def _insert(self, name: str, item: Item) -> dict[str, Any]:
        table = self.tables[name]
        key = _key(table, item)
        if (there := table.items.get(key)) is not None:
            error: dict[str, Any] = {
                "Code": "DuplicateItem",
                "Message": "Duplicate primary key exists in table",
            }
            shown = {"Item": encoded(there)} if self.shows_duplicates else {}
            return {"Error": error | shown, "TableName": name}
        self._write("BatchExecuteStatement", table, key, None, item)
        return {"TableName": name}

    def _write(self, operation: str, table: Table, key: Key, before: Item | None, after: Item) -> None:
        for index in table.shape.indexes.values():
            for name in index.keys:
                if name in after and not 0 < len(_bytes(after[name])) <= _INDEX_KEY_BYTES:
                    raise refusal(operation, "ValidationException")
        table.items[key] = after
        if before != after:
            self._record(table, key, before, after)

    def _record(
        self, table: Table, key: Key, before: Item | None, after: Item | None, *, expired: bool = False
    ) -> None:
        if not table.shape.shards:
            return
        shard = f"shardId-{crc32(repr(key).encode()) % table.shape.shards:020d}"
        # Numbers of one shard grow, with gaps, and may gain a digit.
        sequence = _STREAM_EPOCH - 5000 + 100 * len(table.changes)
        table.changes.append(Change(shard, sequence, before, after, expired))


def _deleted(request: dict[str, Any]) -> Wire:
    [(kind, action)] = request.items()
    if kind != "DeleteRequest":
        raise Unsupported(kind)
    return action["Key"]  # type: ignore[no-any-return]


def _failed_condition(operation: str, there: Item | None, returns: str) -> ClientError:
    shown = encoded(there) if there and returns == "ALL_OLD" else None
    return refusal(operation, "ConditionalCheckFailedException", item=shown)


def _binding(
    operation: str,
    parsed: Iterable[expressions.Parsed[Any]],
    names: Mapping[str, str] | None,
    values: Mapping[str, dict[str, Any]] | None,
) -> Binding:
    """An alias that is not used is refused, and so are empty collections of them."""
    used = frozenset[str]().union(*(each.aliases for each in parsed))
    if used != {*(names or ()), *(values or ())} or {} in (names, values):
        raise refusal(operation, "ValidationException")
    return Binding(names or {}, decoded(values or {}))


def _key(table: Table, item: Item) -> Key:
    key = tuple(item.get(name, ("", "")) for name in table.shape.keys)
    if not all(value[1] for value in key):
        raise refusal("", "ValidationException")
    return key


def _sort_key(item: Item, names: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(_bytes(item[name]) for name in names)


def _bytes(value: Value) -> bytes:
    match value:
        case ("S", str(text)):
            return text.encode()
        case ("B", bytes(octets)):
            return octets
    raise Unsupported(f"a key of type {value[0]}")


def decoded(wire: Mapping[str, Mapping[str, Any]]) -> dict[str, Value]:
    return {name: _decoded(value) for name, value in wire.items()}


def _decoded(wire: Mapping[str, Any]) -> Value:
    [(kind, value)] = wire.items()
    match kind:
        case "S":
            return kind, str(value)
        case "B" | "BOOL" | "NULL":
            return kind, value
        case "N":
            return kind, Decimal(value)
        case "SS":
            return kind, frozenset(value)
        case "M":
            return kind, tuple(sorted(decoded(value).items()))
        case "L":
            return kind, tuple(_decoded(each) for each in value)
    raise Unsupported(f"attribute of type {kind}")


def encoded(item: Item) -> Wire:
    return {name: _encoded(item[name]) for name in sorted(item)}


def _encoded(value: Value) -> dict[str, Any]:
    kind, content = value
    match kind:
        case "N":
            return {kind: format(content.normalize(), "f")}
        case "SS":
            return {kind: sorted(content)}
        case "M":
            return {kind: encoded(dict(content))}
        case "L":
            return {kind: [_encoded(each) for each in content]}
    return {kind: content}


def json_item(item: Item) -> Wire:
    text = json.dumps(encoded(item), default=lambda octets: b64encode(octets).decode())
    return json.loads(text)  # type: ignore[no-any-return]
