"""Data records: the only place that knows how one is laid out in its table, and what each write is
conditional on."""

from dataclasses import asdict, replace
from enum import StrEnum
from itertools import batched, islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.model import limits, moment
from chalicelib.model.data import (
    Data,
    Health,
    Kind,
    Reason,
    Sight,
    State,
    Status,
    Type,
    first_record,
    is_id,
    overlay,
)
from chalicelib.model.edit import WRITTEN
from chalicelib.model.hint import Sequencer, later
from chalicelib.storage import aws, removals, shards, transactions
from chalicelib.storage.tables import DataItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pynamodb.expressions.condition import Condition
    from pynamodb.expressions.update import Action

    from chalicelib.model.data import Facts
    from chalicelib.model.lake import Lake
    from chalicelib.model.work import Work

_LINK_MARK = "\0"
"""Behind the name of a link where it is sorted by: an object of the same name stands beside it, not in its
place."""

_OF_TARGET = ("size", "etag", "version_id", "last_modified", "health", "checked_at")
"""What the record of a link says of its target beside that."""

_DEAD = frozenset(
    {
        *(Reason.REFUSED, Reason.NOT_FOUND, Reason.UNREACHABLE, Reason.TOO_SLOW, Reason.BAD_ANSWER),
        Reason.ACCESS_DENIED,
    }
)

_TOLD = (
    *("content", "size", "etag", "version_id"),
    *("content_type", "content_encoding", "last_modified", "copied", "heir_of"),
)
_PEOPLES = ("tags", "edit_id", *WRITTEN)
_DERIVED = (
    "url",
    "status_reason",
    "type",
    "width",
    "height",
    "orientation",
    "channels",
    "metadata",
    "thumbnail",
    "asked_at",
)


def read(data_id: str) -> Data | None:
    with aws.calling("read record"):
        try:
            return _data(DataItem.get(data_id, consistent_read=True))
        except DataItem.DoesNotExist:
            return None


def read_many(ids: "Iterable[str]") -> dict[str, Data]:
    with aws.calling("read records"):
        return {item.id: _data(item) for item in DataItem.batch_get(ids)}


def read_all(ids: "Iterable[str]") -> dict[str, Data]:
    """Any number of records, as they are at this moment. A text that is no id is nobody's."""

    def read(batch: "Sequence[str]") -> list[Data]:
        with aws.calling("read records"):
            return [_data(item) for item in DataItem.batch_get(batch, consistent_read=True)]

    batches = list(batched(filter(is_id, ids), limits.READ_BATCH, strict=False))
    return {data.id: data for part in parallel.for_each(read, batches) for data in part}


def insert_absent(drafts: "Sequence[Data]") -> list[Data | None]:
    """At most 25 first records in one request. Answers what is there now, in the same order: the draft
    itself, the record that was there before it, or None where DynamoDB did not say.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    """
    with aws.calling("insert records"):
        answer = aws.client("dynamodb").batch_execute_statement(
            Statements=[_insertion(data) for data in drafts]
        )
    return [_inserted(data, response) for data, response in zip(drafts, answer["Responses"], strict=True)]


def note_asked(found: "Sequence[Data]", at: int | None) -> "list[Data]":
    """Note of at most 25 when their bytes were asked for, or, with None, that they were not. Answers those of
    which that was done: they show the same bytes as when they were read, and nobody has noted it since."""
    with aws.calling("note what is asked for"):
        answer = aws.client("dynamodb").batch_execute_statement(
            Statements=[_noting_asked(data, at) for data in found]
        )
    noted = zip(found, answer["Responses"], strict=True)
    return [replace(data, asked_at=at) for data, response in noted if "Error" not in response]


def write_live(
    lake: "Lake", object_name: str, before: Data | None, sight: Sight, sequencer: Sequencer | None, op_id: str
) -> Data | None:
    """Record that the object is there. None when somebody else has written since `before` was read."""
    if before and before.live and sight.same_content(before):
        seen = {"version_id": sight.version_id, "last_modified": sight.last_modified}
        return _compare_and_set(before.id, before, op_id, sequencer, seen)
    fresh = first_record(lake, object_name, sight, sequencer, op_id)
    values = dict.fromkeys((*_DERIVED, "expires_at", "gone_from")) | _values(fresh)
    if before and before.created_at:
        del values["created_key"]
    return _compare_and_set(fresh.id, before, op_id, sequencer, values)


def write_gone(
    lake: "Lake", object_name: str, before: Data | None, sequencer: Sequencer | None, op_id: str
) -> Data | None:
    """Leave a tombstone, which keeps what people wrote. None when somebody else has written since `before`
    was read."""
    tombstone = dict.fromkeys((*_DERIVED, "status", "shard")) | {
        "object_name": object_name,
        "state": State.GONE,
        "gone_from": lake.shard(lake.data_id(object_name)),
        "expires_at": moment.tombstone_end(),
        "updated_at": _now(),
    }
    return _compare_and_set(lake.data_id(object_name), before, op_id, sequencer, tombstone)


def link_of(before: Data | None, after: Data) -> dict[str, Any]:
    """The write, for a transaction, of a new link, unless another one was written there since `before` was
    read: nothing, or a tombstone, which remembers nothing where a link was."""
    return {"Put": DataItem(**_item(after)).get_save_kwargs_from_instance(is_untouched(before))}


def write_unseen(before: Data, sequencer: Sequencer | None, op_id: str) -> Data | None:
    """Record that the bytes of an announced object are not there yet. None when somebody else has written
    since `before` was read."""
    expires_at = max(before.expires_at or 0, moment.end_of(limits.ANNOUNCED_SECONDS))
    return _compare_and_set(before.id, before, op_id, sequencer, {"expires_at": expires_at})


def announcement_of(before: Data | None, after: Data) -> dict[str, Any]:
    """The write, for a transaction, that lets a record be the announced one, unless anybody has written to it
    since `before` was read."""
    if before is None:
        item = DataItem(**_item(after), expires_at=after.expires_at)
        return {"Put": item.get_save_kwargs_from_instance(is_untouched(None))}
    values = dict.fromkeys((*_DERIVED, "gone_from")) | _values(after) | _written(after)
    if before.created_at:
        del values["created_key"]
    own = {"rev": after.rev, "op_id": after.op_id, "expires_at": after.expires_at}
    return _update_of(after.id, values | own, is_untouched(before))


def labelling_of(before: Data, after: Data) -> dict[str, Any]:
    """The write, for a transaction, of all that people say of a record that stays what it is, unless it does
    not, or people have written meanwhile."""
    # One that was forgotten and came anew is another one, and has its taggings elsewhere.
    is_the_same = DataItem.created_key == _created_key(before)
    return _update_of(before.id, _written(after), is_the_same & is_as_edited(before) & _is_as_tagged(before))


def restoration_of(before: Data, after: Data) -> dict[str, Any]:
    """The same, with another time of creation: an index that was made anew does not know it."""
    is_the_same = DataItem.created_key == _created_key(before)
    values = _written(after) | {"created_key": _created_key(after)}
    return _update_of(before.id, values, is_the_same & is_as_edited(before) & _is_as_tagged(before))


def oblivion_of(before: Data, op_id: str) -> dict[str, Any]:
    """The write, for a transaction, that leaves a tombstone which remembers nothing of what was recorded,
    unless anybody has written since `before` was read."""
    keys = ("status", "shard", "created_key", "filename_key")
    values = dict.fromkeys((*_TOLD, *_DERIVED, *_OF_TARGET, *_PEOPLES, *keys))
    tombstone = {
        "state": State.GONE,
        "gone_from": before.shard,
        "rev": before.rev + 1,
        "op_id": op_id,
        "expires_at": moment.tombstone_end(),
        "updated_at": moment.rfc3339(moment.now()),
    }
    return _update_of(before.id, values | tombstone, is_untouched(before))


def inheritance_of(before: Data, after: Data) -> dict[str, Any]:
    """The write, for a transaction, that gives a record what was written of another one, and its time of
    creation, unless anybody has written to it since `before` was read."""
    is_the_same = DataItem.created_key == _created_key(before)
    values = _written(after) | {"created_key": _created_key(after), "heir_of": after.heir_of}
    return _update_of(before.id, values, is_the_same & is_untouched(before))


def unchanged_since(before: Data | None) -> "Condition":
    unchanged: Condition = DataItem.rev.does_not_exist()
    if before:
        # The number alone is not enough: where a tombstone has expired, the next record begins at 1 again.
        unchanged = (DataItem.rev == before.rev) & (DataItem.op_id == before.op_id)
    return unchanged


def awaits(content: str) -> "Condition":
    """Whether the record still shows these bytes and nobody has published what they say."""
    waiting: Condition = shows(content) & (DataItem.status == Status.INDEXED)
    return waiting


def shows(content: str) -> "Condition":
    """Whether the record still shows these bytes."""
    shown: Condition = (DataItem.content == content) & (DataItem.state == State.LIVE)
    return shown


def publish(
    data_id: str,
    content: str,
    facts: "Facts",
    sight: Sight | None,
    *,
    thumbnail: bool,
    again: bool = False,
) -> bool:
    """Record what the bytes say, and what S3 said of them. False when they are no longer the record's, or
    when it was recorded before and is not to be `again`."""
    values = _facts(facts, thumbnail=thumbnail)
    if sight:
        values |= {
            "content_type": facts.content_type or sight.content_type,
            "content_encoding": sight.content_encoding,
            # The same bytes may have been put there again since they were fetched, and the record may know.
            "last_modified": DataItem.last_modified | sight.last_modified,
        }
    return _publish(data_id, content, values, again=again)


def publish_target(work: "Work", facts: "Facts", sight: Sight | None, *, thumbnail: bool) -> bool:
    """The same of bytes that lie where a link points to. The record of an object that says so stays what it
    is."""
    values = _facts(facts, thumbnail=thumbnail) | ({"url": work.url} if work.url else {})
    if facts.content_type is None:
        del values["content_type"]
    if work.kind is Kind.LINK:
        seen = asdict(sight) | {"content_type": facts.content_type or sight.content_type} if sight else {}
        is_dead = facts.status_reason in _DEAD
        values |= {name: value for name, value in seen.items() if value is not None}
        values |= {"health": Health.DEAD if is_dead else Health.OK, "checked_at": _now()}
    return _publish(work.data_id, work.content, values, again=work.again)


def note_health(data_id: str, content: str, health: Health) -> bool:
    """Record what was found where a link points to. False when it is gone, or fetched again since."""
    try:
        _update(data_id, {"health": health, "checked_at": _now()}, shows(content))
    except aws.ConditionFailed:
        return False
    return True


def await_target(link: Data, op_id: str) -> Data | None:
    """Forget what is known of a link's target, because it is fetched again. None when somebody else did so,
    or the link is gone."""
    unknown = dict.fromkeys((*_DERIVED, *_OF_TARGET)) | {"url": link.url}
    fresh = {"content": op_id, "status": Status.INDEXED, "updated_at": _now()}
    try:
        return _update(link.id, unknown | fresh, shows(link.content))
    except aws.ConditionFailed:
        return None


def _facts(facts: "Facts", *, thumbnail: bool) -> dict[str, Any]:
    return asdict(facts) | {"metadata": facts.metadata or None, "thumbnail": thumbnail or None}


def _publish(data_id: str, content: str, values: dict[str, Any], *, again: bool) -> bool:
    condition = shows(content) if again else awaits(content)
    try:
        _update(data_id, values | {"updated_at": _now(), "asked_at": None}, condition)
    except aws.ConditionFailed:
        return False
    return True


def _now() -> str:
    return moment.rfc3339(moment.now())


def write_edit(before: Data, after: Data, edit_id: str) -> Data | None:
    """Record what people wrote. None when the record is not what it was, or edited by somebody else since
    `before` was read."""
    values = {name: getattr(after, name) or None for name in WRITTEN}
    try:
        return _update(before.id, values | {"edit_id": edit_id}, is_as_edited(before))
    except aws.ConditionFailed:
        return None


def is_as_edited(before: Data) -> "Condition":
    """Whether the record is as live as it was and nobody has edited it since."""
    last = DataItem.edit_id
    unedited = last.does_not_exist() if before.edit_id is None else last == before.edit_id
    condition: Condition = (DataItem.state == before.state) & unedited
    return condition


def remove(ids: "Iterable[str]") -> None:
    """Without a tombstone: for lakes that are no more."""
    removals.remove(config.data_table, [{"id": {"S": data_id}} for data_id in ids])


def _is_as_tagged(before: Data) -> "Condition":
    held = DataItem.tags
    condition: Condition = held == before.tags if before.tags else held.does_not_exist()
    return condition


def is_untouched(before: Data | None) -> "Condition":
    """Whether nobody has written since, neither people nor observers."""
    condition = unchanged_since(before)
    return condition & is_as_edited(before) & _is_as_tagged(before) if before else condition


class Order(StrEnum):
    CREATED_AT = "created_at"
    OBJECT_NAME = "object_name"
    FILENAME = "filename"


type Position = str
"""Where a record stands in an order: the sort key of its index, binary ones as Latin-1."""

type Entry = tuple[Position, str]
"""A position with the id of the record there."""

type Range = tuple[Position, Position]
"""Its lowest and its highest position, both included."""


def positions(
    lake: "Lake", order: Order, ranges: "Sequence[Range]", *, descending: bool, limit: int
) -> list[Entry]:
    """The first `limit` live records in the ranges, no two of which overlap."""
    sections = [(shard, each) for each in ranges for shard in lake.all_shards()]
    share = shards.share(limit, lake.shards)
    found = shards.entries(_index(order), sections, descending=descending, share=share)
    return list(islice(found, limit))


def span(order: Order, prefix: str = "") -> Range:
    """Where records can stand whose name in this order starts so; by creation, where any can."""
    match order:
        case Order.CREATED_AT:
            return "0", "~"
        case Order.OBJECT_NAME:
            room = limits.KEY_BYTES - len(prefix.encode())
            rest = ("", "\x7f", "\u07ff", "\uffff")[room % 4]
            return prefix or "\x00", prefix + "\U0010ffff" * (room // 4) + rest
        case Order.FILENAME:
            start = prefix.encode()[: limits.FILENAME_SORT_BYTES].decode("latin-1")
            return start or "\x00", start + "\xff" * (limits.KEY_BYTES - len(start))


def filename_span(filename: str) -> Range:
    """Where records with this file name stand, and perhaps a few others."""
    start = (filename.encode()[: limits.FILENAME_SORT_BYTES] + b"\x00").decode("latin-1")
    return start, start + "\xff" * 16


def created_bounds(moment_text: str) -> Range:
    """Before and after all records that were created in this millisecond."""
    return moment_text, f"{moment_text}~"


def position(data: Data, order: Order) -> Position:
    match order:
        case Order.CREATED_AT:
            return _created_key(data)
        case Order.OBJECT_NAME:
            return _name_key(data)
        case Order.FILENAME:
            return _filename_key(data).decode("latin-1")


def _index(order: Order) -> shards.Index:
    name, key = {
        Order.CREATED_AT: ("by_created", "created_key"),
        Order.OBJECT_NAME: ("by_key", "object_name"),
        Order.FILENAME: ("by_filename", "filename_key"),
    }[order]
    binary = order is Order.FILENAME
    return shards.Index(table=config.data_table, name=name, shard="shard", key=key, binary=binary)


def _insertion(data: Data) -> dict[str, Any]:
    item = _serialized(_item(data))
    names = ", ".join(f"'{name}': ?" for name in item)
    return {
        "Statement": f'INSERT INTO "{config.data_table}" VALUE {{{names}}}',
        "Parameters": list(item.values()),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _noting_asked(data: Data, at: int | None) -> dict[str, Any]:
    change, change_to = ('REMOVE "asked_at"', []) if at is None else ('SET "asked_at"=?', [at])
    noted, noted_as = (
        ('"asked_at" IS MISSING', []) if data.asked_at is None else ('"asked_at"=?', [data.asked_at])
    )
    where = f'"id"=? AND "content"=? AND "state"=? AND {noted}'
    values = (*change_to, data.id, data.content, data.state, *noted_as)
    return {
        "Statement": f'UPDATE "{config.data_table}" {change} WHERE {where}',
        "Parameters": [{"N": str(each)} if isinstance(each, int) else {"S": str(each)} for each in values],
    }


def _serialized(values: dict[str, Any]) -> dict[str, Any]:
    """As an item that is made of them would be, in a sixth of the time: scans make a hundred million."""
    attributes = DataItem.get_attributes()
    there = ((attributes[name], value) for name, value in values.items() if value is not None)
    return {each.attr_name: {each.attr_type: each.serialize(value)} for each, value in there}


def _item(data: Data) -> dict[str, Any]:
    """A first record, with what people say of it."""
    own = {"id": data.id, "rev": data.rev, "op_id": data.op_id}
    return own | _written(data) | _values(data)


def _inserted(draft: Data, response: dict[str, Any]) -> Data | None:
    if "Error" not in response:
        return draft
    there = response["Error"].get("Item") or response.get("Item")
    return from_attributes(there) if there else None


def _compare_and_set(
    data_id: str, before: Data | None, op_id: str, sequencer: Sequencer | None, values: dict[str, Any]
) -> Data | None:
    own: dict[str, Any] = {"rev": before.rev + 1 if before else 1, "op_id": op_id}
    if latest := later(before.sequencer if before else None, sequencer):
        own["sequencer"] = str(latest)
    try:
        return _update(data_id, values | own, unchanged_since(before))
    except aws.ConditionFailed:
        return None


def _written(data: Data) -> dict[str, Any]:
    return {name: getattr(data, name) or None for name in _PEOPLES}


def _update_of(data_id: str, values: dict[str, Any], condition: "Condition") -> dict[str, Any]:
    return {"Update": DataItem(data_id).get_update_kwargs_from_instance(_actions(values), condition)}


def _actions(values: dict[str, Any]) -> "list[Action]":
    attributes = [(getattr(DataItem, name), value) for name, value in values.items()]
    return [attribute.remove() if value is None else attribute.set(value) for attribute, value in attributes]


def _update(data_id: str, values: dict[str, Any], condition: "Condition") -> Data:
    item, actions = DataItem(data_id), _actions(values)
    with aws.calling("update record"):
        transactions.outlast(lambda: item.update(actions, condition=condition))
    return _data(item)


def _values(data: Data) -> dict[str, Any]:
    """What the first sight of some bytes writes; the protocol's own attributes are for the caller to add."""
    return {
        "shard": data.shard,
        "created_key": _created_key(data),
        "kind": None if data.kind is Kind.OBJECT else data.kind,
        "object_name": _name_key(data),
        "filename_key": _filename_key(data),
        "state": data.state,
        "sequencer": str(data.sequencer) if data.sequencer else None,
        "content": data.content or None,
        "size": data.size,
        "etag": data.etag,
        "version_id": data.version_id,
        "content_type": data.content_type,
        "content_encoding": data.content_encoding,
        "last_modified": data.last_modified,
        "copied": data.copied or None,
        "heir_of": data.heir_of,
        "url": data.url,
        "status": data.status,
        "updated_at": data.updated_at,
    }


def _created_key(data: Data) -> str:
    return f"{data.created_at}#{data.id}"


def _name_key(data: Data) -> str:
    return data.object_name + _LINK_MARK if data.kind is Kind.LINK else data.object_name


def _filename_key(data: Data) -> bytes:
    return data.filename.encode()[: limits.FILENAME_SORT_BYTES] + b"\x00" + UUID(data.id).bytes


def from_attributes(attributes: dict[str, Any]) -> Data:
    """A record from DynamoDB's own form, as streams and batches carry it."""
    item = DataItem()
    item.deserialize(attributes)
    return _data(item)


def _integer(number: float | None) -> int | None:
    return None if number is None else int(number)


def _data(item: DataItem) -> Data:
    return Data(
        id=item.id,
        shard=item.shard or item.gone_from or "",
        object_name=item.object_name.removesuffix(_LINK_MARK) if item.kind else item.object_name,
        kind=Kind(item.kind or Kind.OBJECT),
        state=State(item.state),
        rev=int(item.rev),
        op_id=item.op_id,
        sequencer=Sequencer.parse(item.sequencer) if item.sequencer else None,
        content=item.content or "",
        size=_integer(item.size),
        etag=item.etag,
        version_id=item.version_id,
        content_type=item.content_type,
        content_encoding=item.content_encoding,
        last_modified=item.last_modified,
        copied=bool(item.copied),
        url=item.url,
        health=Health(item.health) if item.health else None,
        checked_at=item.checked_at,
        created_at=(item.created_key or "").partition("#")[0],
        updated_at=item.updated_at,
        status=Status(item.status or Status.INDEXED),
        status_reason=Reason(item.status_reason) if item.status_reason else None,
        type=Type(item.type) if item.type else None,
        width=_integer(item.width),
        height=_integer(item.height),
        orientation=_integer(item.orientation),
        channels=_integer(item.channels),
        metadata=overlay(item.metadata or {}, item.edited_metadata or {}),
        thumbnail=bool(item.thumbnail),
        tags=frozenset(item.tags or ()),
        source=item.source,
        description=item.description,
        custom_metadata=item.custom_metadata or {},
        edited_metadata=item.edited_metadata or {},
        edit_id=item.edit_id,
        heir_of=item.heir_of,
        asked_at=_integer(item.asked_at),
        expires_at=_integer(item.expires_at),
    )
