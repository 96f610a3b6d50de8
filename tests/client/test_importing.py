"""CSV files, and objects of the bucket: over the real API, in this process."""

import base64

import pytest

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
