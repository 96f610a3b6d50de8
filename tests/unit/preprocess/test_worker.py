"""What becomes of one piece of work, by what S3 answers and by how often it came."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from chalicelib.model.data import Data, Reason, Status, Type
from chalicelib.model.lake import Lake
from chalicelib.model.work import Work
from chalicelib.preprocess import worker
from chalicelib.preprocess.worker import LARGE, SMALL, Tier
from chalicelib.storage import records
from chalicelib.upstream import intake
from tests.simulation import faults
from tests.simulation.fakes import errors
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Bucket
from tests.simulation.fakes.world import ARTIFACTS, OWNER, World, installed

BUCKET, KEY = "photos", "a.png"
FINAL = LARGE.decodes + 1


def png(width: int = 8, height: int = 6) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


@dataclass(slots=True)
class Bench:
    """One lake on one bucket with one object, whose work is handed to the worker by hand."""

    world: World
    lake: Lake

    def put(self, body: bytes, *, notify: bool = True) -> Work:
        self.world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)
        if notify:
            message = {"messageId": "event", "body": s3_notification(self.world.s3.events[-1])}
            intake.receive([message], lambda: 60_000)
        (*_, body_of_work) = [m.body for m in self.world.sqs.queues["preprocess"].visible.values()]
        return Work.decode(body_of_work)

    def work(self, work: Work, tier: Tier = SMALL, delivery: int = 1, remaining_ms: int = 60_000) -> bool:
        """Whether it is done and need not come again."""
        message = {
            "messageId": "work",
            "body": work.encode(),
            "attributes": {"ApproximateReceiveCount": str(delivery)},
        }
        self.world.calls.clear()
        return not worker.receive([message], lambda: remaining_ms, tier)["batchItemFailures"]

    def let(self, operation: str, fault: faults.Fault) -> None:
        def decide(request: Any) -> Any:
            act = fault if request.operation == operation else faults.none
            return act(self.world, request)

        self.world.interpose = decide

    @property
    def record(self) -> Data:
        record = records.read(self.lake.data_id(KEY))
        assert record
        return record

    def artifacts(self) -> set[str]:
        return set(self.world.s3.buckets[ARTIFACTS].objects)

    def waiting(self, queue: str) -> int:
        return len(self.world.sqs.queues[queue].visible)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with installed(World()) as world:
        world.s3.buckets[BUCKET] = Bucket(OWNER)
        yield Bench(world, world.add_lake("default", BUCKET))


def test_an_image_costs_one_get_one_put_and_one_write(bench: Bench) -> None:
    work = bench.put(png())
    assert bench.work(work)
    assert [call.operation for call in bench.world.calls] == ["GetObject", "PutObject", "UpdateItem"]
    assert (bench.record.status, bench.record.type, bench.record.width) == (Status.READY, Type.IMAGE, 8)
    assert bench.artifacts() == {bench.record.thumbnail_key}


def test_what_is_no_image_is_skipped_after_its_first_bytes_and_makes_no_file(bench: Bench) -> None:
    work = bench.put(b"plain words " * 20_000)
    assert bench.work(work)
    assert (bench.record.status, bench.record.status_reason) == (Status.SKIPPED, Reason.UNSUPPORTED_TYPE)
    assert (bench.record.content_type, bench.artifacts()) == ("text/plain", set())


@pytest.mark.parametrize(
    ("body", "reason"), [(b"", Reason.EMPTY), (png()[:45], Reason.CORRUPT)], ids=["empty", "cut"]
)
def test_a_bad_file_is_a_result_with_a_reason(bench: Bench, body: bytes, reason: Reason) -> None:
    assert bench.work(bench.put(body))
    assert (bench.record.status, bench.record.status_reason) == (Status.FAILED, reason)


def test_an_image_beyond_the_small_tier_is_handed_to_the_large_one_unread(bench: Bench) -> None:
    work = bench.put(png(6000, 5000))
    assert bench.work(work, SMALL)
    assert (bench.waiting("preprocess-large"), bench.record.status) == (1, Status.INDEXED)
    assert bench.work(work, LARGE)
    assert (bench.record.status, bench.record.width) == (Status.READY, 6000)


def test_an_image_beyond_the_large_tier_is_too_large_and_still_tells_its_size(bench: Bench) -> None:
    assert bench.work(bench.put(png(20_000, 10_001)), LARGE)
    assert (bench.record.status, bench.record.status_reason) == (Status.FAILED, Reason.TOO_LARGE)
    assert (bench.record.width, bench.record.height) == (20_000, 10_001)


def test_an_image_that_comes_a_second_time_goes_to_the_large_tier(bench: Bench) -> None:
    assert bench.work(bench.put(png()), SMALL, delivery=2)
    assert bench.waiting("preprocess-large") == 1


def test_what_is_no_image_is_settled_in_the_small_tier_however_often_it_came(bench: Bench) -> None:
    assert bench.work(bench.put(b"plain words"), SMALL, delivery=2)
    assert (bench.waiting("preprocess-large"), bench.record.status) == (0, Status.SKIPPED)


@pytest.mark.parametrize("operation", ["GetObject", "UpdateItem"])
def test_the_small_tier_leaves_a_second_failure_to_the_patience_of_the_large_one(
    bench: Bench, operation: str
) -> None:
    work = bench.put(png() if operation == "GetObject" else b"plain words")
    bench.let(operation, faults.broken)
    assert bench.work(work, SMALL, delivery=2) is (operation == "GetObject")


def test_what_kills_the_large_tier_each_time_ends_as_failed_from_its_header(bench: Bench) -> None:
    assert bench.work(bench.put(png()), LARGE, delivery=FINAL)
    assert (bench.record.status, bench.record.status_reason) == (Status.FAILED, Reason.OUT_OF_RESOURCES)
    assert (bench.record.width, bench.artifacts()) == (8, set())


def test_what_cannot_even_be_examined_ends_as_corrupt(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(worker.headers, "examine", stumble)
    work = bench.put(png())
    assert not bench.work(work, LARGE)
    assert bench.work(work, LARGE, delivery=FINAL)
    assert (bench.record.status, bench.record.status_reason) == (Status.FAILED, Reason.CORRUPT)


@pytest.mark.parametrize("fault", [faults.throttled, faults.broken, faults.unreachable])
@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "UpdateItem"])
def test_work_that_aws_did_not_answer_comes_again_and_then_succeeds(
    bench: Bench, operation: str, fault: faults.Fault
) -> None:
    work = bench.put(png())
    bench.let(operation, fault)
    assert not bench.work(work, LARGE)
    assert bench.record.status is Status.INDEXED
    bench.world.interpose = None
    assert bench.work(work, LARGE, delivery=2)
    assert bench.record.status is Status.READY


@pytest.mark.parametrize("fault", [faults.lost, faults.repeated])
@pytest.mark.parametrize("operation", ["PutObject", "UpdateItem"])
def test_a_lost_answer_loses_neither_record_nor_thumbnail(
    bench: Bench, operation: str, fault: faults.Fault
) -> None:
    work = bench.put(png())
    bench.let(operation, fault)
    bench.work(work, LARGE)
    bench.world.interpose = None
    assert bench.work(work, LARGE, delivery=2)
    assert bench.record.status is Status.READY
    assert bench.artifacts() == {bench.record.thumbnail_key}


def test_denied_access_is_tried_again_and_told_in_the_end(bench: Bench) -> None:
    work = bench.put(png())
    bench.let("GetObject", faults.denied)
    assert not bench.work(work, SMALL)
    assert not bench.work(work, LARGE, delivery=1)
    assert bench.work(work, LARGE, delivery=FINAL)
    assert (bench.record.status, bench.record.status_reason) == (Status.FAILED, Reason.ACCESS_DENIED)
    assert bench.record.type is None


def test_archived_bytes_are_skipped(bench: Bench) -> None:
    work = bench.put(png())
    bench.let("GetObject", archived)
    assert bench.work(work)
    assert (bench.record.status, bench.record.status_reason) == (Status.SKIPPED, Reason.ARCHIVED)


def test_late_work_never_shows_an_old_picture(bench: Bench) -> None:
    old = bench.put(png(8))
    new = bench.put(png(9))
    assert bench.work(new)
    assert bench.work(old)
    assert bench.record.width == 9
    assert bench.artifacts() == {bench.record.thumbnail_key}


def test_a_picture_overwritten_while_it_is_looked_at_is_not_shown(bench: Bench) -> None:
    old = bench.put(png(8))
    bench.let("PutObject", then(lambda: bench.put(png(9))))
    assert bench.work(old)
    assert (bench.record.status, bench.record.width, bench.artifacts()) == (Status.INDEXED, None, set())


def test_bytes_whose_event_is_still_to_come_are_waited_for_and_in_the_end_asked_for(bench: Bench) -> None:
    work = bench.put(png(8))
    bench.put(png(9), notify=False)
    assert not bench.work(work, LARGE, delivery=1)
    assert bench.work(work, LARGE, delivery=FINAL)
    assert bench.waiting("events") == 1


def test_work_that_came_twice_is_published_once(bench: Bench) -> None:
    work = bench.put(png())
    assert bench.work(work)
    before = bench.record
    bench.world.clock += 100
    assert bench.work(work)
    assert bench.record == before
    assert bench.artifacts() == {before.thumbnail_key}


def test_nothing_is_begun_that_may_not_end_in_time(bench: Bench) -> None:
    assert not bench.work(bench.put(png()), remaining_ms=500)
    assert bench.world.calls == []


def test_work_that_cannot_be_read_comes_again_and_harms_no_other(bench: Bench) -> None:
    good = {
        "messageId": "good",
        "body": bench.put(png()).encode(),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    bad = good | {"messageId": "bad", "body": "{}"}
    answer = worker.receive([bad, good], lambda: 60_000, SMALL)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert bench.record.status is Status.READY


def archived(world: World, request: Any) -> Any:

    raise errors.refusal(request.operation, "InvalidObjectState", 403)


def then(meanwhile: Callable[[], object]) -> faults.Fault:
    def act(world: World, request: Any) -> Any:
        answer = world.perform(request)
        if request.parameters["Bucket"] == ARTIFACTS:
            world.interpose = None
            meanwhile()
        return answer

    return act
