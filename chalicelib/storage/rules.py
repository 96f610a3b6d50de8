"""Rules of EventBridge: what buckets of this account tell it of their changes comes to the queue of events.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.config import config
from chalicelib.errors import StorageUnavailable
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Sequence

_TARGET = "events"


def forward(bucket: str, prefixes: "Sequence[str]") -> None:
    """Let what happens to objects under these prefixes of the bucket be put into the queue of events."""
    name = _name(bucket)
    with aws.calling("make rule"):
        _events().put_rule(Name=name, EventPattern=_pattern(bucket, prefixes))
        target = {"Id": _TARGET, "Arn": config.events_queue_arn}
        answer = _events().put_targets(Rule=name, Targets=[target])
    if failed := answer.get("FailedEntries"):
        raise StorageUnavailable("make rule", failed[0].get("ErrorCode", ""))


def stop(bucket: str) -> None:
    """Where there is no rule, nothing is changed."""
    name = _name(bucket)
    with aws.calling("remove rule"):
        try:
            _events().remove_targets(Rule=name, Ids=[_TARGET])
            _events().delete_rule(Name=name)
        except ClientError as error:
            if aws.error_code(error) != "ResourceNotFoundException":
                raise


def _name(bucket: str) -> str:
    """Begins as all names of the stack do, which is what the functions' rights are limited to."""
    stack = config.events_queue_arn.rpartition(":")[2].removesuffix("events")
    return f"{stack}{sha256(bucket.encode()).hexdigest()[:16]}"


def _pattern(bucket: str, prefixes: "Sequence[str]") -> str:
    keys = {"object": {"key": [{"prefix": prefix} for prefix in prefixes]}}
    return json.dumps(
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created", "Object Deleted"],
            "detail": {"bucket": {"name": [bucket]}, **(keys if "" not in prefixes else {})},
        }
    )


def _events() -> Any:
    return aws.client("events")
