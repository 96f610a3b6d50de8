"""What queries need of the storage, in memory: indexes that may list what the table no longer has, members of
tags, labels and counters."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType, SimpleNamespace

import pytest

from chalicelib.model import limits
from chalicelib.model.data import Data, Sight, State, Status, Type, first_record
from chalicelib.model.label import Label, LabelKind, fold
from chalicelib.model.lake import Lake
from chalicelib.storage import counters, labels, members, records
from chalicelib.storage.records import Order

LAKE = Lake(
    id="7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d",
    name="default",
    organization="acme",
    connector="stack",
    bucket="bucket",
    bucket_owner="123456789012",
    prefix="",
    shards=4,
    created_at="2025-01-01T00:00:00.000Z",
)


def record(name, *, minute=0, lake=LAKE, **facts) -> Data:
    seen = first_record(lake, name, Sight(size=1, etag="e"), None, "op")
    ready = {"created_at": f"2025-01-01T00:{minute:02}:00.000Z", "status": Status.READY, "type": Type.IMAGE}
    return replace(seen, **ready | facts)


class Shelf:
    """Labels have their own folded name for an id, with the kind before it."""

    def __init__(self, data=(), names=()):
        self.items, self.listed, self.tagged = {}, {}, {}
        self.labels = {f"{kind}:{fold(name)}": name for kind, name in names}
        self.requests = Counter()
        self.before_reading = lambda: None
        for each in data:
            self.put(each)

    def put(self, data):
        self.items[data.id] = self.listed[data.id] = self.tagged[data.id] = data

    def remove(self, data_id, *, still_listed=False):
        gone = self.items.pop(data_id, None)
        if gone and still_listed:
            self.items[data_id] = replace(gone, state=State.GONE)
        elif gone:
            del self.listed[data_id], self.tagged[data_id]

    def positions(self, lake, order, ranges, *, descending, limit):
        return self._positions("queries", self.listed.values(), order, ranges, descending, limit, lake.shards)

    def members(self, lake, tags, within, *, descending, limit):
        data = [each for each in self.tagged.values() if each.tags & set(tags)]
        queries = lake.shards * len(tags)
        return self._positions("queries", data, Order.CREATED_AT, [within], descending, limit, queries)

    def _positions(self, kind, data, order, ranges, descending, limit, queries):
        assert all(low <= high for low, high in ranges)
        self.requests[kind] += queries * len(ranges)
        entries = [(records.position(each, order), each.id) for each in data]
        within = [e for e in entries if any(low <= e[0] <= high for low, high in ranges)]
        found = sorted(within, key=lambda e: e[0].encode(), reverse=descending)[:limit]
        self.requests["keys"] += len(found)
        return found

    def read_many(self, ids):
        self.before_reading()
        assert len(set(ids)) == len(ids) <= limits.READ_BATCH
        self.requests["batches"] += 1
        self.requests["records"] += len(ids)
        return {key: self.items[key] for key in ids if key in self.items}

    def find_labels(self, lake_id, kind, names):
        self.requests["labels"] += 1
        ids = {name: f"{kind}:{fold(name)}" for name in names}
        return {
            name: Label(id=key, kind=kind, name=self.labels[key], created_at="")
            for name, key in ids.items()
            if key in self.labels
        }

    def name_labels(self, lake_id, ids):
        self.requests["names"] += 1
        return {key: self.labels[key] for key in ids if key in self.labels}

    def count_lake(self, lake_id):
        self.requests["counters"] += 1
        return SimpleNamespace(items=len(self.listed))

    def count_labels(self, found):
        self.requests["counters"] += 1
        held = Counter(tag for each in self.tagged.values() for tag in each.tags)
        return {label.id: held[label.id] for label in found}

    @contextmanager
    def in_place(self, settings=MappingProxyType({})):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(records, "positions", self.positions)
            patch.setattr(records, "read_many", self.read_many)
            patch.setattr(members, "positions", self.members)
            patch.setattr(labels, "find", self.find_labels)
            patch.setattr(labels, "names", self.name_labels)
            patch.setattr(counters, "read", self.count_lake)
            patch.setattr(counters, "of_labels", self.count_labels)
            for name, value in settings.items():
                patch.setattr(f"chalicelib.{name}", value)
            yield self


def tag_ids(*names):
    return frozenset(f"{LabelKind.TAG}:{fold(name)}" for name in names)


def source_id(name):
    return f"{LabelKind.SOURCE}:{fold(name)}"
