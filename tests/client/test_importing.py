"""CSV files, and objects of the bucket: over the real API, in this process."""

import base64

import pytest
from tidelake.errors import InvalidRequest

ROWS = "name,image_bytes,tags\na.png,{0},car\nb.png,no base64,car\n"


def test_each_row_of_a_file_becomes_data_and_the_report_says_which_did_not(stack, lake, files, monkeypatch):
    path = files / "frames.csv"
    path.write_text(ROWS.format(base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()))
    foreseen = lake.import_csv(path, action="upload", dry_run=True)
    assert foreseen.wait_for_done(sleep=lambda seconds: None).progress["rows"] == 2
    assert lake.list_data().ids == []
    job = lake.import_csv(path, action="upload").wait_for_done(sleep=lambda seconds: None)
    assert (job.progress["created"], job.progress["failed"]) == (1, 1)
    assert [data.object_name for data in lake.list_data()] == ["frames/a.png"]
    assert "b.png" in job.report()


def test_a_large_file_goes_to_the_storage(stack, lake, files, monkeypatch):
    monkeypatch.setattr("tidelake.links._IN_THE_CALL", 10)
    path = files / "frames.csv"
    path.write_text(ROWS.format(base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()))
    job = lake.import_csv(path, action="upload").wait_for_done(sleep=lambda seconds: None)
    assert job.progress["created"] == 1


def test_objects_of_the_bucket_become_data_by_prefixes_and_by_a_manifest(stack, lake):
    stack.world.s3.put_object(Bucket=stack.lake.bucket, Key="a/1.jpg", Body=b"1")
    stack.world.s3.put_object(Bucket=stack.lake.bucket, Key="b/1.jpg", Body=b"22")
    stack.world.s3.events.clear()
    foreseen = lake.import_bucket_objects(["a/"], dry_run=True).wait_for_done(sleep=lambda seconds: None)
    assert (foreseen.progress["new"], foreseen.progress["estimate"]["objects"]) == (1, 1)
    assert lake.list_data().ids == []
    job = lake.import_bucket_objects(["a/"], tags=["car"], source="camera").wait_for_done(
        sleep=lambda seconds: None
    )
    assert (job.progress["inserted"], job.report()) == (1, "row,name,outcome,code,detail\r\n")
    line = '{"object_name": "b/1.jpg", "tags": ["red"]}\n{"object_name": "c"}'
    job = lake.import_bucket_objects(manifest={"content": line, "format": "jsonl"}).wait_for_done(
        sleep=lambda seconds: None
    )
    assert (job.progress["inserted"], job.progress["failed"]) == (1, 1)
    assert "2,c,failed,not_found" in job.report()
    assert {data.object_name: data.tags for data in lake.list_data()} == {
        "a/1.jpg": ["car"],
        "b/1.jpg": ["red"],
    }
    with pytest.raises(ValueError, match="prefixes or a manifest"):
        lake.import_bucket_objects()


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_an_export_is_saved_and_says_again_what_people_wrote(stack, lake, files, file_format):
    stack.put("a.jpg", b"1")
    stack.put("b.jpg", b"22")
    lake.list_data().add_tags(["car"])
    job = lake.export(format=file_format).wait_for_done(sleep=lambda seconds: None)
    assert job.progress["seen"] == 2
    path = files / "lake.export"
    assert job.save(path) == [path]
    lake.list_data().remove_tags(["car"])
    for export in (path, job):
        done = lake.import_export(export).wait_for_done(sleep=lambda seconds: None)
        assert (done.progress["rows"], done.progress["failed"]) == (2, 0)
    assert [data.tags for data in lake.list_data()] == [["car"], ["car"]]
    assert lake.import_export(job, part=1).wait_for_done(sleep=lambda seconds: None).progress["skipped"] == 2
    with pytest.raises(InvalidRequest):
        lake.import_export(job, part=2)
    with pytest.raises(OSError, match="nothing"):
        lake.import_export(files / "nothing")


def test_an_export_of_several_files_is_saved_as_several(stack, lake, files, monkeypatch):
    monkeypatch.setattr("chalicelib.jobs.exports.FILE_ROWS", 1)
    monkeypatch.setattr("chalicelib.storage.entries.FROM_SHARD", 2)
    for n in range(12):
        stack.put(f"{n:02}", b"1")
    job = lake.export(format="parquet").wait_for_done(sleep=lambda seconds: None)
    saved = job.save(files / "lake.parquet")
    assert [path.name for path in saved][:2] == ["lake-1.parquet", "lake-2.parquet"]
    assert len(saved) == job.progress["files"]
    assert all(path.read_bytes().startswith(b"PAR1") for path in saved)
    assert sorted(files.iterdir()) == sorted(saved)
