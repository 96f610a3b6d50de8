"""Creates an organization in a deployed stack, with its first admin key.

`python -m infra.organization NAME [--stage STAGE] [--new-key]`: without a stage in the local stack, else in
the one of that stage in the AWS account of the environment.
"""

import argparse
import os
import re
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from chalicelib.errors import StorageUnavailable
from infra import local, seed
from infra.failure import Failure, reported

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def create(name: str) -> str:
    """The text of the first admin key, which can be shown only now."""
    from chalicelib.storage import organizations

    if not NAME.fullmatch(name):
        raise Failure(f"{name!r} is no name: it takes 1 to 63 lower-case letters, digits and hyphens.")
    key = organizations.create(name, "made with the organization")
    if key is None:
        raise Failure(
            f"There is an organization {name} already, and its keys cannot be shown again;"
            " NEW_KEY=1 makes another admin key for it."
        )
    return key


def create_key(name: str) -> str:
    """One more admin key, for those who have lost theirs."""
    from chalicelib.storage import keys, organizations

    if not organizations.exists(name):
        raise Failure(f"There is no organization {name}.")
    return keys.create_admin(name, "made by the operator")


def outputs_of(stage: str) -> "Mapping[str, str]":
    stack = f"tidelake-{stage}"
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise Failure(f"The stack {stack} cannot be seen: {error.response['Error']['Message']}.") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def use_local_cloud() -> str:
    """The stage of the stack there."""
    handle = local.read()
    if handle is None:
        raise Failure("There is no local stack; `make up` starts one, and STAGE=… names one in AWS.")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": handle.endpoint_url,
        "AWS_DEFAULT_REGION": handle.region,
        "AWS_ACCESS_KEY_ID": handle.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": handle.aws_secret_access_key,
    }
    return local.STAGE


def main() -> None:
    parser = argparse.ArgumentParser(prog="infra.organization", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--stage")
    parser.add_argument("--new-key", action="store_true", help="for an organization that is there already")
    given = parser.parse_args()
    seed.join(outputs_of(given.stage or use_local_cloud()))
    try:
        key = create_key(given.name) if given.new_key else create(given.name)
    except StorageUnavailable as error:
        raise Failure(f"DynamoDB did not do it: {', '.join(map(str, error.args))}.") from error
    print(f"Organization  {given.name}")
    print(f"Key           {key}  (admin; shown only now)")


if __name__ == "__main__":
    with reported():
        main()
