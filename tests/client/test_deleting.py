"""Data that is forgotten, and objects that are deleted: over the real API, in this process."""

import dataclasses

import pytest
from tidelake import EtagMismatch, Forbidden, NotFound

from chalicelib.storage import connectors
from tests.client.stack import lost


@pytest.fixture
def data(stack, lake):
    for name in "abc":
        stack.put(f"{name}.bin", name.encode())
    return lake.list_data(order_by="object_name")


@pytest.fixture
def _allowed(stack):
    before = connectors.read(stack.lake.organization, stack.lake.connector)
    connectors.record(before, dataclasses.replace(before, allow_delete=True))


def wait(job):
    return job.wait_for_done(timeout=60, sleep=lambda seconds: None)


def test_what_is_forgotten_stays_in_the_bucket(stack, lake, data):
    one = data[0]
    one.delete()
    assert stack.object("a.bin") == b"a"
    assert [each.object_name for each in lake.list_data(order_by="object_name")] == ["b.bin", "c.bin"]
    with pytest.raises(NotFound):
        one.delete()


def test_a_forgetting_whose_answer_was_lost_is_told_as_not_found(stack, data):
    one = data[0]
    stack.faults.append(("DELETE", lost))
    with pytest.raises(NotFound):
        one.delete()


def test_objects_are_deleted_only_where_that_is_allowed(stack, data):
    one = data[0]
    with pytest.raises(Forbidden) as refused:
        one.delete(delete_object=True)
    assert refused.value.code == "delete_not_allowed"
    assert stack.object("a.bin") == b"a"


@pytest.mark.usefixtures("_allowed")
def test_an_object_is_deleted_while_it_has_the_bytes_that_were_meant(stack, lake, data):
    one, other = data[:2]
    one.delete(delete_object=True)
    assert stack.object("a.bin") is None
    stack.put("b.bin", b"new")
    with pytest.raises(EtagMismatch):
        other.delete(delete_object=True)
    assert stack.object("b.bin") == b"new"
    assert [each.object_name for each in lake.list_data(order_by="object_name")] == ["b.bin", "c.bin"]


@pytest.mark.usefixtures("_allowed")
def test_many_are_deleted_by_jobs_and_a_dry_run_touches_nothing(stack, lake, data):
    two = data[:2]
    [foreseen] = two.delete(delete_objects=True, dry_run=True)
    assert wait(foreseen).state == "succeeded"
    assert stack.object("a.bin") == b"a"
    [job] = two.delete(delete_objects=True)
    assert wait(job).state == "succeeded"
    assert (stack.object("a.bin"), stack.object("b.bin"), stack.object("c.bin")) == (None, None, b"c")
    assert [each.object_name for each in lake.list_data()] == ["c.bin"]


def test_all_that_a_query_finds_is_forgotten(stack, lake, data):
    assert wait(lake.query('filename != "c.bin"').delete()).state == "succeeded"
    assert [each.object_name for each in lake.list_data()] == ["c.bin"]
    assert stack.object("a.bin") == b"a"
    assert lake.list_data(ids=[]).delete() == []
