import json
from dataclasses import replace

from chalicelib.api import answers
from chalicelib.model.counts import Counts
from chalicelib.model.data import Data, Reason, Status, Type
from chalicelib.model.lake import Lake
from chalicelib.model.quota import Quota

RECORD = Data(
    id="d7b0a1c2-55d1-5b9c-9d5e-0d2f1a3c4b5d",
    shard="7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d#3",
    object_name="frames/é.jpg",
    op_id="op",
    sequencer=None,
    content="op",
    size=3317210,
    etag="9b2cf535f27731c974343645a3985328",
    content_type="image/jpeg",
    last_modified="2025-01-01T00:00:00.000Z",
    created_at="2025-01-01T00:00:01.000Z",
    updated_at="2025-01-01T00:00:02.000Z",
    status=Status.READY,
    type=Type.IMAGE,
    width=4000,
    height=3000,
    orientation=6,
    channels=3,
    metadata={"acquired_at": "2008-10-22T16:28:39Z", "latitude": 43.46},
    thumbnail=True,
    tags=frozenset({"1", "2", "deleted"}),
    source="3",
    custom_metadata={"lot": "A7"},
)
NAMES = {"1": "van", "2": "car", "3": "camera-one"}


def test_data_looks_as_documented():
    assert json.loads(json.dumps(answers.describe_data(RECORD, NAMES))) == {
        "id": "d7b0a1c2-55d1-5b9c-9d5e-0d2f1a3c4b5d",
        "datalake_id": "7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d",
        "kind": "object",
        "type": "image",
        "status": "ready",
        "status_reason": None,
        "object_name": "frames/é.jpg",
        "filename": "é.jpg",
        "url": None,
        "health": None,
        "checked_at": None,
        "size": 3317210,
        "etag": "9b2cf535f27731c974343645a3985328",
        "version_id": None,
        "content_type": "image/jpeg",
        "content_encoding": None,
        "last_modified": "2025-01-01T00:00:00.000Z",
        "created_at": "2025-01-01T00:00:01.000Z",
        "updated_at": "2025-01-01T00:00:02.000Z",
        "width": 4000,
        "height": 3000,
        "orientation": 6,
        "channels": 3,
        "metadata": {"acquired_at": "2008-10-22T16:28:39Z", "latitude": 43.46},
        "custom_metadata": {"lot": "A7"},
        "description": None,
        "tags": ["car", "van"],
        "source": "camera-one",
        "thumbnail": True,
    }


def test_stats_look_as_documented():
    groups = {"by_type": {"image": 1}, "by_status": {"ready": 2}, "by_kind": {"object": 2}}
    counts = Counts(items=2, bytes=9, announced_bytes=3, **groups)
    lake = Lake(
        id=RECORD.lake_id,
        name="default",
        organization="acme",
        connector="stack",
        bucket="photos",
        bucket_owner="123456789012",
        prefix="",
        shards=4,
        created_at="2026-03-01T12:00:00.000Z",
        quota=Quota(items=1),
    )
    assert answers.describe_counts(lake, counts) == {
        "items": 2,
        "bytes": 9,
        "by_type": {"image": 1},
        "by_status": {"ready": 2},
        "by_kind": {"object": 2},
        "quota": {"items": 1, "bytes": None},
        "over_quota": True,
    }


def test_a_page_is_one_document():
    body = json.loads(answers.page(answers.fitting([RECORD, RECORD], NAMES), "next").body)
    assert body == {
        "items": [json.loads(json.dumps(answers.describe_data(RECORD, NAMES)))] * 2,
        "next_cursor": "next",
    }
    assert json.loads(answers.page([], None).body) == {"items": [], "next_cursor": None}


def test_an_answer_ends_before_it_is_too_large_for_lambda(monkeypatch):
    one = len(answers.fitting([RECORD], NAMES)[0])
    monkeypatch.setattr(answers, "_BODY_BYTES", 3 * one)
    assert len(answers.fitting([RECORD] * 5, NAMES)) == 3


def test_an_answer_has_room_for_one_item_at_least(monkeypatch):
    monkeypatch.setattr(answers, "_BODY_BYTES", 10)
    assert len(answers.fitting([RECORD] * 5, NAMES)) == 1


def test_reasons_are_words():
    text = answers.fitting([replace(RECORD, status=Status.FAILED, status_reason=Reason.CORRUPT)], NAMES)[0]
    assert '"status":"failed","status_reason":"corrupt"' in text
