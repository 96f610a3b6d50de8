"""CSV files: over the real API, in this process."""

import base64

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
