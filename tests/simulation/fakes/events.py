"""What S3 tells of its changes, and the forms in which it arrives. Facts: the AWS documentation of event
messages."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    name: str
    """As in a notification's body, without `s3:`."""
    bucket: str
    key: str
    occurred_at: datetime
    sequencer: str
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None

    @property
    def time(self) -> str:
        return self.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    @property
    def created(self) -> bool:
        return self.name.startswith("ObjectCreated")


def s3_notification(*events: Event) -> str:
    return json.dumps({"Records": [s3_record(event) for event in events]})


def s3_record(event: Event) -> dict[str, Any]:
    entity = {
        "key": quote_plus(event.key, safe="/"),
        "size": event.size,
        "eTag": event.etag,
        "versionId": event.version_id,
        "sequencer": event.sequencer,
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": event.time,
        "eventName": event.name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": event.bucket, "arn": f"arn:aws:s3:::{event.bucket}"},
            "object": _told(entity),
        },
    }


def sns_notification(*events: Event) -> str:
    topic = "arn:aws:sns:us-east-1:000000000000:events"
    return json.dumps({"Type": "Notification", "TopicArn": topic, "Message": s3_notification(*events)})


def eventbridge_event(event: Event) -> str:
    """Its sequencer has 16 digits where a notification's has 18, and its key is not encoded."""
    entity = {
        "key": event.key,
        "size": event.size,
        "etag": event.etag,
        "version-id": event.version_id,
        "sequencer": event.sequencer[2:],
    }
    detail = {"version": "0", "bucket": {"name": event.bucket}, "object": _told(entity)}
    if not event.created:
        marker = event.name.endswith("DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if marker else "Permanently Deleted"
    else:
        detail["reason"] = "CopyObject" if event.name.endswith("Copy") else "PutObject"
    return json.dumps(
        {
            "version": "0",
            "source": "aws.s3",
            "detail-type": "Object Created" if event.created else "Object Deleted",
            "time": event.time[:19] + "Z",
            "detail": detail,
        }
    )


def s3_test_event(bucket: str) -> str:
    return json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket})


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
