"""A cursor is one position, signed together with what it is a position in: a lake of an organization, walked
in one order with one filter. It carries nothing else, and is worth nothing anywhere else."""

import base64
import hmac
import json
from typing import TYPE_CHECKING

from chalicelib import signing
from chalicelib.errors import InvalidCursor

if TYPE_CHECKING:
    from chalicelib.model.lake import Lake
    from chalicelib.query.pages import Query
    from chalicelib.storage.records import Position

_SIGNATURE_BYTES = 16


def encode(lake: "Lake", query: "Query", position: "Position") -> str:
    return seal(_walk(lake, query), position)


def decode(lake: "Lake", query: "Query", cursor: str) -> "Position":
    return unseal(_walk(lake, query), cursor)


def seal(walk: object, position: str) -> str:
    """The cursor of a position in anything that JSON can describe."""
    token = _signature(walk, position) + position.encode()
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def unseal(walk: object, cursor: str) -> str:
    try:
        token = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = token[_SIGNATURE_BYTES:].decode()
    except ValueError as error:
        raise InvalidCursor from error
    if not hmac.compare_digest(token[:_SIGNATURE_BYTES], _signature(walk, position)):
        raise InvalidCursor
    return position


def _walk(lake: "Lake", query: "Query") -> list[object]:
    return [lake.organization, lake.id, str(query)]


def _signature(walk: object, position: str) -> bytes:
    bound = json.dumps([walk, position], sort_keys=True)
    return signing.sign("cursor", bound.encode())[:_SIGNATURE_BYTES]
