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
_PATTERN_CHARACTERS = 2048
"""An AWS limit: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


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
    """Without prefixes where that would be too long: what is told too much, lakes ignore."""
    keys = {"object": {"key": [{"prefix": prefix} for prefix in prefixes]}}
    whole = {"bucket": {"name": [bucket]}}
    narrow = _matching(whole | keys)
    return narrow if "" not in prefixes and len(narrow) <= _PATTERN_CHARACTERS else _matching(whole)


def _matching(detail: dict[str, Any]) -> str:
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": detail,
    }
    return json.dumps(pattern, separators=(",", ":"))


def _events() -> Any:
    return aws.client("events")
