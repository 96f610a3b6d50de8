import json
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.model.job import Job
    from chalicelib.model.work import Work

_BATCH = 10
_ATTRIBUTE_BYTES = 1024


def send_preprocess(work: "Sequence[Work]") -> "list[Work]":
    """Ask for the bytes of each to be looked at. Answers what was not accepted."""
    batches = [work[start : start + _BATCH] for start in range(0, len(work), _BATCH)]
    return [left for batch in parallel.for_each(_send_batch, batches) for left in batch]


def _send_batch(work: "Sequence[Work]") -> "list[Work]":
    entries = [{"Id": str(index), "MessageBody": each.encode()} for index, each in enumerate(work)]
    with aws.calling("send preprocess"):
        answer = _sqs().send_message_batch(QueueUrl=config.preprocess_queue, Entries=entries)
    return [work[int(failed["Id"])] for failed in answer.get("Failed", [])]


def send_large(work: "Work") -> None:
    with aws.calling("send large"):
        _sqs().send_message(QueueUrl=config.preprocess_large_queue, MessageBody=work.encode())


def send_job(job: "Job", delay_seconds: int) -> None:
    with aws.calling("send job"):
        _sqs().send_message(QueueUrl=config.jobs_queue, MessageBody=job.encode(), DelaySeconds=delay_seconds)


def send_recheck(routing_key: str, object_name: str) -> None:
    """Put a hint of our own into the queue of events: this key may not be what its record says."""
    body = json.dumps({"source": "tidelake", "bucket": routing_key, "object_name": object_name})
    with aws.calling("send recheck"):
        _sqs().send_message(QueueUrl=config.events_queue, MessageBody=body)


def park(body: str, reason: str) -> None:
    """Keep a message that nobody understands where people look for such, with why."""
    attribute = {"DataType": "String", "StringValue": reason[:_ATTRIBUTE_BYTES]}
    with aws.calling("park message"):
        _sqs().send_message(
            QueueUrl=config.events_dead_letters, MessageBody=body, MessageAttributes={"reason": attribute}
        )


def _sqs() -> Any:
    return aws.client("sqs")
