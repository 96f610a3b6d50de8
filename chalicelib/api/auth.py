"""Who is asking. API Gateway asks once for each key and keeps the answer for all routes, so it says only who
that is; whether they may is decided where the request is answered."""

from typing import Any

from chalice.app import AuthRequest, AuthResponse

from chalicelib.errors import Unauthorized
from chalicelib.observability import logger
from chalicelib.storage import keys

CACHE_SECONDS = 30
"""A revoked key works for as long as this."""


def authorize(request: AuthRequest) -> AuthResponse | dict[str, Any]:
    try:
        key = keys.find(_bearer(request.token))
    except Unauthorized:
        logger.info("key refused")
        return _refusal()
    return AuthResponse(
        routes=["*"],
        principal_id=key.id,
        context={"organization": key.organization, "role": key.role.value, "key_id": key.id},
    )


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    return token.strip()


def _refusal() -> dict[str, Any]:
    # The gateway response for a denial makes it a 401. `raise Exception("Unauthorized")` would be one
    # too, but would count as an error of this function and not be remembered.
    statement = {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"}
    return {
        "principalId": "nobody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
