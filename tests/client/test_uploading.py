"""Files that go up: through the real API, in this process."""

import dataclasses
import json
import os
from pathlib import Path

import httpx
import pytest
from PIL import ExifTags, Image
from tidelake import ErrorManager, Forbidden, Incomplete, TimedOut, Unreachable

from chalicelib.model import limits
from chalicelib.storage import transfers
from tests.client.stack import lost, refused, says

MIB = 1024**2
PUT = r"PUT /(?!\S*partNumber)"
"""Of a whole file."""
UPLOADS = "POST /v1/datalakes/{lake}/uploads"


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"bytes of {name}".encode())
    return [folder / name for name in names]


def told(each):
    return {(Path(one.what).name, one.code) for one in each}


@pytest.fixture
def parts(monkeypatch):
    """As if everything above one MiB were large, and went up in parts of one MiB."""
    monkeypatch.setattr(limits, "FORM_BYTES", MIB)
    monkeypatch.setattr(transfers, "_PART_BYTES", MIB)
    monkeypatch.setattr("tidelake.uploads.FORM_BYTES", MIB)


@pytest.fixture
def large(files, parts):
    path = files / "large.bin"
    path.write_bytes(os.urandom(2 * MIB) + b"and a bit")
    return path


def test_one_file_or_many_are_always_a_collection(stack, lake, files):
    one = lake.upload_data(write(files, "a.bin")[0])
    assert [data.object_name for data in one.ok] == ["a.bin"]
    assert (one.failed, one.skipped) == ([], [])
    assert one.ok[0].status == "pending"
    assert stack.object("a.bin") == b"bytes of a.bin"
    nothing = lake.upload_data([])
    assert (len(nothing.ok), nothing.failed, nothing.skipped) == (0, [], [])


def test_what_is_said_of_files_is_there_with_them(lake, files):
    a, b = write(files, "a.bin", "b.bin")
    outcome = lake.upload_data(
        [a, b],
        folder="/day/one/",
        tags=["car", "red", "car"],
        source="camera one",
        metadata={"weather": "rain"},
        custom_metadata=[{"lot": 1}, None],
        description="from above",
    )
    first, second = outcome.ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert (first.object_name, first.tags, first.source) == ("day/one/a.bin", ["car", "red"], "camera one")
    assert (first.metadata["weather"], first.custom_metadata, second.custom_metadata) == (
        "rain",
        {"lot": 1},
        {},
    )
    assert first.description == "from above"
    assert (first.status, first.type) == ("skipped", "other")


def test_a_list_of_another_length_than_the_paths_is_refused_with_both(lake, files):
    with pytest.raises(ValueError, match="3 metadata for 2 paths"):
        lake.upload_data(write(files, "a", "b"), metadata=[{}, {}, {}])
    with pytest.raises(ValueError, match="1 to 64"):
        lake.upload_data([], max_workers=0)


def test_the_same_file_twice_is_one_data_and_the_second_is_reported(lake, files):
    (path,) = write(files, "a.bin")
    outcome = lake.upload_data([path, files / ".." / "files" / "a.bin"])
    assert len(outcome.ok) == 1
    assert told(outcome.skipped) == {("a.bin", "duplicate")}


def test_two_files_of_one_name_are_both_refused_since_nobody_knows_which_is_meant(stack, lake, files):
    outcome = lake.upload_data(write(files, "x/a.bin", "y/a.bin", "b.bin"))
    assert [data.object_name for data in outcome.ok] == ["b.bin"]
    assert told(outcome.failed) == {("a.bin", "duplicate_name")}
    assert len(outcome.failed) == 2
    assert stack.object("a.bin") is None


def test_folders_go_up_as_they_are_without_what_is_hidden(lake, files):
    write(files, "a.JPG", "deep/er/b.jpg", "notes.txt", ".hidden", ".git/c.jpg")
    outcome = lake.upload_data(files, include=["*.jpg"])
    assert sorted(data.object_name for data in outcome.ok) == ["a.JPG", "deep/er/b.jpg"]
    assert told(outcome.skipped) == {(".hidden", "hidden")}


def test_what_is_no_file_fails_alone(lake, files):
    os.mkfifo(files / "pipe")
    write(files, "a.bin")
    bad = files / os.fsdecode(b"\xff.bin")
    bad.write_bytes(b"")
    errors = ErrorManager()
    outcome = lake.upload_data([files, files / "nothing"], error_manager=errors)
    assert [data.object_name for data in outcome.ok] == ["a.bin"]
    assert {each.code for each in errors} == {"no_file", "not_found", "invalid_name"}
    assert str(files / "nothing") in errors.error_paths
    with pytest.raises(Incomplete, match="3 failed"):
        outcome.raise_for_failures()


def test_what_is_there_already_fails_is_skipped_or_overwritten_as_one_wants(stack, lake, files):
    (path,) = write(files, "a.bin")
    stack.put("a.bin", b"of somebody else")
    assert told(lake.upload_data(path).failed) == {("a.bin", "conflict")}
    skipped = lake.upload_data(path, if_exists="skip").skipped
    assert [(each.code, each.key) for each in skipped] == [("exists", "a.bin")]
    assert stack.object("a.bin") == b"of somebody else"
    outcome = lake.upload_data(path, if_exists="overwrite")
    assert stack.object("a.bin") == b"bytes of a.bin"
    [data] = outcome.ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert data.size == len(b"bytes of a.bin")


def test_what_was_overwritten_is_waited_for_until_the_new_bytes_are_seen(stack, lake, files):
    (path,) = write(files, "a.bin")
    stack.put("a.bin", b"old")
    stack.arrives = False
    outcome = lake.upload_data(path, if_exists="overwrite")
    with pytest.raises(TimedOut) as late:
        outcome.ok.wait_until_processed(timeout=0)
    assert [data.status for data in late.value.last] == ["pending"]
    waits = []

    def wait(seconds):
        waits.append(seconds)
        stack.arrives = len(waits) == 3

    [data] = outcome.ok.wait_until_processed(timeout=60, sleep=wait)
    assert (len(waits), data.size) == (3, len(b"bytes of a.bin"))


def test_waiting_for_what_was_deleted_meanwhile_ends(stack, lake, files):
    outcome = lake.upload_data(write(files, "a.bin", "b.bin"))
    stack.settle()
    stack.remove("a.bin")
    found = outcome.ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert [data.object_name for data in found] == ["b.bin"]


def test_a_name_made_of_the_content_is_the_same_for_the_same_bytes(lake, files):
    (path,) = write(files, "a.jpg")
    first = lake.upload_data(path, name_by="content", folder="by-content")
    [name] = [data.object_name for data in first.ok]
    assert name.startswith("by-content/")
    assert name.endswith(".jpg")
    again = lake.upload_data(path, name_by="content", folder="by-content", if_exists="skip")
    assert [each.key for each in again.skipped] == [name]


def test_pictures_are_looked_at_and_their_type_goes_with_them(stack, lake, files):
    Image.new("RGB", (8, 6), "teal").save(files / "a.PNG", "PNG")
    [data] = lake.upload_data(files).ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert (data.status, data.type, data.width, data.content_type) == ("ready", "image", 8, "image/png")


def test_a_file_beside_says_more_and_the_caller_has_the_last_word(lake, files):
    write(files, "a.jpg", "b.jpg")
    beside = {"tags": ["night"], "custom_metadata": {"lot": 1, "n": 2}, "description": "beside"}
    (files / "a.jpg.json").write_text(json.dumps(beside))
    outcome = lake.upload_data(files, fill_metadata=True, tags="car", custom_metadata={"lot": 9})
    found = {data.object_name: data.refresh() for data in outcome.ok}
    assert found.keys() == {"a.jpg", "b.jpg"}
    assert found["a.jpg"].tags == ["car", "night"]
    assert found["a.jpg"].custom_metadata == {"lot": 9, "n": 2}
    assert found["a.jpg"].description == "beside"


def test_what_a_person_says_goes_over_a_sidecar_and_that_over_exif(lake, files):
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Software] = "of the bytes", "of the bytes"
    Image.new("RGB", (8, 6)).save(files / "a.jpg", exif=exif)
    beside = {"metadata": {"manufacturer": "of the sidecar", "weather": "rain"}}
    (files / "a.jpg.json").write_text(json.dumps(beside))
    outcome = lake.upload_data(files, fill_metadata=True, metadata={"weather": "snow"})
    [data] = outcome.ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert {name: data.metadata[name] for name in ("software", "manufacturer", "weather")} == {
        "software": "of the bytes",
        "manufacturer": "of the sidecar",
        "weather": "snow",
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": "red"}', '{"tags": "car"}', '{"metadata": 1}'])
def test_a_file_beside_that_makes_no_sense_fails_its_own_alone(lake, files, text):
    write(files, "a.jpg", "b.jpg")
    (files / "a.jpg.json").write_text(text)
    outcome = lake.upload_data(files, fill_metadata=True)
    assert [data.object_name for data in outcome.ok] == ["b.jpg"]
    assert told(outcome.failed) == {("a.jpg", "bad_sidecar")}


def test_what_the_api_refuses_fails_alone_and_says_why(lake, files):
    write(files, "a.bin", "b.bin")
    outcome = lake.upload_data([files / "a.bin", files / "b.bin"], metadata=[{"latitude": 91}, None])
    assert [data.object_name for data in outcome.ok] == ["b.bin"]
    [failed] = outcome.failed
    assert (failed.code, failed.key, failed.retryable) == ("invalid_request", "a.bin", False)
    assert "latitude" in failed.detail


def test_a_thousand_files_are_two_calls_and_none_of_their_bytes_goes_through_the_api(stack, lake, files):
    write(files, *(f"{n // 100}/{n}.bin" for n in range(1000)))
    stack.sent.clear()
    outcome = lake.upload_data(files)
    assert len(outcome.ok) == 1000
    assert stack.calls() == [UPLOADS, UPLOADS]
    assert all(len(request.content) < 300_000 for request in stack.sent)


@pytest.mark.parametrize("fault", [lost, refused, says(500), says(503, Retry_After="3")])
def test_a_spoiled_transfer_is_made_again(stack, lake, files, fault, pauses):
    stack.faults += [(PUT, fault), ("POST .*/uploads", fault)]
    outcome = lake.upload_data(write(files, "a.bin"))
    assert len(outcome.ok) == 1
    assert stack.object("a.bin") == b"bytes of a.bin"
    assert len(pauses) == 2


def test_leave_that_has_expired_is_asked_for_again(stack, lake, files):
    def expired(request, answer):
        return httpx.Response(
            403, text="<Error><Code>AccessDenied</Code><Message>Policy expired</Message></Error>"
        )

    stack.faults.append((PUT, expired))
    assert len(lake.upload_data(write(files, "a.bin")).ok) == 1
    stack.faults += [(PUT, expired)] * 2
    outcome = lake.upload_data(write(files, "b.bin"))
    assert told(outcome.failed) == {("b.bin", "AccessDenied")}


@pytest.mark.parametrize(
    ("other", "code"), [(b"other of a.bin", "BadDigest"), (b"more than that", "changed")]
)
def test_a_file_that_changes_after_it_was_announced_does_not_go_up(stack, lake, files, other, code):
    (path,) = write(files, "a.bin")
    size = path.stat().st_size

    def spoil(request, answer):
        path.write_bytes(other[:size].ljust(size) if code == "BadDigest" else other * 2)
        return answer()

    stack.faults.append(("POST .*/uploads", spoil))
    assert told(lake.upload_data(path).failed) == {("a.bin", code)}
    assert stack.object("a.bin") is None


def test_a_file_of_many_blocks_goes_up_whole_also_when_it_is_sent_again(stack, lake, files):
    body = os.urandom(2 * MIB + 5)
    (files / "a.bin").write_bytes(body)
    stack.faults += [(PUT, refused), (PUT, says(503)), (PUT, says(409))]
    assert len(lake.upload_data(files).ok) == 1
    assert stack.object("a.bin") == body


def test_what_somebody_else_puts_there_meanwhile_is_not_overwritten(stack, lake, files):
    write(files, "a.bin", "b.bin")

    def overtaken(request, answer):
        found = answer()
        stack.put("a.bin", b"other of a.bin")
        return found

    stack.faults.append(("POST .*/uploads", overtaken))
    outcome = lake.upload_data(files)
    assert [data.object_name for data in outcome.ok] == ["b.bin"]
    assert told(outcome.failed) == {("a.bin", "conflict")}
    assert stack.object("a.bin") == b"other of a.bin"
    (files / "c.bin").write_bytes(b"c")
    stack.faults.append(("POST .*/uploads", lambda request, answer: [answer(), stack.put("c.bin", b"x")][0]))
    outcome = lake.upload_data(files / "c.bin", if_exists="skip")
    assert (told(outcome.skipped), outcome.failed) == ({("c.bin", "exists")}, [])
    assert stack.object("c.bin") == b"x"


def test_an_attempt_whose_answer_was_lost_is_found_again_though_the_name_is_taken(stack, lake, files):
    (path,) = write(files, "a.bin")
    stack.faults.append((PUT, lost))
    outcome = lake.upload_data(path, tags="car")
    assert [(data.object_name, data.tags) for data in outcome.ok] == [("a.bin", ["car"])]
    assert [request.headers["If-None-Match"] for request in stack.sent if request.method == "PUT"] == [
        "*",
        "*",
    ]


def test_whose_object_it_is_is_told_by_its_bytes_where_etags_are_no_sums(stack, lake, files):
    (path,) = write(files, "a.bin")

    def by_kms(request, answer):
        answer()
        *_, last = stack.world.s3.buckets[stack.lake.bucket].objects["a.bin"]
        stack.world.s3.buckets[stack.lake.bucket].objects["a.bin"] = (
            dataclasses.replace(last, etag="0" * 32),
        )
        stack.world.s3.events[-1] = dataclasses.replace(stack.world.s3.events[-1], etag="0" * 32)
        raise httpx.ReadTimeout("the answer was lost", request=request)

    stack.faults.append((PUT, by_kms))
    assert [data.etag for data in lake.upload_data(path).ok] == ["0" * 32]


def test_who_took_a_name_may_stay_unknown(stack, lake, files, pauses):
    (path,) = write(files, "a.bin")
    stack.arrives = False
    stack.faults.append((PUT, lost))
    assert told(lake.upload_data(path).failed) == {("a.bin", "conflict")}
    assert len(pauses) == 1 + 6


def test_storage_that_takes_no_conditions_is_sent_forms(stack, lake, files):
    def unknown(request, answer):
        return httpx.Response(
            501, text="<Error><Code>NotImplemented</Code><Message>a header</Message></Error>"
        )

    stack.faults.append((PUT, unknown))
    assert len(lake.upload_data(write(files, "a.bin")).ok) == 1
    assert stack.object("a.bin") == b"bytes of a.bin"
    assert [request.method for request in stack.sent[-2:]] == ["POST", "POST"]


def test_storage_that_tells_of_other_bytes_is_not_believed_to_have_them(stack, lake, files):
    def other(request, answer):
        found = answer()
        found.headers["ETag"] = f'"{"0" * 32}"'
        return found

    stack.faults.append((PUT, other))
    outcome = lake.upload_data(write(files, "a.bin"))
    assert [(each.code, each.retryable) for each in outcome.failed] == [("checksum_mismatch", True)]


def test_what_concerns_all_is_raised_while_nothing_is_done(stack, client, lake, files):
    stack.faults += [("POST .*/uploads", refused)] * 7
    with pytest.raises(Unreachable):
        lake.upload_data(write(files, "a.bin"))
    viewer = client.create_key("v", "viewer").key
    from tidelake import Client

    from tests.client.stack import URL

    with Client(URL, viewer, transport=stack) as other, pytest.raises(Forbidden):
        other.get_datalake().upload_data(write(files, "a.bin"))


def test_what_fails_after_something_was_done_does_not_hide_it(stack, lake, files, monkeypatch):
    monkeypatch.setattr("tidelake.uploads.FILES_AT_FIRST", 2)
    write(files, "a", "b", "c")
    first = []

    def second_call(request, answer):
        first.append(request)
        return answer()

    stack.faults += [("POST .*/uploads", second_call), *[("POST .*/uploads", refused)] * 7]
    outcome = lake.upload_data(files)
    assert [data.object_name for data in outcome.ok] == ["a", "b"]
    assert [(each.key, each.code, each.retryable) for each in outcome.failed] == [("c", "unreachable", True)]


def test_a_large_file_goes_up_in_parts(stack, lake, large):
    progress = []
    outcome = lake.upload_data(large, on_progress=progress.append, tags="big")
    assert stack.object("large.bin") == large.read_bytes()
    assert sum(progress) == large.stat().st_size
    [data] = outcome.ok.wait_until_processed(timeout=60, sleep=lambda seconds: None)
    assert (data.size, data.tags) == (large.stat().st_size, ["big"])
    assert stack.uploads == {}


def test_an_exact_multiple_of_the_part_size_has_no_empty_part(stack, lake, files, parts):
    (files / "even.bin").write_bytes(b"x" * 2 * MIB)
    assert len(lake.upload_data(files).ok) == 1
    assert sum(request.method == "PUT" for request in stack.sent) == 2


def test_a_part_that_fails_is_sent_again_alone(stack, lake, large):
    stack.faults += [
        ("PUT .*partNumber=2", says(503)),
        ("PUT .*partNumber=2", refused),
        ("POST .*complete", lost),
    ]
    assert len(lake.upload_data(large).ok) == 1
    assert stack.object("large.bin") == large.read_bytes()
    assert sum(request.method == "PUT" for request in stack.sent) == 5


def test_addresses_of_parts_that_have_expired_are_asked_for_again(stack, lake, large):
    def expired(request, answer):
        return httpx.Response(403, text="<Error><Code>AccessDenied</Code><Message>expired</Message></Error>")

    stack.faults += [("PUT .*partNumber=[23]", expired)] * 2
    assert len(lake.upload_data(large).ok) == 1
    assert [call for call in stack.calls() if call.endswith("/parts")]
    assert stack.object("large.bin") == large.read_bytes()


def test_who_was_interrupted_goes_on_where_it_was(stack, lake, large):
    stack.faults += [("PUT .*partNumber=3", refused)] * 7
    outcome = lake.upload_data(large)
    assert [each.code for each in outcome.failed] == ["unreachable"]
    assert outcome.failed[0].retryable
    stack.sent.clear()
    progress = []
    assert len(lake.upload_data(large, on_progress=progress.append).ok) == 1
    assert sum(request.method == "PUT" for request in stack.sent) == 1
    assert UPLOADS not in stack.calls()
    assert sum(progress) == large.stat().st_size
    assert stack.object("large.bin") == large.read_bytes()


def test_an_upload_that_is_no_more_is_begun_anew(stack, lake, large):
    stack.faults += [("PUT .*partNumber=3", refused)] * 7
    assert len(lake.upload_data(large).failed) == 1
    stack.uploads.clear()
    stack.sent.clear()
    assert len(lake.upload_data(large).ok) == 1
    assert stack.object("large.bin") == large.read_bytes()


def test_a_file_that_has_other_bytes_than_before_does_not_go_on_with_them(stack, lake, large):
    stack.faults += [("PUT .*partNumber=3", refused)] * 7
    assert len(lake.upload_data(large).failed) == 1
    large.write_bytes(large.read_bytes()[::-1])
    assert len(lake.upload_data(large).ok) == 1
    assert stack.object("large.bin") == large.read_bytes()


def test_what_the_storage_refuses_leaves_no_parts_behind(stack, lake, large):
    def denied(request, answer):
        return httpx.Response(400, text="<Error><Code>EntityTooLarge</Code><Message>no</Message></Error>")

    stack.faults.append(("PUT .*partNumber=2", denied))
    outcome = lake.upload_data(large)
    assert told(outcome.failed) == {("large.bin", "EntityTooLarge")}
    assert stack.uploads == {}
    assert len(lake.upload_data(large).ok) == 1
