"""Tags, sources, metadata and jobs: over the real API, in this process."""

from datetime import datetime, timedelta, timezone

import pytest
from tidelake import Conflict, InvalidRequest, Job, JobCanceled, JobFailed, NotFound, TimedOut

from tests.client.stack import lost


@pytest.fixture
def data(stack, lake):
    for name in "abc":
        stack.put(f"{name}.bin", name.encode())
    return lake.list_data(order_by="object_name")


def tags_of(lake):
    return {each.object_name: each.tags for each in lake.list_data(order_by="object_name")}


def test_tags_are_made_found_attached_and_taken_off(lake, data):
    car = lake.create_data_tag("car")
    assert lake.get_data_tag("CAR") == car
    assert lake.get_or_create_data_tag("car").id == car.id
    with pytest.raises(NotFound):
        lake.get_data_tag("van")
    assert car.attach(data[:2]).changed == 2
    assert car.attach(data[0]).changed == 0
    assert tags_of(lake) == {"a.bin": ["car"], "b.bin": ["car"], "c.bin": []}
    assert [each.object_name for each in car.list_data()] == ["a.bin", "b.bin"]
    assert car.refresh().count == 2
    assert data[0].add_tags(["red", "new"]).changed == 1
    assert data[0].remove_tags("car").changed == 1
    assert car.detach(data).changed == 1
    assert tags_of(lake) == {"a.bin": ["new", "red"], "b.bin": [], "c.bin": []}


def test_a_word_given_alone_is_one_tag_and_not_its_letters(lake, data):
    data.add_tags("car")
    assert [tag.name for tag in lake.list_data_tags()] == ["car"]


def test_unknown_ids_are_told_and_take_nothing_along(lake, data):
    unknown = "00000000-0000-5000-8000-000000000000"
    change = lake.add_tags("car", ids=[unknown, *data.ids, *data.ids])
    assert (change.changed, change.missing, change.failed) == (3, [unknown], [])


def test_what_cannot_have_so_many_tags_is_told_with_its_reason(lake, data):
    assert lake.add_tags([f"tag {n}" for n in range(90)], ids=data.ids[:1]).changed == 1
    change = lake.add_tags("one more", ids=data.ids)
    assert change.changed == 2
    [failed] = change.failed
    assert (failed.what, failed.code) == (data[0].id, "conflict")
    assert "90" in failed.detail


def test_more_ids_than_one_call_takes_go_in_several(stack, lake, data):
    many = [*(f"00000000-0000-5000-8000-{n:012x}" for n in range(1500)), *data.ids]
    stack.sent.clear()
    change = lake.add_tags("car", ids=many)
    assert (change.changed, len(change.missing)) == (3, 1500)
    assert len(stack.sent) == 2


def test_a_label_is_renamed_and_another_ones_name_is_refused(stack, lake, data):
    car = lake.create_data_tag("car")
    car.attach(data)
    assert car.rename("auto").name == "auto"
    assert tags_of(lake)["a.bin"] == ["auto"]
    lake.create_data_tag("van")
    with pytest.raises(Conflict):
        lake.get_data_tag("auto").rename("van")
    with pytest.raises(NotFound):
        car.rename("other")


def test_a_renaming_whose_answer_was_lost_is_no_error(stack, lake):
    car = lake.create_data_tag("car")
    stack.faults.append(("PATCH", lost))
    assert car.rename("auto").id == car.id


def test_a_label_that_is_deleted_comes_off_all_data(lake, data):
    lake.add_tags("car", ids=data.ids)
    job = lake.get_data_tag("car").delete()
    assert (job.kind, job.is_done) == ("detach_label", False)
    done = job.wait_for_done(timeout=60, sleep=lambda seconds: None)
    assert done.state == "succeeded"
    assert set(map(tuple, tags_of(lake).values())) == {()}
    assert [each.id for each in lake.list_jobs()] == [job.id]
    assert lake.list_jobs(state="failed") == []


def test_data_has_one_source_or_none(lake, data):
    one = lake.create_data_source("camera one")
    assert data[0].edit(source="camera one").source == "camera one"
    assert [each.object_name for each in one.list_data()] == ["a.bin"]
    assert [each.name for each in lake.list_data_sources()] == ["camera one"]
    assert lake.get_data_source("camera one").count == 1
    assert data[0].edit(source=None).source is None
    assert lake.get_or_create_data_source("camera two").name == "camera two"


def test_what_is_not_named_stays_and_none_clears(lake, data):
    here = timezone(timedelta(hours=2))
    edited = data[0].edit(
        metadata={"latitude": 43.5, "longitude": -1.5, "acquired_at": datetime(2026, 3, 1, 14, tzinfo=here)},
        custom_metadata={"lot": "A7", "n": 1},
        description="first",
    )
    assert edited.metadata["acquired_at"] == "2026-03-01T12:00:00.000Z"
    again = edited.edit(custom_metadata={"n": None})
    assert (again.custom_metadata, again.description) == ({"lot": "A7"}, "first")
    assert edited.edit(description=None).description is None
    with pytest.raises(ValueError, match="nothing is to be changed"):
        edited.edit()
    with pytest.raises(ValueError, match="zone"):
        edited.edit(metadata={"acquired_at": datetime(2026, 3, 1)})
    with pytest.raises(TypeError, match="width cannot be changed"):
        edited.edit(width=7)


def test_every_mistake_in_an_edit_has_its_place(data):
    with pytest.raises(InvalidRequest) as wrong:
        data[0].edit(metadata={"latitude": 91, "longitude": 181})
    places = {each["pointer"] for each in wrong.value.errors}
    assert places >= {"#/metadata/latitude", "#/metadata/longitude"}
    assert "#/metadata/latitude" in str(wrong.value)


def test_many_are_edited_alike(lake, data):
    assert data.edit(custom_metadata={"lot": 1}, source="camera").changed == 3
    assert data.edit(custom_metadata={"lot": 1}).changed == 0
    assert len(lake.list_data(q='custom_metadata.lot = 1 and source = "camera"')) == 3


def test_what_a_query_finds_is_changed_as_a_whole(lake, data):
    found = lake.query('filename != "c.bin"')
    waited = found.add_tags(["car"]).wait_for_done(timeout=60, sleep=lambda seconds: None)
    assert waited.progress["changed"] == 2
    assert found.edit(description="x").wait_for_done(sleep=lambda seconds: None).progress["changed"] == 2
    assert found.remove_tags("car").wait_for_done(sleep=lambda seconds: None).progress["changed"] == 2
    assert sorted(each.description for each in found) == ["x", "x"]
    assert len(found.list_data(filenames=["a.bin"])) == 1
    assert found.explain()["access"]


def job_that_is(client, state, **more):
    found = {"id": "1", "kind": "sync", "state": state, "created_at": "2026-03-01T12:00:00Z", **more}
    return Job._read(client._wire, found)


def test_a_job_that_failed_is_an_error_with_its_reason(client):
    with pytest.raises(JobFailed, match="the bucket is gone") as failed:
        job_that_is(client, "failed", error="the bucket is gone", progress={"seen": 7}).wait_for_done()
    assert failed.value.job.progress == {"seen": 7}
    with pytest.raises(JobCanceled):
        job_that_is(client, "canceled").wait_for_done()


def test_patience_ends_and_what_was_known_by_then_is_told(stack, lake, data):
    stack.arrives = False
    job = lake.query('type = "other"').add_tags("car")
    told = []
    with pytest.raises(TimedOut, match="queued") as late:
        job.wait_for_done(timeout=0, on_progress=told.append)
    assert late.value.last.id == job.id
    assert told == [job]
    assert job.cancel().state == "canceled"
    with pytest.raises(JobCanceled):
        job.refresh().wait_for_done()
