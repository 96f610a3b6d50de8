"""Histories of an object that people wrote of and that gets another name: every schedule of the events, the
stream and the people, and what must hold at their ends."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from chalicelib.changes import renames
from chalicelib.changes.step import Step
from chalicelib.errors import StorageUnavailable
from chalicelib.model import limits
from chalicelib.model.data import Data
from chalicelib.model.edit import Edit, has_words
from chalicelib.model.lake import Lake, Preprocess
from chalicelib.storage import edits, lakes, records, taggings, transactions
from tests.simulation import objects
from tests.simulation.explorer import Bounds, Explorer, Letter, Report
from tests.simulation.explorer import Change as Operation
from tests.simulation.fakes.dynamodb import Change, encoded
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.sqs import Queue
from tests.simulation.fakes.world import OWNER, World, installed
from tests.simulation.model import BUCKET, ask, receive_events

NAMES = ("a", "b", "c", "twin")
TAG = frozenset({"tag"})
BYTES = b"the same bytes"


def put(name: str) -> Operation:
    return lambda world: world.s3.put_object(Bucket=BUCKET, Key=name, Body=BYTES)


def copy(name: str, other: str) -> Operation:
    source = {"Bucket": BUCKET, "Key": name}
    return lambda world: world.s3.copy_object(Bucket=BUCKET, Key=other, CopySource=source)


def delete(name: str) -> Operation:
    return lambda world: world.s3.delete_object(Bucket=BUCKET, Key=name)


OPERATIONS = {
    **{f"put {name}": put(name) for name in NAMES},
    **{f"copy {name} {other}": copy(name, other) for name in NAMES for other in NAMES},
    **{f"delete {name}": delete(name) for name in NAMES},
    "edit b": ask("edits"),
}


def check(history: Sequence[str], bounds: Bounds, holders: Sequence[str]) -> Report:
    """Explore every schedule of the history, of which `a` was there before, with what people wrote of it. At
    each end one of the holders has that."""
    fewer = patch.object(limits, "CHECK_ATTEMPTS", 2), patch.object(transactions, "ATTEMPTS", 2)
    with installed(World()) as world, fewer[0], fewer[1]:
        world.s3.buckets[BUCKET] = Bucket(OWNER)
        lake = replace(world.add_lake("default", BUCKET), preprocess=Preprocess.OFF)
        lakes._by_bucket[BUCKET] = (float("inf"), [lake])
        write_of_a(world, lake, twin=any("twin" in each for each in history))
        world.sqs.queues |= {"edits": Queue()}
        explorer = Explorer(
            world=world,
            history=[(name, OPERATIONS[name]) for name in history],
            handlers={"events": receive_events, "changes": _follow, "edits": partial(_edit, lake)},
            agrees=partial(_disagreement, lake=lake, holders=holders, is_edited="edit b" in history),
            bounds=bounds,
            tables=("data", "taggings", "traces"),
            stream=_told,
            waits=_comes_later,
        )
        return explorer.explore()


def write_of_a(world: World, lake: Lake, *, twin: bool) -> None:
    """Long before anything happens."""
    for name in ("a", "twin") if twin else ("a",):
        objects.put(world, lake, name, body=BYTES)
    taggings.attach(lake.id, TAG, [lake.data_id("a")])
    edits.apply(lake, Edit(texts={"description": "said"}), [lake.data_id("a")])
    world.dynamodb.tables["data"].changes.clear()
    world.s3.events.clear()
    world.clock += 2 * 3600


def _told(change: Change) -> str | None:
    """Only what comes, goes, or stands elsewhere."""
    step = Step.read(change.as_event(["id"]))
    before, after = step.before, step.after
    if before and after and (before.state, before.created_at) == (after.state, after.created_at):
        return None
    # Its place in the stream is not to tell schedules apart that lead to the same.
    record = change.as_event(["id"])
    some = after or before
    record["dynamodb"]["SequenceNumber"] = f"{some.id}/{some.rev}" if some else ""
    return json.dumps(record)


def _comes_later(letter: Letter, other: Letter) -> bool:
    """A stream brings the changes of one record in order."""
    if {letter.queue, other.queue} != {"changes"}:
        return False
    (mine, rev), (others, earlier) = map(_place, (letter, other))
    return mine == others and earlier < rev


def _place(letter: Letter) -> tuple[str, int]:
    data_id, _, rev = json.loads(letter.body)["dynamodb"]["SequenceNumber"].partition("/")
    return data_id, int(rev)


def _follow(message: dict[str, Any]) -> dict[str, Any]:
    step = Step.read(json.loads(message["body"]))
    try:
        if data := step.abandoned_place:
            taggings.abandon(data)
        renames.follow("shard", [step])
    except StorageUnavailable:
        return {"batchItemFailures": ["shard"]}
    return {"batchItemFailures": []}


def _edit(lake: Lake, _: dict[str, Any]) -> dict[str, Any]:
    """A person writes of `b` once it is there."""
    try:
        [edited] = edits.apply(lake, Edit(custom_metadata={"lot": 7}), [lake.data_id("b")])
    except StorageUnavailable:
        return {"batchItemFailures": ["edit"]}
    return {"batchItemFailures": [] if edited.data else ["edit"]}


def records_in(world: World) -> list[Data]:
    items = world.dynamodb.tables["data"].items.values()
    return [records.from_attributes(encoded(item)) for item in items]


def _disagreement(world: World, lake: Lake, holders: Sequence[str], *, is_edited: bool) -> str | None:
    found = records_in(world)
    there = set(world.s3.buckets[BUCKET].listing())
    live = {data.object_name for data in found if data.live}
    if live != there:
        return f"in the index: {live}, in the bucket: {there}"
    held = [data.object_name for data in found if data.tags or data.description]
    whole = [data.object_name for data in found if (data.tags, data.description) == (TAG, "said")]
    if held != whole or len(held) != 1:
        return f"what people wrote is torn or doubled: {held}"
    if held[0] not in holders:
        return f"what people wrote is with {held[0]}: {found}"
    if is_edited and not any(data.custom_metadata == {"lot": 7} for data in found):
        return f"what a person wrote of b is lost: {found}"
    if unplaced := [data.object_name for data in found if data.live and not data.created_at]:
        return f"never created: {unplaced}"
    items = world.dynamodb.tables["taggings"].items.values()
    listed = [item["created_key"][1] for item in items]
    if listed != [f"{data.created_at}#{data.id}" for data in found if has_words(data) and data.tags]:
        return f"tagged are {listed}: {found}"
    return None
