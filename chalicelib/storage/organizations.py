"""Who owns keys and lakes. An organization is made by whoever operates the deployment, together with the key
that its first admin makes all others with."""

from typing import Any

from chalicelib.config import config
from chalicelib.model import moment
from chalicelib.model.key import Role
from chalicelib.storage import aws, keys, transactions
from chalicelib.storage.tables import OrganizationItem, Table


def create(name: str, key_name: str) -> str | None:
    """The text of the first admin key, or None where the organization is there already. All or nothing: there
    is no organization that nobody has a key to."""
    text = keys.text_of(keys.new_seed())
    organization = OrganizationItem(name=name, created_at=moment.rfc3339(moment.now()))
    key = keys.item_of(keys.draft(text, name, key_name, Role.ADMIN))
    puts = [
        _absent(config.organizations_table, "name", organization),
        _absent(config.keys_table, "id", key),
    ]
    try:
        transactions.write("create organization", puts)
    except transactions.ConditionsFailed:
        return None
    return text


def exists(name: str) -> bool:
    with aws.calling("read organization"):
        try:
            OrganizationItem.get(name, consistent_read=True)
        except OrganizationItem.DoesNotExist:
            return False
    return True


def _absent(table: str, key: str, item: Table) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": item.serialize(),
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": key},
        }
    }
