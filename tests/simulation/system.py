"""The whole of upstream, preprocess and changes under a scheduler that is as unkind as AWS may be, and always the same
for the same seed."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from chalicelib.changes import fold
from chalicelib.model.counts import gather, weigh
from chalicelib.model.data import Data
from chalicelib.model.lake import Lake, is_folder
from chalicelib.preprocess import worker
from chalicelib.storage import counters, records
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes import events
from tests.simulation.fakes.dynamodb import Change, encoded
from tests.simulation.fakes.events import Event
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, OWNER, Request, World
from tests.simulation.invocation import Invocation
from tests.simulation.painting import picture, spoiled_picture

HOUR = 3600
_FAULT_RATE = 0.05
_CRASH_RATE = 0.004
_FORGET_RATE = 0.02
_INVOCATIONS = 6
_BODIES = [*(picture(name) for name in "abc"), spoiled_picture(), b"plain text", b"\x89PNG\r\n\x1a\n", b""]
_KEYS = [
    *(f"{folder}{name}.jpg" for folder in ("", "frames/", "frames/deep/", "framesque/") for name in range(10)),
    *("frames/a+b.jpg", "a b.jpg", "%2B.jpg", "é.jpg", "e\u0301.jpg", "//a", "frames/../a", "🐋", "frames/", "f/"),
]
_QUEUES: Mapping[str, Callable[[list[dict[str, Any]]], Any]] = {
    "events": lambda messages: intake.receive(messages, lambda: 60_000),
    "preprocess": lambda messages: worker.receive(messages, lambda: 60_000, worker.SMALL),
    "preprocess-large": lambda messages: worker.receive(messages, lambda: 60_000, worker.LARGE),
}
_JUNK = ["{", '{"Records": [{"eventVersion": "3.0"}]}', '{"Records": [{"s3": {}}]}']


@dataclass(slots=True)
class Job:
    """An invocation, and what it was invoked for."""

    invocation: Invocation
    finish: Callable[[bool], None]
    """Told whether it ran to its end."""


@dataclass(slots=True)
class System:
    world: World
    random: Random
    lakes: list[Lake] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    transit: list[tuple[float, str]] = field(default_factory=list)
    """Messages on their way to the queue of events, with the time of their arrival."""
    sent: list[str] = field(default_factory=list)
    positions: Counter[str] = field(default_factory=Counter)
    """How much of each shard of the stream was folded."""
    unkind: bool = True
    operations: int = 0
    junk: int = 0
    started: int = 0
    met: Counter[str] = field(default_factory=Counter)
    """What went wrong on purpose."""
    _trace: Any = field(default_factory=sha256)

    def prepare(self) -> None:
        self.world.s3.buckets |= {
            "photos": Bucket(OWNER),
            "vault": Bucket(OWNER, versioned=True),
            "foreign": Bucket(OWNER),
        }
        for name in ("photos", "vault"):
            self.lakes += [self.world.add_lake(name, name), self.world.add_lake(f"{name}-frames", name, "frames/")]

    @property
    def trace(self) -> str:
        return str(self._trace.hexdigest())

    def run(self, operations: int) -> None:
        while self.operations < operations:
            self._step()
        self.quiesce()

    def quiesce(self) -> None:
        """Nothing goes wrong any more, and everything arrives."""
        self.unkind = False
        while self._is_busy():
            for at, _ in self.transit:
                self.world.clock = max(self.world.clock, at)
            self._arrive()
            while self.jobs:
                self._advance(next(iter(self.jobs)))
            self._redrive()
            for name in _QUEUES:
                self._receive(name)
            for shard in self._shards():
                self._fold(shard)

    def redeliver(self) -> None:
        """Every message of events, and every demand on preprocess, twice more."""
        work = [self._work(data) for lake in self.lakes for data in self.live(lake).values()]
        for body in self.sent * 2:
            self.world.sqs.send_message(QueueUrl="events", MessageBody=body)
        for body in work * 2:
            self.world.sqs.send_message(QueueUrl="preprocess", MessageBody=body)
        self.quiesce()

    def live(self, lake: Lake) -> dict[str, Data]:
        items = self.world.dynamodb.tables["data"].items.values()
        found = (records.from_attributes(encoded(item)) for item in items if item.get("shard"))
        return {data.object_name: data for data in found if data.live and data.lake_id == lake.id}

    def thumbnails(self) -> set[str]:
        return set(self.world.s3.buckets[ARTIFACTS].objects)

    def complaints(self) -> list[str]:
        """Everything that is not as it must be when nothing is under way."""
        return [
            *(complaint for lake in self.lakes for complaint in self._lake_complaints(lake)),
            *self._thumbnail_complaints(),
            *self._queue_complaints(),
            *self._count_complaints(),
        ]

    def _step(self) -> None:
        act = self.random.choices(
            [self._change, self._arrive, self._begin, self._advance_any, self._wait, self._disturb],
            [8, 6, 10, 120, 4, 1],
        )[0]
        act()

    def _change(self) -> None:
        """Somebody does something to a bucket."""
        name = self.random.choice(["photos", "photos", "vault", "vault", "foreign"])
        key = self.random.choice(_KEYS)
        bucket = self.world.s3.buckets[name]
        versions = bucket.objects.get(key, ())
        kind = self.random.choice(["put", "put", "delete", "delete version"])
        if kind == "delete version" and bucket.versioned and versions:
            version = self.random.choice([versions[-1], self.random.choice(versions)])
            self.world.s3.delete_object(Bucket=name, Key=key, VersionId=version.id)
        elif kind == "delete" and bucket.current(key):
            self.world.s3.delete_object(Bucket=name, Key=key)
        else:
            body = b"" if key.endswith("/") and self.random.random() < 0.7 else self.random.choice(_BODIES)
            self.world.s3.put_object(Bucket=name, Key=key, Body=body)
        self._note(f"{kind} {name}/{key}")
        self.operations += 1
        told, self.world.s3.events = self.world.s3.events, []
        for event in told:
            self._announce(event)

    def _announce(self, event: Event) -> None:
        """At least once, by now or in hours, in one of the forms; a bucket with two channels tells by both."""
        forms = [self.random.choice([events.s3_notification, events.s3_notification, events.sns_notification])]
        if event.bucket == "vault":
            forms.append(events.eventbridge_event)  # type: ignore[arg-type]
        for form in forms:
            for _ in range(self.random.choice([1, 1, 1, 2, 3])):
                delay = self.random.choice([0, 1, 30, 300, 2 * HOUR, 30 * HOUR])
                self.transit.append((self.world.clock + delay * self.random.random(), form(event)))

    def _arrive(self) -> None:
        due = [body for at, body in self.transit if at <= self.world.clock]
        self.transit = [(at, body) for at, body in self.transit if at > self.world.clock]
        self.random.shuffle(due)
        while due:
            body = due.pop()
            if due and self.random.random() < 0.2 and "Records" in body and "Records" in due[-1]:
                body = _joined(body, due.pop())
            self.sent.append(body)
            self.world.sqs.send_message(QueueUrl="events", MessageBody=body)

    def _begin(self) -> None:
        if len(self.jobs) < _INVOCATIONS:
            what = self.random.choice([*_QUEUES, "events", "events", *self._shards()])
            self._receive(what) if what in _QUEUES else self._fold(what)

    def _receive(self, name: str) -> None:
        visible = list(self.world.sqs.queues[name].visible)
        self.random.shuffle(visible)
        received = self.world.sqs.receive(name, visible[: self.random.randint(1, 25)])
        if not received:
            return
        ids = [message.id for message in received]

        def finish(ended: bool) -> None:
            result = job.invocation.result
            failed = set(ids if not ended or result is None else _failures(result))
            # A message that was dealt with is now and then not forgotten.
            kept = {each for each in ids if self.unkind and self.random.random() < _FORGET_RATE}
            self.met["came again"] += len(kept - failed)
            failed |= kept
            self.world.sqs.settle(name, [each for each in ids if each not in failed], [i for i in ids if i in failed])

        messages = [message.as_record() for message in received]
        job = self._start(f"{name} {ids}", lambda: _QUEUES[name](messages), finish)

    def _shards(self) -> list[str]:
        """With something left to fold, and nobody at it: a shard is read in order."""
        changes = self._changes()
        return [shard for shard in sorted(changes) if len(changes[shard]) > self.positions[shard] and shard not in self._folding()]

    def _folding(self) -> set[str]:
        return {name.partition(" ")[2] for name in self.jobs if name.startswith("fold ")}
