"""Where MiniStack 1.5.33 takes the longer the more there is, or works twice, and AWS does not. What it
answers stays what it was."""

import re
from itertools import chain, islice, takewhile
from typing import Any

from ministack.services import dynamodb, s3
from sortedcontainers import SortedDict, SortedList


def keep() -> None:
    _list_from_where_it_begins()
    _query_from_where_it_begins()
    _start_no_thread_where_nobody_is_told()
    _prepare_inserts()


def _list_from_where_it_begins() -> None:
    """A listing sorts all names of the bucket, however few of them it shows."""
    find, collect = s3._ensure_bucket, s3._collect_list_entries

    def find_in_order(name: str) -> Any:
        bucket = find(name)
        if bucket is not None and not isinstance(bucket["objects"], SortedDict):
            bucket["objects"] = SortedDict(bucket["objects"])
        return bucket

    def collect_from_start(objects: Any, prefix: str, delimiter: str, limit: int, after: str) -> Any:
        if delimiter:
            return collect(objects, prefix, delimiter, limit, after)
        start = max(prefix, after)
        names = objects.irange(start, inclusive=(start != after, True))
        found = list(islice(takewhile(lambda name: name.startswith(prefix), names), limit + 1))
        shown = found[:limit]
        return shown, [], len(found) > limit, shown[-1] if shown else ""

    s3._ensure_bucket, s3._collect_list_entries = find_in_order, collect_from_start


_BETWEEN = re.compile(r"#?\w+ = :\w+ AND #?\w+ BETWEEN (:\w+) AND (:\w+)")
_BEYOND = chr(0x10FFFF)


class _Partition(dict[tuple[str, str], tuple[Any, ...]]):
    """The items of one partition of an index: their keys, with where they stand in it."""

    def __init__(self, table: dict[str, Any], sort_name: str) -> None:
        super().__init__()
        self._items, self._name = table["items"], sort_name
        self._type = dynamodb._get_attr_type(table, sort_name)
        self._places: SortedList = SortedList()

    def __setitem__(self, key: tuple[str, str], _: Any) -> None:
        self.pop(key, None)
        place = (self.value(self._items[key[0]][key[1]][self._name]), *key)
        super().__setitem__(key, place)
        self._places.add(place)

    def pop(self, key: tuple[str, str], *default: Any) -> Any:
        if key in self:
            self._places.remove(self[key])
        return super().pop(key, *default)

    def value(self, attribute: Any) -> Any:
        return dynamodb._sort_key_value(attribute, self._type)

    def asked(self, query: dict[str, Any], low: Any, high: Any) -> list[tuple[str, str]]:
        """As many of those between as the query may look at."""
        forward, limit = query.get("ScanIndexForward", True), query.get("Limit")
        bounds = [(self.value(low),), (self.value(high), _BEYOND)]
        if begun := query.get("ExclusiveStartKey"):
            bounds[not forward] = (self.value(begun[self._name]), begun["id"]["S"])
        found = self._places.irange(*bounds, reverse=not forward)
        # One more shows whether there are more, and the one begun behind may be among them.
        return [place[1:] for place in islice(found, limit and limit + 2)]


class _Partitions(dict[str, _Partition]):
    def __init__(self, table: dict[str, Any], sort_name: str, filled: dict[str, Any]) -> None:
        super().__init__()
        self._table, self._sort_name = table, sort_name
        for name, key in chain.from_iterable(((name, key) for key in keys) for name, keys in filled.items()):
            self.setdefault(name, {})[key] = None

    def setdefault(self, name: str, _: Any = None) -> Any:
        if name not in self:
            self[name] = _Partition(self._table, self._sort_name)
        return self[name]


def _query_from_where_it_begins() -> None:
    """A query sorts all of its partition and holds the condition against each item, and the first one makes
    the index."""
    members, query, index = dynamodb._index_members, dynamodb._query, dynamodb._index_item
    asked: list[dict[str, Any]] = []

    def members_in_order(table: dict[str, Any]) -> Any:
        found = members(table)
        for name, hashes, ranges in dynamodb._index_key_schemas(table):
            plain = (table["pk_name"], table["sk_name"], len(hashes), len(ranges)) == ("id", None, 1, 1)
            if plain and not isinstance(found[name], _Partitions):
                found[name] = _Partitions(table, ranges[0], found[name])
        return _narrowed(found, asked[0]) if asked else found

    def query_narrowed(data: dict[str, Any]) -> Any:
        asked.append(data)
        try:
            return query(data)
        finally:
            asked.clear()

    def index_from_the_first(table: dict[str, Any], *item: Any, add: bool) -> None:
        members_in_order(table)
        index(table, *item, add=add)

    dynamodb._index_members, dynamodb._query = members_in_order, query_narrowed
    dynamodb._index_item = index_from_the_first


def _narrowed(members: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    index = query.get("IndexName", "")
    between = _BETWEEN.fullmatch(query.get("KeyConditionExpression", ""))
    if not between or not isinstance(members.get(index), _Partitions):
        return members
    values = query["ExpressionAttributeValues"]
    low, high = (values[name] for name in between.groups())
    partitions = {
        value["S"]: members[index][value["S"]].asked(query, low, high)
        for value in values.values()
        if value.get("S") in members[index]
    }
    return {index: partitions}


def _start_no_thread_where_nobody_is_told() -> None:
    """Each write starts one to tell of it, also for a bucket that was told to tell nobody."""
    fire = s3._fire_s3_event_async

    def fire_if_told(bucket: str, *event: Any, **more: Any) -> None:
        document = s3._bucket_notifications.get(bucket, "")
        if s3._parse_notification_config(bucket) or "EventBridgeConfiguration" in document:
            fire(bucket, *event, **more)

    s3._fire_s3_event_async = fire_if_told


_INSERT = re.compile(r"INSERT INTO \"[\w.-]+\" VALUE \{'\w+': \?(, '\w+': \?)*\}")


def _prepare_inserts() -> None:
    """A statement is taken to pieces letter by letter each time it comes, and each time twice."""
    parse = dynamodb._parse_partiql
    prepared: dict[str, tuple[list[str], Any]] = {}

    def fill_in(statement: str, parameters: Any) -> Any:
        given = parameters or []
        names, known = prepared.get(statement, ([], None))
        is_plain = len(names) == len(given) and not any(map(dynamodb._partiql_parameter_error, given))
        if names and is_plain:
            return {**known, "item": dict(zip(names, given, strict=True))}
        parsed = parse(statement, parameters)
        if _INSERT.fullmatch(statement):
            prepared[statement] = list(parsed["item"]), parsed
        return parsed

    dynamodb._parse_partiql = fill_in
