"""API keys. Only a keyed hash of the secret is stored: whoever reads the table can use none of them."""

import hmac
import re
import secrets
from typing import TYPE_CHECKING

from chalicelib import signing
from chalicelib.errors import Unauthorized
from chalicelib.model import moment
from chalicelib.model.key import ApiKey, Role
from chalicelib.storage import aws
from chalicelib.storage.tables import KeyItem

if TYPE_CHECKING:
    from datetime import datetime

_FORM = re.compile(r"tl_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_ID_BYTES = 8
_SECRET_BYTES = 32


def create(
    organization: str, name: str, role: Role, expires_at: "datetime | None" = None
) -> tuple[ApiKey, str]:
    """The key as it is recorded, and the text that its owner uses, which is nowhere else."""
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    key = ApiKey(
        id=key_id,
        name=name,
        organization=organization,
        role=role,
        secret_hash=_hash(key_id, secret),
        created_at=moment.rfc3339(moment.now()),
        expires_at=moment.rfc3339(expires_at) if expires_at else None,
    )
    with aws.calling("create key"):
        _item(key, expires_at).save(condition=KeyItem.id.does_not_exist())
    return key, f"tl_{key_id}_{secret}"


def create_admin(organization: str, name: str) -> str:
    return create(organization, name, Role.ADMIN)[1]


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
    return ApiKey(
        id=item.id,
        name=item.name,
        organization=item.organization,
        role=Role(item.role),
        secret_hash=item.secret_hash,
        created_at=item.created_at,
        expires_at=item.expires_at,
    )


def _item(key: ApiKey, expires_at: "datetime | None") -> KeyItem:
    return KeyItem(
        id=key.id,
        name=key.name,
        organization=key.organization,
        role=key.role,
        secret_hash=key.secret_hash,
        created_at=key.created_at,
        expires_at=key.expires_at,
        expires_epoch=int(expires_at.timestamp()) if expires_at else None,
    )


def _hash(key_id: str, secret: str) -> str:
    return signing.sign("api key", f"{key_id}:{secret}".encode()).hex()


def _has_expired(key: ApiKey) -> bool:
    return key.expires_at is not None and moment.parse(key.expires_at) <= moment.now()
