from collections import Counter
from dataclasses import replace

from chalicelib.model.counts import gather, weigh
from chalicelib.model.data import Data, Kind, State, Status, Type

RECORD = Data(
    id="i",
    shard="lake#0",
    object_name="a/b.jpg",
    op_id="o",
    sequencer=None,
    content="o",
    size=7,
    etag="e",
    created_at="",
    updated_at="",
)


def test_a_live_record_counts_by_status_kind_and_type_once_its_bytes_were_seen() -> None:
    ready = replace(RECORD, status=Status.READY, type=Type.IMAGE)
    assert weigh(RECORD) == {"items": 1, "bytes": 7, "status:indexed": 1, "kind:object": 1}
    assert weigh(ready) == {"items": 1, "bytes": 7, "status:ready": 1, "kind:object": 1, "type:image": 1}


def test_a_link_counts_as_one_and_its_bytes_once_they_are_known() -> None:
    link = replace(RECORD, kind=Kind.LINK, size=None)
    assert weigh(link) == {"items": 1, "bytes": 0, "status:indexed": 1, "kind:link": 1}
    assert weigh(replace(link, size=7))["bytes"] == 7


def test_a_tombstone_and_nothing_count_nothing() -> None:
    assert weigh(None) == weigh(replace(RECORD, state=State.GONE)) == Counter()


def test_counters_that_went_back_to_zero_are_not_told() -> None:
    counts = gather({"items": 1, "bytes": 7, "type:image": 1, "type:video": 0, "status:ready": 1})
    assert (counts.items, counts.bytes) == (1, 7)
    assert (counts.by_type, counts.by_status, counts.by_kind) == ({"image": 1}, {"ready": 1}, {})
