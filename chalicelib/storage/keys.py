"""API keys. Only a keyed hash of the secret is stored: whoever reads the table can use none of them."""

import hmac
import re
import secrets
from typing import TYPE_CHECKING

from chalicelib import signing
from chalicelib.errors import StorageUnavailable, Unauthorized, UnknownKey
from chalicelib.model import moment
from chalicelib.model.key import ApiKey, Role
from chalicelib.storage import aws
from chalicelib.storage.tables import KeyItem

if TYPE_CHECKING:
    from datetime import datetime

_FORM = re.compile(r"tl_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_ID_BYTES = 8
_SEED_BYTES = 32


def create(
    organization: str,
    name: str,
    role: Role,
    expires_at: "datetime | None" = None,
    seed: bytes | None = None,
) -> tuple[ApiKey, str]:
    """The key as it is recorded, and the text that its owner uses, which is nowhere else. A seed that is used
    again makes no other key."""
    text = text_of(seed or new_seed())
    key = draft(text, organization, name, role, expires_at)
    try:
        with aws.calling("create key"):
            item_of(key).save(condition=KeyItem.id.does_not_exist())
    except aws.ConditionFailed as error:
        there = _read(key.id)
        if there is None or there.secret_hash != key.secret_hash:
            raise StorageUnavailable("create key", "the id is taken") from error
        return there, text
    return key, text


def create_admin(organization: str, name: str) -> str:
    return create(organization, name, Role.ADMIN)[1]


def new_seed() -> bytes:
    return secrets.token_bytes(_SEED_BYTES)


def text_of(seed: bytes) -> str:
    """The text of the key that is made of the seed, which takes 32 random bytes to be a secret."""
    key_id, secret = (hmac.digest(seed, part, "sha256") for part in (b"id", b"secret"))
    return f"tl_{key_id[:_ID_BYTES].hex()}_{secret.hex()}"


def draft(
    text: str, organization: str, name: str, role: Role, expires_at: "datetime | None" = None
) -> ApiKey:
    _, key_id, secret = text.split("_")
    return ApiKey(
        id=key_id,
        name=name,
        organization=organization,
        role=role,
        secret_hash=_hash(key_id, secret),
        created_at=moment.rfc3339(moment.now()),
        expires_at=moment.rfc3339(expires_at) if expires_at else None,
    )


def of_organization(organization: str, after: str, limit: int) -> list[ApiKey]:
    """At most `limit` keys by their ids, those after one of them. One that was made or revoked a moment ago
    may be missing or still be there."""
    with aws.calling("list keys"):
        rest = KeyItem.by_organization.query(organization, KeyItem.id > after if after else None, limit=limit)
        return [_key(item) for item in rest]


def revoke(organization: str, key_id: str) -> None:
    """Raises UnknownKey for one that is not there or not the organization's."""
    key = _read(key_id) if _ID.fullmatch(key_id) else None
    if key is None or key.organization != organization:
        raise UnknownKey(key_id)
    # Without a condition, so that it may be repeated: the id is never given again, and nobody changes owners.
    with aws.calling("revoke key"):
        KeyItem(key_id).delete()


def find(text: str) -> ApiKey:
    """Raises Unauthorized, the same for every reason: the text is malformed, unknown, wrong or expired."""
    match = _FORM.fullmatch(text)
    if not match:
        raise Unauthorized
    key_id, secret = match.groups()
    key = _read(key_id)
    if key is None or not hmac.compare_digest(_hash(key_id, secret), key.secret_hash) or _has_expired(key):
        raise Unauthorized
    return key


def _read(key_id: str) -> ApiKey | None:
    with aws.calling("read key"):
        try:
            # Consistent, so that a key works from the moment it is shown and not after it is revoked.
            item = KeyItem.get(key_id, consistent_read=True)
        except KeyItem.DoesNotExist:
            return None
    return _key(item)


def _key(item: KeyItem) -> ApiKey:
    return ApiKey(
        id=item.id,
        name=item.name,
        organization=item.organization,
        role=Role(item.role),
        secret_hash=item.secret_hash,
        created_at=item.created_at,
        expires_at=item.expires_at,
    )


def item_of(key: ApiKey) -> KeyItem:
    return KeyItem(
        id=key.id,
        name=key.name,
        organization=key.organization,
        role=key.role,
        secret_hash=key.secret_hash,
        created_at=key.created_at,
        expires_at=key.expires_at,
        expires_epoch=int(moment.parse(key.expires_at).timestamp()) if key.expires_at else None,
    )


def _hash(key_id: str, secret: str) -> str:
    return signing.sign("api key", f"{key_id}:{secret}".encode()).hex()


def _has_expired(key: ApiKey) -> bool:
    return key.expires_at is not None and moment.parse(key.expires_at) <= moment.now()
