import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib import parallel
from chalicelib.config import config
from chalicelib.storage import aws

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Protocol

    from chalicelib.model.errand import Errand
    from chalicelib.model.fetch import Fetch
    from chalicelib.model.job import Job
    from chalicelib.model.work import Work

    class Encoded(Protocol):
        def encode(self) -> str: ...


_BATCH = 10
_ATTRIBUTE_BYTES = 1024

OTHERS = "AcceptEventsOfOtherAccounts"
"""The one statement of the events queue's policy that is not the template's."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """A hint of our own: this key may not be what its record says."""

    routing_key: str
    object_name: str

    def encode(self) -> str:
        return json.dumps({"source": "tidelake", "bucket": self.routing_key, "object_name": self.object_name})


def send_preprocess(work: "Sequence[Work]") -> "list[Work]":
    """Ask for the bytes of each to be looked at. Answers what was not accepted."""
    return _send(config.preprocess_queue, "send preprocess", work)


def send_fetches(fetches: "Sequence[Fetch]") -> "list[Fetch]":
    """Ask for each to be fetched. Answers what was not accepted."""
    return _send(config.fetches_queue, "send fetches", fetches)


def _send[M: Encoded](queue: str, action: str, messages: "Sequence[M]") -> list[M]:
    def send(batch: "Sequence[M]") -> list[M]:
        entries = [{"Id": str(index), "MessageBody": each.encode()} for index, each in enumerate(batch)]
        with aws.calling(action):
            answer = _sqs().send_message_batch(QueueUrl=queue, Entries=entries)
        return [batch[int(failed["Id"])] for failed in answer.get("Failed", [])]

    batches = [messages[start : start + _BATCH] for start in range(0, len(messages), _BATCH)]
    return [left for batch in parallel.for_each(send, batches) for left in batch]


def send_large(work: "Work") -> None:
    with aws.calling("send large"):
        _sqs().send_message(QueueUrl=config.preprocess_large_queue, MessageBody=work.encode())


def send_job(job: "Job", delay_seconds: int) -> None:
    with aws.calling("send job"):
        _sqs().send_message(QueueUrl=config.jobs_queue, MessageBody=job.encode(), DelaySeconds=delay_seconds)


def send_errand(errand: "Errand", delay_seconds: int = 0) -> None:
    with aws.calling("send errand"):
        _sqs().send_message(
            QueueUrl=config.walks_queue, MessageBody=errand.encode(), DelaySeconds=delay_seconds
        )


def put_off_errand(receipt_handle: str, seconds: int) -> None:
    """Let a message that failed come again sooner than one whose receiver died without a word."""
    with aws.calling("put off errand"):
        _sqs().change_message_visibility(
            QueueUrl=config.walks_queue, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def send_recheck(routing_key: str, object_name: str) -> None:
    """Put a hint of our own into the queue of events: this key may not be what its record says."""
    with aws.calling("send recheck"):
        _sqs().send_message(
            QueueUrl=config.events_queue, MessageBody=Recheck(routing_key, object_name).encode()
        )


def send_rechecks(routing_key: str, object_names: "Sequence[str]") -> list[str]:
    """The same for many. Answers those that were not accepted."""
    rechecks = [Recheck(routing_key, object_name) for object_name in object_names]
    return [each.object_name for each in _send(config.events_queue, "send rechecks", rechecks)]


def park(body: str, reason: str) -> None:
    """Keep a message that nobody understands where people look for such, with why."""
    attribute = {"DataType": "String", "StringValue": reason[:_ATTRIBUTE_BYTES]}
    with aws.calling("park message"):
        _sqs().send_message(
            QueueUrl=config.events_dead_letters, MessageBody=body, MessageAttributes={"reason": attribute}
        )


def admit(accounts: "Collection[str]") -> None:
    """Buckets of these other accounts may put their events into the queue of events, and those of no others.

    A deploy that changes what the template says of that policy takes this away; infra/seed.py says it again.
    """
    with aws.calling("change policy of events"):
        asked = {"QueueUrl": config.events_queue, "AttributeNames": ["Policy"]}
        policy = json.loads(_sqs().get_queue_attributes(**asked)["Attributes"]["Policy"])
        own = [each for each in policy["Statement"] if each.get("Sid") != OTHERS]
        said = own + [_admission(accounts)] * bool(accounts)
        if said != policy["Statement"]:
            text = json.dumps(policy | {"Statement": said}, separators=(",", ":"))
            _sqs().set_queue_attributes(QueueUrl=config.events_queue, Attributes={"Policy": text})


def _admission(accounts: "Collection[str]") -> dict[str, Any]:
    return {
        "Sid": OTHERS,
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": config.events_queue_arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": sorted(accounts)}},
    }


def _sqs() -> Any:
    return aws.client("sqs")
