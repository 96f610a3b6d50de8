"""Deploys the package as a stack into whatever AWS the environment's credentials and endpoint reach.

`python -m infra.deploy STAGE [NAME=VALUE …]`, the names being those of the template's parameters.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from infra import package, seed
from infra.failure import Failure, reported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef
    from mypy_boto3_s3 import S3Client

    from infra.package import Package

STAGE = re.compile(r"[a-z][a-z0-9-]{0,15}")
"""Buckets' names hold the stage, the account and the region within 63 characters."""

NOT_YET = "REVIEW_IN_PROGRESS"
"""A stack of which there is no more than a change set."""

SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

POLL_SECONDS = 0.5


def deploy(stage: str, built: "Package", parameters: "Mapping[str, str]") -> dict[str, str]:
    """The stack's outputs. The same again changes nothing; parameters that are not named keep their value."""
    if not STAGE.fullmatch(stage):
        raise Failure(f"{stage!r} is no stage: it takes 1 to 16 lower-case letters, digits and hyphens.")
    name = f"tidelake-{stage}"
    template = json.loads(built.template.read_text())
    if unknown := parameters.keys() - template["Parameters"].keys():
        raise Failure(f"The template has no parameter {', '.join(sorted(unknown))}.")
    cloudformation = boto3.client("cloudformation")
    before = _stack(cloudformation, name)
    if before.get("StackStatus") == "ROLLBACK_COMPLETE":
        _remove_what_was_never_created(cloudformation, name)
        before = {}
    status = before.get("StackStatus", NOT_YET)
    if status not in (NOT_YET, *SETTLED):
        raise Failure(f"The stack {name} cannot be updated while it is {status}.")
    values: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
    ]
    known = {parameter["ParameterKey"] for parameter in before.get("Parameters", [])}
    kept = (known & template["Parameters"].keys()) - parameters.keys()
    values += [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
    change_set = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"deploy-{time.time_ns()}",
        ChangeSetType="CREATE" if status == NOT_YET else "UPDATE",
        TemplateURL=_upload(built, template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=values,
        Tags=[{"Key": "application", "Value": "tidelake"}, {"Key": "stage", "Value": stage}],
    )["Id"]
    if _has_changes(cloudformation, change_set):
        cloudformation.execute_change_set(ChangeSetName=change_set)
        _wait(cloudformation, name)
    return {output["OutputKey"]: output["OutputValue"] for output in _stack(cloudformation, name)["Outputs"]}


def _stack(cloudformation: "CloudFormationClient", name: str) -> Any:
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return {}
        raise


def _remove_what_was_never_created(cloudformation: "CloudFormationClient", name: str) -> None:
    """A stack whose creation failed holds nothing, and can only be deleted."""
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def _has_changes(cloudformation: "CloudFormationClient", change_set: str) -> bool:
    while True:
        found = cloudformation.describe_change_set(ChangeSetName=change_set)
        if found["Status"] == "CREATE_COMPLETE":
            return True
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            cloudformation.delete_change_set(ChangeSetName=change_set)
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return False
            raise Failure(f"CloudFormation refuses the template: {reason}")
        time.sleep(POLL_SECONDS)


def _wait(cloudformation: "CloudFormationClient", name: str) -> None:
    while (status := _stack(cloudformation, name)["StackStatus"]).endswith("_IN_PROGRESS"):
        time.sleep(POLL_SECONDS)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise Failure(f"The stack {name} is {status}: {_cause(cloudformation, name)}")


def _cause(cloudformation: "CloudFormationClient", name: str) -> str:
    """What failed first in the last attempt: it is the cause of all that failed after it."""
    cause = None
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        status, resource = event.get("ResourceStatus", ""), event.get("LogicalResourceId")
        if status.endswith("_FAILED") and resource != name:
            cause = f"{resource}: {event.get('ResourceStatusReason')}"
        if resource == name and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
    return cause or _objection(cloudformation, name)


def _objection(cloudformation: "CloudFormationClient", name: str) -> str:
    """What was wrong before any resource was touched."""
    answer = cloudformation.describe_events(StackName=name, Filters={"FailedEvents": True})
    for event in answer["OperationEvents"]:
        if "ValidationStatusReason" in event:
            return f"{event.get('LogicalResourceId')}: {event['ValidationStatusReason']}"
    return "CloudFormation gives no reason."


def _upload(built: "Package", template: "dict[str, Any]") -> str:
    """Where the template is, which says where the code is, both named by their content."""
    s3 = boto3.client("s3")
    bucket = _code_bucket(s3)
    code = built.code.read_bytes()
    location = {"Bucket": bucket, "Key": f"{hashlib.sha256(code).hexdigest()}.zip"}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = location
    body = json.dumps(template).encode()
    key = f"{hashlib.sha256(body).hexdigest()}.json"
    for name, content in ((location["Key"], code), (key, body)):
        if s3.list_objects_v2(Bucket=bucket, Prefix=name)["KeyCount"] == 0:
            s3.put_object(Bucket=bucket, Key=name, Body=content)
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _code_bucket(s3: "S3Client") -> str:
    account, region = boto3.client("sts").get_caller_identity()["Account"], s3.meta.region_name
    bucket = f"tidelake-code-{account}-{region}"
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise Failure(
                f"The bucket {bucket}, which is to hold the code, belongs to somebody else."
            ) from error
        # us-east-1 is the one region that must not be named.
        where: Any = (
            {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        )
    return bucket


def main() -> None:
    parser = argparse.ArgumentParser(prog="infra.deploy", description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true", help="print the outputs and the key for a program")
    given = parser.parse_args()
    if malformed := [text for text in given.parameters if "=" not in text]:
        raise Failure(f"{malformed[0]!r} is no parameter: write NAME=VALUE.")
    outputs = deploy(given.stage, package.build(), dict(text.split("=", 1) for text in given.parameters))
    key = seed.seed(outputs)
    if given.json:
        json.dump({"outputs": outputs, "api_key": key}, sys.stdout)
        return
    print(f"Gallery {outputs['EndpointURL']}")
    print(f"API     {outputs['EndpointURL']}v1")
    print(f"Bucket  {outputs['DataBucket']}")
    print(
        f"Key     {key}  (shown only now)" if key else "Key     the one that was shown after the first deploy"
    )


if __name__ == "__main__":
    with reported():
        main()
