"""The labels of lakes. Each is two items, written together: one by its folded name, which makes names unique,
and one by its id, which is what records hold."""

import uuid
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.errors import LabelExists, UnknownLabel
from chalicelib.model import moment
from chalicelib.model.label import Label, LabelKind, fold, mistake_in
from chalicelib.storage import aws, removals, transactions
from chalicelib.storage.tables import LabelItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chalicelib.model.data import Data


def find(lake_id: str, kind: LabelKind, names: "Iterable[str]") -> dict[str, Label]:
    """The labels of these names, whatever their case and Unicode form, by the names as given. Names that
    nothing has are left out."""
    folded = {name: fold(name) for name in names if not mistake_in(name)}
    found = _read((_group(lake_id, kind), key) for key in folded.values())
    labels = {item.key: _label(kind, item) for item in found}
    return {name: labels[key] for name, key in folded.items() if key in labels}


def get(lake_id: str, kind: LabelKind, name: str) -> Label:
    found = find(lake_id, kind, [name])
    if name not in found:
        raise UnknownLabel(kind)
    return found[name]


def names(lake_id: str, ids: "Iterable[str]") -> dict[str, str]:
    """What tags and sources are called, by their ids. Those that were deleted are left out."""
    return {item.id: item.name for item in _read((_ids(lake_id), label_id) for label_id in ids)}


def names_of(lake_id: str, data: "Iterable[Data]") -> dict[str, str]:
    """What the tags and sources of all this data are called, by their ids."""
    ids = {label for each in data for label in (*each.tags, each.source) if label}
    return names(lake_id, ids)


def page(lake_id: str, kind: LabelKind, after: str | None, limit: int) -> tuple[list[Label], str | None]:
    """At most `limit` labels in the order of their folded names, and after which one there are more."""
    condition = LabelItem.key > after if after is not None else None
    with aws.calling("list labels"):
        query = LabelItem.query(
            _group(lake_id, kind), condition, consistent_read=True, limit=limit + 1, page_size=limit + 1
        )
        items = list(islice(query, limit + 1))
    end = items[limit - 1].key if len(items) > limit else None
    return [_label(kind, item) for item in items[:limit]], end


def create(lake_id: str, kind: LabelKind, name: str, label_id: str) -> Label:
    """Creating it again under the same id is no conflict."""
    label, _ = _create(lake_id, kind, name, label_id)
    if label.id != label_id:
        raise LabelExists(kind)
    return label


def get_or_create(lake_id: str, kind: LabelKind, name: str) -> tuple[Label, bool]:
    """The label that has the name, the same for all who ask at once, and whether this call made it."""
    found = find(lake_id, kind, [name])
    return (found[name], False) if found else _create(lake_id, kind, name, str(uuid.uuid4()))


def get_or_create_all(lake_id: str, kind: LabelKind, names: "Iterable[str]") -> dict[str, Label]:
    """The labels of all these names, by the names as given. What is new is made of its first form."""
    asked = list(names)
    by_fold = {fold(name): name for name in reversed(asked)}
    found = find(lake_id, kind, by_fold.values())
    absent = [name for name in by_fold.values() if name not in found]
    made = parallel.for_each(lambda name: _create(lake_id, kind, name, str(uuid.uuid4()))[0], absent)
    found |= dict(zip(absent, made, strict=True))
    return {name: found[by_fold[fold(name)]] for name in asked}


def rename(lake_id: str, label: Label, name: str) -> Label:
    """Touches the label's own items only, however many records have it. Raises LabelExists when another one
    has the name, and UnknownLabel when the label has lost the one it had."""
    renamed = replace(label, name=name)
    if fold(name) == fold(label.name):
        writes = [_replace(lake_id, renamed), _put_by_id(lake_id, renamed)]
    else:
        writes = [_release(lake_id, label), _put_by_id(lake_id, renamed), _claim(lake_id, renamed)]
    try:
        transactions.write("rename label", writes)
    except transactions.ConditionsFailed as failure:
        raise (UnknownLabel if 0 in failure.there else LabelExists)(label.kind) from failure
    return renamed


def delete(lake_id: str, label: Label) -> None:
    """Whatever it is called by now, the name is free from now on, and the id has none. Records still hold the
    id. Deleting it again changes nothing."""
    by_id = {"TableName": config.labels_table, "Key": {"group": {"S": _ids(lake_id)}, "key": {"S": label.id}}}
    while found := names(lake_id, [label.id]):
        named = replace(label, name=found[label.id])
        with suppress(transactions.ConditionsFailed):
            transactions.write("delete label", [_release(lake_id, named), {"Delete": by_id}])


def remove(lake_id: str, labels: "Sequence[Label]") -> None:
    """Of a lake that is no more."""
    # By name last: as long as that is there, the label is found.
    by_id = [{"group": {"S": _ids(lake_id)}, "key": {"S": label.id}} for label in labels]
    by_name = [{"group": {"S": _group(lake_id, each.kind)}, "key": {"S": fold(each.name)}} for each in labels]
    for keys in (by_id, by_name):
        removals.remove(config.labels_table, keys)


def _create(lake_id: str, kind: LabelKind, name: str, label_id: str) -> tuple[Label, bool]:
    label = Label(id=label_id, kind=kind, name=name, created_at=moment.rfc3339(moment.now()))
    try:
        transactions.write("create label", [_claim(lake_id, label), _put_by_id(lake_id, label)])
    except transactions.ConditionsFailed as failure:
        return _from_attributes(kind, failure.there[0]), False
    return label, True


def _read(keys: "Iterable[tuple[str, str]]") -> list[LabelItem]:
    with aws.calling("read labels"):
        # Consistent, so that what was created or renamed a moment ago has its name wherever it is shown.
        return list(LabelItem.batch_get(keys, consistent_read=True))


def _claim(lake_id: str, label: Label) -> dict[str, Any]:
    put = _put(_group(lake_id, label.kind), fold(label.name), label)
    put |= {"ConditionExpression": unclaimed(), "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return {"Put": put}


def _replace(lake_id: str, label: Label) -> dict[str, Any]:
    return {"Put": _put(_group(lake_id, label.kind), fold(label.name), label) | _held_by(label)}


def _release(lake_id: str, label: Label) -> dict[str, Any]:
    key = {"group": {"S": _group(lake_id, label.kind)}, "key": {"S": fold(label.name)}}
    return {"Delete": {"TableName": config.labels_table, "Key": key} | _held_by(label)}


def _put_by_id(lake_id: str, label: Label) -> dict[str, Any]:
    return {"Put": _put(_ids(lake_id), label.id, label)}


def _put(group: str, key: str, label: Label) -> dict[str, Any]:
    item = LabelItem(group=group, key=key, id=label.id, name=label.name, created_at=label.created_at)
    return {"TableName": config.labels_table, "Item": item.serialize()}


def unclaimed() -> str:
    return "attribute_not_exists(id)"


def _held_by(label: Label) -> dict[str, Any]:
    return {"ConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": label.id}}}


def _group(lake_id: str, kind: LabelKind) -> str:
    return f"{lake_id}#{kind}"


def _ids(lake_id: str) -> str:
    return f"{lake_id}#id"


def _from_attributes(kind: LabelKind, attributes: "Mapping[str, Any]") -> Label:
    item = LabelItem()
    item.deserialize(dict(attributes))
    return _label(kind, item)


def _label(kind: LabelKind, item: LabelItem) -> Label:
    return Label(id=item.id, kind=kind, name=item.name, created_at=item.created_at)
