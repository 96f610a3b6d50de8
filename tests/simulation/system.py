"""The whole of upstream, preprocess and changes under a scheduler that is as unkind as AWS may be, and
always the same for the same seed."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from chalicelib.changes import fold
from chalicelib.downstream import uploads
from chalicelib.downstream.outcomes import IfExists
from chalicelib.downstream.uploads import Announcement
from chalicelib.errors import StorageUnavailable
from chalicelib.model.lake import Lake
from chalicelib.preprocess import worker
from chalicelib.storage import forgetting
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes import events
from tests.simulation.fakes.dynamodb import Change
from tests.simulation.fakes.events import Event
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.sqs import Message
from tests.simulation.fakes.world import OWNER, Request, World
from tests.simulation.invocation import Invocation
from tests.simulation.painting import picture, spoiled_picture

HOUR = 3600
JUNK = ("{", '{"Records": [{"eventVersion": "3.0"}]}', '{"Records": [{"s3": {}}]}')
"""Messages that nobody will ever understand."""

FORGOTTEN = "forgotten"
"""How such writes are called."""

_FAULT_RATE = 0.05
_CRASH_RATE = 0.004
_FORGET_RATE = 0.02
_INVOCATIONS = 6
_BODIES = [*map(picture, ("a", "bb", "ccc")), spoiled_picture(), b"plain text", b"\x89PNG\r\n\x1a\n", b""]
_KEYS = [
    *(f"{folder}{n}.jpg" for folder in ("", "frames/", "frames/deep/", "framesque/") for n in range(10)),
    *(
        "frames/a+b.jpg",
        "a b.jpg",
        "%2B.jpg",
        "é.jpg",
        "e\u0301.jpg",
        "//a",
        "frames/../a",
        "🐋",
        "frames/",
        "f/",
    ),
]
_DELAYS = [0, 1, 30, 300, 2 * HOUR, 30 * HOUR]
_HANDLERS: Mapping[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
    "events": lambda messages: intake.receive(messages, lambda: 60_000),
    "preprocess": lambda messages: worker.receive(messages, lambda: 60_000, worker.SMALL),
    "preprocess-large": lambda messages: worker.receive(messages, lambda: 60_000, worker.LARGE),
}


@dataclass(slots=True)
class Job:
    """An invocation under way, and what it was invoked for."""

    number: int
    source: str
    invocation: Invocation
    messages: Sequence[Message] = ()
    changes: int = 0


@dataclass(slots=True)
class System:
    world: World
    random: Random
    lakes: list[Lake] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    transit: list[tuple[float, str]] = field(default_factory=list)
    """Messages on their way to the queue of events, with the time of their arrival."""
    arrived: list[str] = field(default_factory=list)
    positions: Counter[str] = field(default_factory=Counter)
    """How much of each shard of the stream was folded."""
    unkind: bool = True
    operations: int = 0
    """On buckets by people, and calls to AWS by handlers."""
    junk: int = 0
    forgets: bool = True
    """Whether anybody asks for data to be forgotten: any event brings that back."""
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    """Ids of lakes and names of objects, of which anybody ever asked for that."""
    jobs_begun: int = 0
    adversities: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=sha256)
    """Of everything that happened, in order."""

    def __post_init__(self) -> None:
        self.world.s3.buckets |= {
            "photos": Bucket(OWNER),
            "vault": Bucket(OWNER, versioned=True),
            "foreign": Bucket(OWNER),
        }
        for name in ("photos", "vault"):
            self.lakes += [
                self.world.add_lake(name, name),
                self.world.add_lake(f"{name}-frames", name, "frames/"),
            ]

    def run(self, operations: int) -> None:
        acts = [self._change, self._arrive, self._begin, self._go_on, self._wait, self._disturb, self._ask]
        while self.operations < operations:
            self.random.choices(acts, [8, 6, 10, 120, 4, 1, 1.5])[0]()
        self.quiesce()

    def quiesce(self) -> None:
        """Nothing goes wrong any more, everything arrives, and what is over is no more."""
        self.unkind = False
        self._deliver_all()
        self._expire()
        self._deliver_all()

    def _deliver_all(self) -> None:
        while self.jobs or self.transit or self._sources():
            self._finish_jobs()
            self.world.clock = max([self.world.clock, *(at for at, _ in self.transit)])
            self._arrive()
            self._redrive()
            for source in self._sources():
                self._invoke(source)

    def redeliver(self) -> None:
        """Every message that ever came, twice more."""
        for body in self.arrived * 2:
            self.world.sqs.send_message(QueueUrl="events", MessageBody=body)
        self.quiesce()

    def _change(self) -> None:
        """Somebody does something to a bucket, and S3 tells of it."""
        name, key = (
            self.random.choice(["photos", "photos", "vault", "vault", "foreign"]),
            self.random.choice(_KEYS),
        )
        bucket = self.world.s3.buckets[name]
        kind = self.random.choice(["put", "put", "delete", "delete a version", "rename"])
        if kind == "delete a version" and bucket.versioned and key in bucket.objects:
            versions = bucket.objects[key]
            version = self.random.choice([versions[-1], *versions])
            self.world.s3.delete_object(Bucket=name, Key=key, VersionId=version.id)
        elif kind == "rename" and bucket.current(key):
            self._rename(name, key, self.random.choice(_KEYS))
        elif kind == "delete" and bucket.current(key):
            self.world.s3.delete_object(Bucket=name, Key=key)
        else:
            own = f"the {self.operations}th thing that happened".encode()
            body = self.random.choice([b"", b"", own] if key.endswith("/") else [own, own, *_BODIES])
            self.world.s3.put_object(Bucket=name, Key=key, Body=body)
        self.operations += 1
        self._note(kind, name, key)
        told, self.world.s3.events = self.world.s3.events, []
        for event in told:
            self._announce(event)

    def _rename(self, bucket: str, key: str, other: str) -> None:
        """As whoever renames an object does it, or whoever uploads it again."""
        body = self.world.s3.buckets[bucket].current(key)
        acts = [lambda: self.world.s3.delete_object(Bucket=bucket, Key=key)]
        if self.random.random() < 0.5:
            source = {"Bucket": bucket, "Key": key}
            acts.insert(0, lambda: self.world.s3.copy_object(Bucket=bucket, Key=other, CopySource=source))
        elif body:
            acts.append(lambda: self.world.s3.put_object(Bucket=bucket, Key=other, Body=body.body))
        for act in acts:
            act()

    def _ask(self) -> None:
        """Somebody asks the API for something. Whether it is done, and how much of it, they do not care."""
        lake = self.random.choice(self.lakes)
        names = self.random.sample(_KEYS, self.random.randint(1, 5))
        forgets = self.forgets and self.random.random() < 0.2
        asked = self._forgetting if forgets else self._announcement
        handler = asked(lake, names)

        def answer() -> dict[str, Any]:
            with suppress(StorageUnavailable):
                handler()
            return {"batchItemFailures": []}

        self._start("people", answer)

    def _announcement(self, lake: Lake, names: Sequence[str]) -> Callable[[], object]:
        drafts = [
            Announcement(
                object_name=name,
                size=3,
                content_type="image/png",
                tags=self.random.sample(["one", "two", "three"], self.random.randint(0, 2)),
                source="camera",
            )
            for name in names
        ]
        if_exists = self.random.choice(list(IfExists))
        return lambda: uploads.announce(lake, drafts, if_exists)

    def _forgetting(self, lake: Lake, names: Sequence[str]) -> Callable[[], object]:
        self.forgotten |= {(lake.id, name) for name in names}
        write = f"{FORGOTTEN}{self.jobs_begun}"
        return lambda: forgetting.forget(lake, map(lake.data_id, names), lambda _: write)

    def _announce(self, event: Event) -> None:
        """At least once, soon or in hours, in one of its forms; one of the buckets tells by two channels."""
        forms: list[Callable[[Event], str]] = [
            self.random.choice([events.s3_notification, events.sns_notification])
        ]
        if event.bucket == "vault":
            forms.append(events.eventbridge_event)
        for form in forms:
            for _ in range(self.random.choice([1, 1, 1, 2, 3])):
                delay = self.random.choice(_DELAYS) * self.random.random()
                self.transit.append((self.world.clock + delay, form(event)))

    def _arrive(self) -> None:
        due = [body for at, body in self.transit if at <= self.world.clock]
        self.transit = [(at, body) for at, body in self.transit if at > self.world.clock]
        self.random.shuffle(due)
        while due:
            body = due.pop()
            if (
                due
                and self.random.random() < 0.2
                and body.startswith(due[-1][:10])
                and '"Records"' in body[:10]
            ):
                body = json.dumps({"Records": json.loads(body)["Records"] + json.loads(due.pop())["Records"]})
            self.arrived.append(body)
            self.world.sqs.send_message(QueueUrl="events", MessageBody=body)

    def _begin(self) -> None:
        sources = self._sources()
        if sources and len(self.jobs) < _INVOCATIONS:
            self._invoke(self.random.choice(sources))

    def _sources(self) -> list[str]:
        """Queues and shards with something to hand out. A shard is read in order, by one reader at a time."""
        queues = [name for name in _HANDLERS if self.world.sqs.queues[name].visible]
        busy = {job.source for job in self.jobs}
        shards = [name for name, found in self._shards().items() if len(found) > self.positions[name]]
        return [*queues, *sorted(set(shards) - busy)]

    def _shards(self) -> dict[str, list[Change]]:
        shards: dict[str, list[Change]] = {}
        for change in self.world.dynamodb.tables["data"].changes:
            shards.setdefault(change.shard, []).append(change)
        return shards

    def _invoke(self, source: str) -> None:
        if source in _HANDLERS:
            self._receive(source)
        else:
            self._fold(source)

    def _receive(self, queue: str) -> None:
        visible = list(self.world.sqs.queues[queue].visible)
        self.random.shuffle(visible)
        if messages := self.world.sqs.receive(queue, visible[: self.random.randint(1, 30)]):
            handed_out = [message.as_record() for message in messages]
            self._start(queue, lambda: _HANDLERS[queue](handed_out), messages=messages)

    def _fold(self, shard: str) -> None:
        left = self._shards()[shard][self.positions[shard] :]
        batch = left[: self.random.randint(1, 12)]
        event = {"Records": [change.as_event(["id"]) for change in batch], "shardId": shard, "state": {}}
        self._start(shard, lambda: fold.receive(event), changes=len(batch))

    def _start(self, source: str, handler: Callable[[], Any], **reason: Any) -> None:
        self.jobs_begun += 1
        self._note("begin", self.jobs_begun, source)
        job = Job(self.jobs_begun, source, Invocation(self.world, handler), **reason)
        self.jobs.append(job)
        self._settle(job)

    def _go_on(self) -> None:
        if self.jobs:
            self._lead(self.random.choice(self.jobs))

    def _finish_jobs(self) -> None:
        while self.jobs:
            self._lead(self.jobs[0])

    def _lead(self, job: Job) -> None:
        if self.unkind and self.random.random() < _CRASH_RATE:
            job.invocation.crash()
            self.adversities["crash"] += 1
            self._note("crash", job.number)
            self._return(job, [message.id for message in job.messages])
        else:
            job.invocation.answer(lambda request: self._answer(job, request))
            self._settle(job)

    def _answer(self, job: Job, request: Request) -> Any:
        self.operations += 1
        fault: faults.Fault = faults.none
        if self.unkind and self.random.random() < _FAULT_RATE:
            fault = self.random.choice(faults.ALL)
            self.adversities[fault.__name__] += 1
        self._note(job.number, request.operation, fault.__name__, request.parameters)
        return fault(self.world, request)

    def _settle(self, job: Job) -> None:
        """What an invocation that has ended leaves to be done."""
        if not job.invocation.ended:
            return
        result = job.invocation.result
        if job.invocation.error:
            self._note("error", job.number, job.invocation.error)
            self._return(job, [message.id for message in job.messages])
        elif job.changes:
            # Now and then a reader forgets how far it was.
            self.positions[job.source] += 0 if self._forgets() else job.changes
            self._return(job, [])
        else:
            failed = {failure["itemIdentifier"] for failure in result["batchItemFailures"]}
            self._note("end", job.number, sorted(failed))
            self._return(job, [m.id for m in job.messages if m.id in failed or self._forgets()])

    def _forgets(self) -> bool:
        forgets = self.unkind and self.random.random() < _FORGET_RATE
        self.adversities["forgotten"] += forgets
        return forgets

    def _return(self, job: Job, failed: Sequence[str]) -> None:
        self.jobs.remove(job)
        if job.messages:
            done = [message.id for message in job.messages if message.id not in failed]
            self.world.sqs.settle(job.source, done, failed)

    def _wait(self) -> None:
        self.world.clock += self.random.choice([0.01, 1, 20])

    def _disturb(self) -> None:
        self.random.choice([self._sleep, self._sleep, self._expire, self._redrive, self._send_junk])()

    def _sleep(self) -> None:
        """No invocation lives for hours, and no record of a stream for more than a day."""
        self._finish_jobs()
        while shards := set(self._sources()) - set(_HANDLERS):
            self._fold(min(shards))
            self._finish_jobs()
        self.world.clock += self.random.choice([0.1, 2, 2, 24, 24 * 9]) * HOUR

    def _expire(self) -> None:
        expired = self.world.dynamodb.expire(self.world.clock)
        self.adversities["expired"] += expired
        self._note("expire", expired)

    def _redrive(self) -> None:
        """All but what was parked with a reason, which would only be parked again."""
        for name in _HANDLERS:
            letters = self.world.sqs.queues[f"{name}-dead-letters"].visible
            for letter in [each for each in letters.values() if not each.attributes]:
                self.world.sqs.queues[name].visible[letter.id] = letters.pop(letter.id)
                self.adversities["redriven"] += 1

    def _send_junk(self) -> None:
        self.junk += 1
        self.world.sqs.send_message(QueueUrl="events", MessageBody=self.random.choice(JUNK))

    def _note(self, *words: object) -> None:
        self.digest.update(repr(words).encode())
