"""Requests that create, sent with an Idempotency-Key: however often one comes, one thing is created, and
every answer is the same."""

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from chalicelib import signing
from chalicelib.errors import InvalidRequest
from chalicelib.storage import claims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.model.claim import Claim

HEADER = "Idempotency-Key"
FORM = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_SEED_BYTES = 32

type Secrets = "Mapping[str, Callable[[bytes], str]]"
"""Fields of an answer that are stored nowhere: each is made of the seed whenever it is answered."""


def once(
    what: "tuple[str, ...]",
    given: str,
    key: str | None,
    create: "Callable[[bytes], Response]",
    hidden: Secrets,
) -> Response:
    """`what` is asked for, by whom and where, `given` all that it is asked with.

    `create` gets 32 secret bytes, the same for every attempt. What it makes is to be named after them, so
    that it meets what an attempt before it made, whose answer was lost.
    """
    if key is None:
        return create(secrets.token_bytes(_SEED_BYTES))
    if not FORM.fullmatch(key):
        raise InvalidRequest((HEADER, "Input should be 1 to 255 visible ASCII characters"))
    bound = json.dumps([*what, key]).encode()
    fingerprint = signing.sign("fingerprint", given.encode()).hex()
    claim = claims.take(signing.sign("claim", bound).hex(), fingerprint)
    seed = signing.sign("creation", claim.nonce.encode() + bound)
    if claim.answer is not None:
        return _again(claim.answer, seed, hidden)
    return _first(claim, lambda: create(seed), hidden)


def _first(claim: "Claim", create: "Callable[[], Response]", hidden: Secrets) -> Response:
    try:
        response = create()
        # What cannot be told again is not told now: the caller asks once more and hears it then.
        claims.settle(claim, _written(response, hidden))
    except Exception:
        claims.release(claim)
        raise
    return response


def _written(response: Response, hidden: Secrets) -> str:
    body = json.loads(str(response.body))
    shown = {name: value for name, value in body.items() if name not in hidden}
    return json.dumps({"status": response.status_code, "headers": response.headers, "body": shown})


def _again(answer: str, seed: bytes, hidden: Secrets) -> Response:
    kept: dict[str, Any] = json.loads(answer)
    body = kept["body"] | {name: make(seed) for name, make in hidden.items()}
    text = json.dumps(body, separators=(",", ":"))
    return Response(text, headers=kept["headers"], status_code=kept["status"])
