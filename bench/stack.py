"""The stack on a local cloud of its own, its functions at work, or held back for this process to be them."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from chalicelib.config import config
from infra import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infra.local import Handle

FED: Final = ("Upstream", "Preprocess", "PreprocessLarge", "Changes")
"""The functions that queues and the stream call, by their names in the template."""

CONTEXT: Final = SimpleNamespace(
    function_name="bench",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bench",
    aws_request_id="00000000-0000-4000-8000-000000000000",
    get_remaining_time_in_millis=lambda: 60_000,
)
"""What Lambda tells a function about its call."""

_OWN_ENVIRONMENT: Final = dict(os.environ)

_PUTS_AT_ONCE: Final = 16
_MESSAGES_AT_ONCE: Final = 10
_POLL_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 120


@contextmanager
def deployed() -> "Iterator[Stack]":
    with tempfile.TemporaryDirectory() as folder, local.stack(Path(folder)) as handle:
        yield Stack(handle)


@dataclass(frozen=True)
class Stack:
    handle: "Handle"

    @cached_property
    def functions(self) -> Any:
        return self.handle.client("lambda")

    @cached_property
    def s3(self) -> Any:
        return self.handle.client("s3")

    @cached_property
    def sqs(self) -> Any:
        return self.handle.client("sqs")

    def adopt(self, function: str) -> None:
        """Let the code in this process run as it would in the function."""
        surroundings = {
            "AWS_ENDPOINT_URL": self.handle.endpoint_url,
            "AWS_DEFAULT_REGION": self.handle.region,
            "AWS_ACCESS_KEY_ID": self.handle.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.handle.aws_secret_access_key,
        }
        os.environ.clear()
        os.environ |= _OWN_ENVIRONMENT | surroundings | self.settings(function)["Environment"]["Variables"]
        # It remembers what it has read.
        vars(config).clear()

    def settings(self, function: str) -> "Mapping[str, Any]":
        cloudformation = self.handle.client("cloudformation")
        found = cloudformation.describe_stack_resource(
            StackName=self.handle.stack, LogicalResourceId=function
        )
        physical = found["StackResourceDetail"]["PhysicalResourceId"]
        settings: Mapping[str, Any] = self.functions.get_function_configuration(FunctionName=physical)
        return settings

    def source(self, function: str) -> "Mapping[str, Any]":
        """What calls the function, and how."""
        arn = self.settings(function)["FunctionArn"]
        [found] = self.functions.list_event_source_mappings(FunctionName=arn)["EventSourceMappings"]
        source: Mapping[str, Any] = found
        return source

    def switch(self, source: "Mapping[str, Any]", *, on: bool) -> None:
        self.functions.update_event_source_mapping(UUID=source["UUID"], Enabled=on)

    def hold(self, *functions: str) -> None:
        """Let nothing call these functions any more."""
        for function in functions:
            self.switch(self.source(function), on=False)
        wait_until(lambda: not any(self._depth(queue, under_way=True) for queue in self.handle.queues))

    def purge(self) -> None:
        """Drop what waits, as the test events that S3 sends to a new queue."""
        for url in self.handle.queues.values():
            self.sqs.purge_queue(QueueUrl=url)

    def put(self, folder: str, count: int, body: bytes) -> list[str]:
        """The names of as many new objects in the lake's bucket."""
        names = [f"{folder}/{number // 100:04}/IMG_{number:06}.jpg" for number in range(count)]

        def put(name: str) -> None:
            self.s3.put_object(Bucket=self.handle.bucket, Key=name, Body=body, ContentType="image/jpeg")

        with ThreadPoolExecutor(_PUTS_AT_ONCE) as pool:
            list(pool.map(put, names))
        return names

    def receive(self, queue: str, count: int) -> list[dict[str, Any]]:
        """As many messages, as Lambda shows them to a function."""
        messages: list[dict[str, Any]] = []
        while len(messages) < count:
            answer = self.sqs.receive_message(
                QueueUrl=self.handle.queues[queue],
                MaxNumberOfMessages=min(_MESSAGES_AT_ONCE, count - len(messages)),
                MessageSystemAttributeNames=["All"],
            )
            if "Messages" not in answer:
                raise RuntimeError(f"{queue} holds {len(messages)} messages, not {count}")
            messages += map(_as_record, answer["Messages"])
        return messages

    def read_stream(self) -> list[dict[str, Any]]:
        """All changes of the data table so far."""
        streams = self.handle.client("dynamodbstreams")
        stream = {"StreamArn": self._data_table()["LatestStreamArn"]}
        [shard] = streams.describe_stream(**stream)["StreamDescription"]["Shards"]
        start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        place = streams.get_shard_iterator(**stream, **start)["ShardIterator"]
        changes: list[dict[str, Any]] = []
        while page := (answer := streams.get_records(ShardIterator=place))["Records"]:
            changes += page
            place = answer["NextShardIterator"]
        return changes

    def count_records(self) -> int:
        pages = self.handle.client("dynamodb").get_paginator("scan")
        return sum(
            page["Count"] for page in pages.paginate(TableName=self.handle.tables["data"], Select="COUNT")
        )

    def index_keys(self) -> list[list[str]]:
        """The attributes that each index of the data table holds."""
        table = self._data_table()
        return [
            [key["AttributeName"] for key in (*index["KeySchema"], *table["KeySchema"])]
            for index in table["GlobalSecondaryIndexes"]
        ]

    def _data_table(self) -> Any:
        return self.handle.client("dynamodb").describe_table(TableName=self.handle.tables["data"])["Table"]

    def wait_until_empty(self, *queues: str) -> None:
        wait_until(lambda: not any(self._depth(queue) for queue in queues))

    def _depth(self, queue: str, *, under_way: bool = False) -> int:
        names = ["ApproximateNumberOfMessagesNotVisible"]
        names += [] if under_way else ["ApproximateNumberOfMessages"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.handle.queues[queue], AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


def wait_until(holds: "Callable[[], bool]", pause: float = _POLL_SECONDS) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("the stack stands still")
        time.sleep(pause)


def _as_record(message: "Mapping[str, Any]") -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
    }
