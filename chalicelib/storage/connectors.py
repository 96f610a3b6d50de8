"""Connectors. Each is two items: itself, and one under its folded name, which makes names unique."""

import re
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.config import config
from chalicelib.errors import (
    ConnectorChanged,
    ConnectorExists,
    ConnectorInUse,
    CredentialsRefused,
    StorageUnavailable,
    UnknownConnector,
)
from chalicelib.model import moment
from chalicelib.model.connector import SERVING, Connector, ConnectorKind, ConnectorState, Permission
from chalicelib.model.label import fold, mistake_in
from chalicelib.model.lake import STACK
from chalicelib.observability import logger
from chalicelib.storage import aws, secrets, transactions
from chalicelib.storage.reaches import Reach
from chalicelib.storage.tables import ConnectorItem, ConnectorNameItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.lake import Bucket

_ID = re.compile(r"[a-z0-9-]{1,36}", re.ASCII)
_FIRST_ID = "-"
"""Items by name are before all ids."""

_FIELDS = list(Connector.__dataclass_fields__)
_reaches: dict[tuple[str, str], Reach] = {}
_making = Lock()


def homes(organization: str) -> "dict[str, Bucket]":
    """The buckets that active connectors of the organization reach, by their names. Of several with one name,
    that of the eldest."""
    found = sorted(of_organization(organization), key=lambda each: each.created_at, reverse=True)
    return {each.bucket: each.home for each in found if each.serves}


def s3(bucket: "Bucket") -> Any:
    """A client of S3 with the rights that the bucket's connector has. To be asked for by each request and not
    kept, so that it follows the connector.

    Raises CredentialsRefused where it has none, StorageUnavailable where nobody knows.
    """
    if bucket.connector == STACK:
        return aws.client("s3")
    return _reach(bucket.organization, bucket.connector).client()


def allows_delete(bucket: "Bucket") -> bool:
    """Whether objects may be deleted there."""
    try:
        return read(bucket.organization, bucket.connector).allow_delete
    except UnknownConnector:
        return False


def allows_upload(bucket: "Bucket") -> bool:
    """Whether it was proved that objects can be written there."""
    if bucket.connector == STACK:
        return True
    try:
        return Permission.WRITE in read(bucket.organization, bucket.connector).grants
    except UnknownConnector:
        return False


def report(bucket: "Bucket", state: ConnectorState, reason: str) -> None:
    """What was met on the way to a bucket becomes its connector's state, once."""
    if bucket.connector != STACK:
        _reach(bucket.organization, bucket.connector).report(state, reason)


def read(organization: str, connector_id: str) -> Connector:
    if not _ID.fullmatch(connector_id):
        raise UnknownConnector(connector_id)
    with aws.calling("read connector"):
        try:
            return _connector(ConnectorItem.get(organization, connector_id, consistent_read=True))
        except ConnectorItem.DoesNotExist as error:
            raise UnknownConnector(connector_id) from error


def find(organization: str, id_or_name: str) -> Connector:
    try:
        return read(organization, id_or_name)
    except UnknownConnector:
        if mistake_in(id_or_name):
            raise
    with aws.calling("read connector"):
        try:
            named = ConnectorNameItem.get(organization, _name_key(id_or_name), consistent_read=True)
        except ConnectorNameItem.DoesNotExist as error:
            raise UnknownConnector(id_or_name) from error
    return read(organization, named.holder)


def of_organization(organization: str) -> list[Connector]:
    with aws.calling("list connectors"):
        found = ConnectorItem.query(organization, ConnectorItem.id >= _FIRST_ID, consistent_read=True)
        return [_connector(item) for item in found]


def create(connector: Connector, keys: secrets.Keys | None = None) -> Connector:
    """Creating it again under the same id is no conflict. Keys come first: no connector is without them."""
    if keys:
        secrets.create(_secret_of(connector), keys)
    try:
        return _create(connector)
    except ConnectorExists:
        _drop_keys(connector)
        raise
    except StorageUnavailable:
        return _created_after_all(connector)


def create_stack(organization: str, bucket: str, bucket_owner: str, region: str) -> Connector:
    """The connector that every deploy has. Creating it again leaves the one that is there."""
    return _create(
        Connector(
            id=STACK,
            organization=organization,
            name=STACK,
            kind=ConnectorKind.STACK,
            bucket=bucket,
            bucket_owner=bucket_owner,
            region=region,
            state=ConnectorState.ACTIVE,
            # What its functions are granted by the template.
            grants=frozenset(Permission) - {Permission.DELETE},
            revision=moment.new_op_id(),
            created_at=moment.rfc3339(moment.now()),
        )
    )


def change(before: Connector, after: Connector, keys: secrets.Keys | None = None) -> Connector:
    """Other settings, from now on everybody's. Raises ConnectorChanged where it is not any more as it was
    before, ConnectorInUse where lakes are on the bucket that it is to leave, ConnectorExists where another
    one has the name."""
    after = replace(after, revision=moment.new_op_id())
    if keys:
        secrets.create(_secret_of(after), keys)
    writes = [_update(before, after)]
    if fold(before.name) != fold(after.name):
        writes += [_release_name(before), _claim_name(after)]
    try:
        transactions.write("change connector", writes)
    except transactions.ConditionsFailed as failure:
        _drop_keys(after, unless=before)
        if 0 in failure.there:
            raise _hindrance(before) from failure
        raise ConnectorExists from failure
    except StorageUnavailable:
        if read(before.organization, before.id).revision != after.revision:
            _drop_keys(after, unless=before)
            raise
    _drop_keys(before, unless=after)
    return after


def record(before: Connector, after: Connector) -> None:
    """What was found of it. Raises ConnectorChanged where it has other settings by now."""
    try:
        transactions.write("record connector", [_update(before, after)])
    except transactions.ConditionsFailed as failure:
        raise _hindrance(before) from failure


def delete(connector: Connector) -> None:
    """With its keys. No lake can join it any more before they go, and it goes last, so that whoever is
    interrupted finds it again and goes on. Raises ConnectorInUse, ConnectorChanged."""
    if connector.secret:
        halted = replace(connector, state=ConnectorState.BROKEN, state_reason="it is being deleted")
        halted = replace(halted, revision=moment.new_op_id())
        _delete_step(connector, [_update(connector, halted, vacant=True)])
        secrets.delete(connector.secret)
        connector = halted
    _delete_step(connector, [_delete(connector), _release_name(connector)])


def join(connector: Connector, lake_id: str) -> dict[str, Any]:
    """What a transaction that makes a lake also writes. Its condition fails where the connector has other
    settings by now, or does not serve any more."""
    serving = " OR ".join(f"#state = :{state}" for state in sorted(SERVING))
    return {
        "Update": {
            **_key(connector),
            "UpdateExpression": "ADD lakes :lake",
            "ConditionExpression": f"revision = :revision AND ({serving})",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {f":{state}": {"S": state} for state in SERVING}
            | {":lake": {"SS": [lake_id]}, ":revision": {"S": connector.revision}},
        }
    }


def leave(organization: str, connector_id: str, lake_id: str) -> dict[str, Any]:
    """What a transaction that deletes a lake also writes."""
    return {
        "Update": {
            "TableName": config.connectors_table,
            "Key": {"organization": {"S": organization}, "id": {"S": connector_id}},
            "UpdateExpression": "DELETE lakes :lake",
            "ConditionExpression": "attribute_exists(id)",
            "ExpressionAttributeValues": {":lake": {"SS": [lake_id]}},
        }
    }


def _reach(organization: str, connector_id: str) -> Reach:
    with _making:
        if (organization, connector_id) not in _reaches:
            _reaches[organization, connector_id] = Reach(lambda: _still(organization, connector_id), _note)
        return _reaches[organization, connector_id]


def _still(organization: str, connector_id: str) -> Connector:
    try:
        return read(organization, connector_id)
    except UnknownConnector as error:
        raise CredentialsRefused("reach bucket", "there is no such connector") from error


def _note(connector: Connector, state: ConnectorState, reason: str) -> None:
    """Nobody waits for it; where it fails, the next one who meets the same tries again."""
    logger.warning("connector fails", connector=connector.id, state=state, reason=reason)
    try:
        with aws.calling("note state of connector"):
            ConnectorItem(connector.organization, connector.id).update(
                [ConnectorItem.state.set(state), ConnectorItem.state_reason.set(reason)],
                condition=ConnectorItem.revision == connector.revision,
            )
    except (StorageUnavailable, aws.ConditionFailed) as error:
        logger.warning("state of connector was not noted", connector=connector.id, reason=str(error))


def _create(connector: Connector) -> Connector:
    item = {"TableName": config.connectors_table, "Item": _item(connector).serialize()}
    absent = {"ConditionExpression": "attribute_not_exists(id)"}
    try:
        transactions.write("create connector", [{"Put": item | absent}, _claim_name(connector)])
    except transactions.ConditionsFailed as failure:
        if 0 not in failure.there:
            raise ConnectorExists from failure
        return read(connector.organization, connector.id)
    return connector


def _created_after_all(connector: Connector) -> Connector:
    """Where the answer alone was lost."""
    try:
        return read(connector.organization, connector.id)
    except UnknownConnector as error:
        _drop_keys(connector)
        raise StorageUnavailable("create connector") from error


def _drop_keys(connector: Connector, *, unless: Connector | None = None) -> None:
    """Keys that nothing finds any more. Where that fails they are left over."""
    if not connector.secret or (unless and unless.secret == connector.secret):
        return
    try:
        secrets.delete(connector.secret)
    except StorageUnavailable as error:
        logger.warning("keys are left over", secret=connector.secret, reason=str(error))


def _delete_step(connector: Connector, writes: "Sequence[dict[str, Any]]") -> None:
    try:
        transactions.write("delete connector", writes)
    except transactions.ConditionsFailed as failure:
        raise _hindrance(connector) from failure


def _hindrance(connector: Connector) -> Exception:
    there = read(connector.organization, connector.id)
    return ConnectorInUse() if there.revision == connector.revision and there.lakes else ConnectorChanged()


def _update(before: Connector, after: Connector, *, vacant: bool = False) -> dict[str, Any]:
    """All but the lakes, which come and go beside. `vacant`: only while there are none."""
    old, new = (_item(each).serialize() for each in (before, after))
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - {"lakes"}
    changed |= {"revision"}
    puts, removed = sorted(changed & new.keys()), sorted(changed - new.keys())
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in puts)
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    vacant = vacant or _place(before) != _place(after)
    return {
        "Update": {
            **_key(before),
            "UpdateExpression": expression,
            "ConditionExpression": "#revision = :before"
            + (" AND attribute_not_exists(lakes)" if vacant else ""),
            "ExpressionAttributeNames": {f"#{name}": name for name in changed},
            "ExpressionAttributeValues": {f":{name}": new[name] for name in puts}
            | {":before": {"S": before.revision}},
        }
    }


def _place(connector: Connector) -> tuple[str | None, ...]:
    return connector.bucket, connector.bucket_owner, connector.endpoint_url


def _delete(connector: Connector) -> dict[str, Any]:
    return {
        "Delete": {
            **_key(connector),
            "ConditionExpression": "revision = :revision AND attribute_not_exists(lakes)",
            "ExpressionAttributeValues": {":revision": {"S": connector.revision}},
        }
    }


def _claim_name(connector: Connector) -> dict[str, Any]:
    item = ConnectorNameItem(
        organization=connector.organization, id=_name_key(connector.name), holder=connector.id
    )
    return {
        "Put": {
            "TableName": config.connectors_table,
            "Item": item.serialize(),
            "ConditionExpression": "attribute_not_exists(id)",
        }
    }


def _release_name(connector: Connector) -> dict[str, Any]:
    key = {"organization": {"S": connector.organization}, "id": {"S": _name_key(connector.name)}}
    return {
        "Delete": {
            "TableName": config.connectors_table,
            "Key": key,
            "ConditionExpression": "holder = :holder",
            "ExpressionAttributeValues": {":holder": {"S": connector.id}},
        }
    }


def _name_key(name: str) -> str:
    return f"#{fold(name)}"


def _key(connector: Connector) -> dict[str, Any]:
    key = {"organization": {"S": connector.organization}, "id": {"S": connector.id}}
    return {"TableName": config.connectors_table, "Key": key}


def _secret_of(connector: Connector) -> str:
    return str(connector.secret)


def _item(connector: Connector) -> ConnectorItem:
    fields = {name: getattr(connector, name) for name in _FIELDS}
    sets = {name: set(fields[name]) or None for name in ("grants", "lakes")}
    return ConnectorItem(**fields | sets)


def _connector(item: ConnectorItem) -> Connector:
    fields = {name: getattr(item, name) for name in _FIELDS}
    return Connector(
        **fields
        | {
            "kind": ConnectorKind(item.kind),
            "state": ConnectorState(item.state),
            "grants": frozenset(map(Permission, item.grants or ())),
            "lakes": frozenset(item.lakes or ()),
        }
    )
