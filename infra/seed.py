"""What a deployed stack starts with: the organization `default` with one admin key, the connector of the
stack's own bucket, and the lake `default` on it."""

import os
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from collections.abc import Mapping

ORGANIZATION = "default"


def seed(outputs: "Mapping[str, str]") -> str | None:
    """The admin key, the first time; None where there is one. It can be shown only when it is made."""
    join(outputs)
    from chalicelib.storage import connectors, lakes, organizations, queues

    sts = boto3.client("sts")
    owner = sts.get_caller_identity()["Account"]
    connectors.create_stack(ORGANIZATION, outputs["DataBucket"], owner, sts.meta.region_name)
    queues.admit({each.owner for each in lakes.watches()} - {owner})
    if organizations.exists(ORGANIZATION):
        # Whoever deleted the lake `default` since meant it.
        return None
    lakes.create_default(ORGANIZATION, outputs["DataBucket"], owner)
    return organizations.create(ORGANIZATION, "made by the first deploy")


def join(outputs: "Mapping[str, str]") -> None:
    """From here on, the code of the functions works on the stack."""
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["SigningKey"])
    os.environ |= {
        "LAKES_TABLE": outputs["LakesTable"],
        "CONNECTORS_TABLE": outputs["ConnectorsTable"],
        "ORGANIZATIONS_TABLE": outputs["OrganizationsTable"],
        "KEYS_TABLE": outputs["KeysTable"],
        "EVENTS_QUEUE": outputs["EventsQueue"],
        "EVENTS_QUEUE_ARN": outputs["EventsQueueArn"],
        "SIGNING_KEY": secret["SecretString"],
    }
