"""What the owner of a bucket grants so that a connector may do what it is to do, as IAM has it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.model.connector import TRIAL_PREFIX, Permission
from chalicelib.model.lake import ARTIFACTS_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.model.connector import Connector

type Document = dict[str, Any]

_VERSION = "2012-10-17"
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}
"""By what their regions begin with. Names of buckets are unique in each alone."""


@dataclass(frozen=True, slots=True)
class _Actions:
    of_bucket: "Sequence[str]" = ()
    of_objects: "Sequence[str]" = ()


_ACTIONS: "Mapping[Permission, _Actions]" = {
    Permission.LIST: _Actions(of_bucket=("s3:ListBucket",)),
    Permission.READ: _Actions(of_objects=("s3:GetObject",)),
    Permission.WRITE: _Actions(
        of_objects=("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    ),
    Permission.OVERWRITE: _Actions(of_objects=("s3:PutObject",)),
    Permission.DELETE: _Actions(of_objects=("s3:DeleteObject",)),
    Permission.NOTIFY: _Actions(of_bucket=("s3:GetBucketNotification", "s3:PutBucketNotification")),
}


def policy(connector: "Connector") -> Document:
    """Of the role or the user that the connector is."""
    granted = [
        Permission.LIST,
        Permission.READ,
        Permission.WRITE,
        *([Permission.DELETE] if connector.allow_delete else []),
        *([Permission.NOTIFY] if connector.endpoint_url is None else []),
    ]
    return {"Version": _VERSION, "Statement": list(_statements(connector, granted))}


def trust_policy(connector: "Connector", trusted_roles: str) -> Document:
    """Of the role. The account is the principal, and the roles a condition, as a role that is named as a
    principal is no longer trusted when it is made anew."""
    partition, account = trusted_roles.split(":")[1], trusted_roles.split(":")[4]
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "TrustTidelake",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"sts:ExternalId": connector.external_id},
                    "ArnLike": {"aws:PrincipalArn": trusted_roles},
                },
            }
        ],
    }


def session_policy(connector: "Connector") -> Document:
    """What is left of the role's rights while it is assumed: nothing but this bucket, and no deletion where
    the connector does not allow it, but below the prefix that is Tidelake's own."""
    statements = list(_statements(connector, [each for each in Permission if each != Permission.OVERWRITE]))
    if not connector.allow_delete:
        for statement in statements:
            if statement["Action"] == list(_ACTIONS[Permission.DELETE].of_objects):
                statement["Resource"] = f"{_arn(connector)}/{ARTIFACTS_PREFIX}*"
    versions = {
        "Effect": "Allow",
        "Action": ["s3:DeleteObjectVersion"],
        "Resource": f"{_arn(connector)}/{TRIAL_PREFIX}*",
    }
    # Of objects that are encrypted with a key of KMS, whichever that is.
    keys = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringLike": {"kms:ViaService": "s3.*"}},
    }
    return {"Version": _VERSION, "Statement": [*statements, versions, keys]}


def actions(permission: Permission) -> str:
    return " and ".join((*_ACTIONS[permission].of_bucket, *_ACTIONS[permission].of_objects[:1]))


def resource(connector: "Connector", permission: Permission) -> str:
    return _arn(connector) if _ACTIONS[permission].of_bucket else f"{_arn(connector)}/*"


def partition(region: str) -> str:
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def _statements(connector: "Connector", permissions: "Iterable[Permission]") -> "Iterator[Document]":
    for permission in permissions:
        granted = _ACTIONS[permission]
        yield {
            "Sid": permission.capitalize(),
            "Effect": "Allow",
            "Action": [*granted.of_bucket, *granted.of_objects],
            "Resource": resource(connector, permission),
        }


def _arn(connector: "Connector") -> str:
    return f"arn:{partition(connector.region)}:s3:::{connector.bucket}"
