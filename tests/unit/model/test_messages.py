"""Messages that wait in queues outlive the code that sent them."""

import json

import pytest

from chalicelib.model.data import Kind, Reason
from chalicelib.model.fetch import Arrival, Fetch
from chalicelib.model.lake import Bucket
from chalicelib.model.work import Work

HOME = Bucket("photos", "000000000000", "default")
WORK = Work("id", HOME, "a.png", "etag", "op")
LINKED = Work("id", None, "id/op", None, "op", Kind.LINK, "https://example.org/", check=True)


@pytest.mark.parametrize("work", [WORK, LINKED])
def test_work_is_read_as_it_was_written(work: Work) -> None:
    assert Work.decode(work.encode()) == work
    assert Fetch.decode(Fetch("https://example.org/", "key", work).encode()).work == work


def test_work_that_was_sent_before_there_were_links_is_that_of_an_object() -> None:
    known = ("data_id", "bucket", "object_name", "etag", "content")
    before = {name: value for name, value in json.loads(WORK.encode()).items() if name in known}
    assert Work.decode(json.dumps(before)) == WORK


@pytest.mark.parametrize(
    "arrival",
    [Arrival(), Arrival(size=5, sha256="ab", etag="é", content_type="a/b"), Arrival(reason=Reason.REFUSED)],
)
def test_what_arrived_is_kept_in_ascii(arrival: Arrival) -> None:
    assert Arrival.decode(arrival.encode()) == arrival
    assert arrival.encode().isascii()
