"""What a connector's requests are signed with."""

import json
import secrets as random
from typing import TYPE_CHECKING

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from chalicelib.errors import CredentialsRefused
from chalicelib.model import limits
from chalicelib.model.connector import ConnectorKind
from chalicelib.model.grants import session_policy
from chalicelib.storage import aws, secrets

if TYPE_CHECKING:
    from chalicelib.model.connector import Connector

_REFUSALS = frozenset({"AccessDenied", "ValidationError", "RegionDisabledException"})
_WRONG_ID_BYTES = 20

UNTRUSTED = "the role cannot be assumed: its trust policy must be the connector's `trust_policy`"
UNGUARDED = (
    "the role can be assumed without its external id, so that anybody could have others' roles used for them:"
    " its trust policy must be the connector's `trust_policy`"
)


def of(connector: "Connector") -> ReadOnlyCredentials:
    """Raises CredentialsRefused where there are none to be had, StorageUnavailable where nobody knows."""
    if connector.kind is ConnectorKind.ROLE:
        return _assume(connector, connector.external_id)
    keys = secrets.read(str(connector.secret))
    return ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, None)


def prove_guarded(connector: "Connector") -> None:
    """Raises CredentialsRefused where the role does not ask for the external id that only its owner and this
    connector know: then whoever knows the role's name could connect its bucket as their own.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for external_id in (None, random.token_hex(_WRONG_ID_BYTES)):
        try:
            _assume(connector, external_id)
        except CredentialsRefused:
            continue
        raise CredentialsRefused("assume role", UNGUARDED)


def account_of(credentials: ReadOnlyCredentials, region: str) -> str:
    """The account that they belong to. Everybody may ask that."""
    with aws.calling("tell account"):
        try:
            return str(aws.sts_client(credentials, region).get_caller_identity()["Account"])
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (400, 403):
                raise
            raise CredentialsRefused(
                "tell account", f"AWS does not know these keys ({aws.error_code(error)})"
            ) from error


def _assume(connector: "Connector", external_id: str | None) -> ReadOnlyCredentials:
    given = {"ExternalId": external_id} if external_id else {}
    with aws.calling("assume role"):
        try:
            answer = aws.client("sts").assume_role(
                RoleArn=connector.role_arn,
                RoleSessionName=f"tidelake-{connector.id}",
                DurationSeconds=limits.SESSION_SECONDS,
                Policy=json.dumps(session_policy(connector), separators=(",", ":")),
                **given,
            )
        except ClientError as error:
            if aws.error_code(error) not in _REFUSALS:
                raise
            raise CredentialsRefused("assume role", UNTRUSTED) from error
    found = answer["Credentials"]
    return ReadOnlyCredentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
