"""What MiniStack does otherwise than AWS, made up for after each deploy: the template is AWS's alone."""

import json
from typing import TYPE_CHECKING, Any

from infra import package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.local import Handle

BATCHES = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "dynamodb:PartiQLInsert": "dynamodb:BatchExecuteStatement",
    "dynamodb:PartiQLUpdate": "dynamodb:BatchExecuteStatement",
}
"""A call for many items asks for a right of its own name, instead of the right to do it to each of them."""


def make(handle: "Handle", outputs: "Mapping[str, str]") -> None:
    _put_gateway_responses(handle, outputs["RestAPIId"])
    _allow_batches(handle)


def _put_gateway_responses(handle: "Handle", api: str) -> None:
    """They are not read from the API's definition."""
    apigateway = handle.client("apigateway")
    template = json.loads((package.OUTPUT / "template.json").read_text())
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for kind, response in definition["x-amazon-apigateway-gateway-responses"].items():
        apigateway.put_gateway_response(
            restApiId=api, responseType=kind, **response | {"statusCode": str(response["statusCode"])}
        )
    apigateway.create_deployment(restApiId=api, stageName="api")


def _allow_batches(handle: "Handle") -> None:
    iam, cloudformation = handle.client("iam"), handle.client("cloudformation")
    for resource in cloudformation.describe_stack_resources(StackName=handle.stack)["StackResources"]:
        if resource["ResourceType"] != "AWS::IAM::Role":
            continue
        role, policy = resource["PhysicalResourceId"], f"{resource['LogicalResourceId']}Policy"
        granted = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
        if batches := [batch for statement in granted for batch in _batches(statement)]:
            document = json.dumps({"Version": "2012-10-17", "Statement": batches})
            iam.put_role_policy(RoleName=role, PolicyName="Batches", PolicyDocument=document)


def _batches(statement: dict[str, Any]) -> list[dict[str, Any]]:
    # A PartiQL statement's table is not looked at.
    return [
        {**statement, "Action": BATCHES[action]} | ({"Resource": "*"} if "PartiQL" in action else {})
        for action in statement["Action"]
        if action in BATCHES
    ]
