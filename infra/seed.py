"""What a deployed stack starts with: the `default` lake on its own bucket, and one admin key."""

import os
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATION = "default"


def seed(outputs: "Mapping[str, str]") -> str | None:
    """The admin key, the first time; None where there are keys. It can be shown only when it is made."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["SigningKey"])
    os.environ |= {
        "LAKES_TABLE": outputs["LakesTable"],
        "KEYS_TABLE": outputs["KeysTable"],
        "SIGNING_KEY": secret["SecretString"],
    }
    from chalicelib.storage import keys, lakes

    owner = boto3.client("sts").get_caller_identity()["Account"]
    lakes.create_default(ORGANIZATION, outputs["DataBucket"], owner)
    some_key = boto3.client("dynamodb").scan(TableName=outputs["KeysTable"], Limit=1)["Items"]
    return None if some_key else keys.create_admin(ORGANIZATION, "made by the first deploy")
