"""Static keys of connectors. They are in Secrets Manager and nowhere else: not in a table, a log or an
answer."""

import json
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.config import config
from chalicelib.errors import CredentialsRefused
from chalicelib.storage import aws

_DESCRIPTION = "Keys of a Tidelake connector; made and deleted with it."


@dataclass(frozen=True, slots=True)
class Keys:
    access_key_id: str
    secret_access_key: str = field(repr=False)


def name_of(connector_id: str, nonce: str) -> str:
    """Each set of keys has a secret of its own, so that a connector changes from one to the other at once."""
    return f"{config.connector_secrets}{connector_id}-{nonce}"


def create(name: str, keys: Keys) -> None:
    """Creating it again is nothing new: names are made of a random seed, and so are one request's."""
    text = json.dumps(
        {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key},
    )
    with aws.calling("create secret"):
        try:
            _client().create_secret(Name=name, SecretString=text, Description=_DESCRIPTION)
        except ClientError as error:
            if aws.error_code(error) != "ResourceExistsException":
                raise


def read(name: str) -> Keys:
    """Raises CredentialsRefused where there are none, or none that can be read."""
    with aws.calling("read secret"):
        try:
            text = _client().get_secret_value(SecretId=name)["SecretString"]
        except ClientError as error:
            if aws.error_code(error) != "ResourceNotFoundException":
                raise
            raise CredentialsRefused(
                "read keys", "they are not in Secrets Manager; set them again"
            ) from error
    try:
        found = json.loads(text)
        return Keys(found["access_key_id"], found["secret_access_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise CredentialsRefused(
            "read keys", "what Secrets Manager holds are none; set them again"
        ) from error


def delete(name: str) -> None:
    """At once and for good. Deleting what is not there is done already."""
    with aws.calling("delete secret"):
        try:
            _client().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if aws.error_code(error) != "ResourceNotFoundException":
                raise


def _client() -> Any:
    return aws.client("secretsmanager")
