"""Objects that become files: over the real API, in this process."""

import hashlib
import os

import httpx
import pytest
from tidelake import ErrorManager, Incomplete, Unreachable

from tests.client.stack import breaks_off, lost, refused, says
from tests.e2e.lake import png

CONTENT = "POST /v1/datalakes/{lake}/data/content"
GET = r"GET /\S*X-Amz"
"""Of the storage."""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "into" / "here"


def put(stack, **bodies):
    for name, body in bodies.items():
        stack.put(f"{name}.bin", body)


def below(folder):
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


def test_files_lie_as_objects_do_whole_and_verified(stack, lake, folder):
    stack.put("a.bin", b"one")
    stack.put("deep/er/a.bin", b"two")
    stack.put("empty", b"")
    progress = []
    outcome = lake.list_data().download(folder, on_progress=progress.append)
    assert below(folder) == {"a.bin": b"one", "deep/er/a.bin": b"two", "empty": b""}
    assert sum(progress) == 6
    assert all(each.verified for each in outcome.ok)
    assert (outcome.failed, outcome.skipped) == ([], [])
    [first] = [each for each in outcome.ok if each.path.name == "a.bin" and each.size == 3][:1]
    assert first.path.stat().st_mtime == first.data.last_modified.timestamp()


def test_two_of_one_name_in_one_folder_are_two_files(stack, lake, folder):
    stack.put("day/a.bin", b"one")
    stack.put("night/a.bin", b"two")
    outcome = lake.list_data().download(folder, flat=True)
    assert len(outcome.ok) == 2
    assert sorted(below(folder).values()) == [b"one", b"two"]
    by_name = {each.path.name: each.data.id for each in outcome.ok}
    assert all(name == f"a-{id[:8]}.bin" for name, id in by_name.items())
    again = lake.list_data().download(folder, flat=True)
    assert {each.code for each in again.skipped} == {"present"}


def test_a_thousand_files_are_one_call_beside_that_which_listed_them(stack, lake, folder):
    for n in range(40):
        stack.world.s3.put_object(Bucket=stack.lake.bucket, Key=f"{n}.bin", Body=b"x")
    stack.sent.clear()
    assert len(lake.list_data().download(folder).ok) == 40
    assert stack.calls() == ["POST /v1/datalakes/{lake}/data/search", CONTENT]


def test_what_is_there_already_is_looked_at_and_not_taken_for_done_by_its_name(stack, lake, folder):
    put(stack, a=b"one", b=b"two", c=b"three")
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(b"one")
    (folder / "b.bin").write_bytes(b"owt")
    found = lake.list_data(order_by="object_name")
    errors = ErrorManager()
    outcome = found.download(folder, error_manager=errors)
    assert [each.data.object_name for each in outcome.ok] == ["c.bin"]
    assert [(each.what, each.code) for each in outcome.skipped] == [("a.bin", "present")]
    assert [(each.what, each.code) for each in errors] == [("b.bin", "exists")]
    assert (folder / "b.bin").read_bytes() == b"owt"
    with pytest.raises(Incomplete):
        outcome.raise_for_failures()
    stack.sent.clear()
    assert [each.data.object_name for each in found.download(folder, force_replace=True).ok] == ["b.bin"]
    assert (folder / "b.bin").read_bytes() == b"two"
    stack.sent.clear()
    assert len(found.download(folder).skipped) == 3
    assert stack.sent == []


@pytest.mark.parametrize("fault", [lost, refused, says(500), says(503, Retry_After="2"), breaks_off(2)])
def test_a_spoiled_transfer_is_made_again(stack, lake, folder, fault, pauses):
    put(stack, a=b"some bytes")
    stack.faults.append((GET, fault))
    assert len(lake.list_data().download(folder).ok) == 1
    assert below(folder) == {"a.bin": b"some bytes"}
    assert len(pauses) == 1


def test_what_broke_off_goes_on_where_it_was(stack, lake, folder):
    put(stack, a=b"some bytes")
    stack.faults += [(GET, breaks_off(4)), (GET, breaks_off(3))]
    [each] = lake.list_data().download(folder).ok
    assert each.verified
    ranges = [request.headers.get("Range") for request in stack.sent if request.url.host != "stack.test"]
    assert ranges == [None, "bytes=4-", "bytes=7-"]
    assert all(request.headers["If-Match"] for request in stack.sent if request.url.host != "stack.test")


def test_who_was_interrupted_goes_on_another_day(stack, lake, folder):
    put(stack, a=b"some bytes")
    found = lake.list_data()
    stack.faults += [(GET, breaks_off(4)), *[(GET, refused)] * 7]
    outcome = found.download(folder)
    assert [(each.code, each.retryable) for each in outcome.failed] == [("unreachable", True)]
    assert [name.endswith(".part") for name in below(folder)] == [True]
    stack.sent.clear()
    assert len(found.download(folder).ok) == 1
    assert stack.sent[-1].headers["Range"] == "bytes=4-"
    assert below(folder) == {"a.bin": b"some bytes"}


def test_an_object_that_has_changed_since_it_was_listed_is_not_taken_for_it(stack, lake, folder):
    put(stack, a=b"some bytes")
    found = lake.list_data()
    stack.faults += [(GET, breaks_off(4)), *[(GET, refused)] * 7]
    found.download(folder)
    put(stack, a=b"new bytes!")
    outcome = found.download(folder)
    assert [(each.code, each.retryable) for each in outcome.failed] == [("etag_mismatch", True)]
    assert len(found.refresh().download(folder).ok) == 1
    assert (folder / "a.bin").read_bytes() == b"new bytes!"


def test_a_part_that_holds_other_bytes_is_thrown_away(stack, lake, folder):
    put(stack, a=b"some bytes")
    found = lake.list_data()
    stack.faults += [(GET, breaks_off(4)), *[(GET, refused)] * 7]
    found.download(folder)
    [part] = folder.iterdir()
    for spoiled in (b"xxxx", b"x" * 10, b"x" * 20):
        part.write_bytes(spoiled)
        [each] = found.download(folder, force_replace=True).ok
        assert (each.path.read_bytes(), each.verified) == (b"some bytes", True)
        each.path.unlink()


def test_bytes_that_are_not_those_of_the_object_are_never_under_its_name(stack, lake, folder):
    put(stack, a=b"some bytes")

    def other(request, answer):
        whole = answer()
        return httpx.Response(200, headers=whole.headers, content=b"SOME BYTES")

    stack.faults.append((GET, other))
    outcome = lake.list_data().download(folder)
    assert [(each.code, each.retryable) for each in outcome.failed] == [("checksum_mismatch", True)]
    assert below(folder) == {}


def test_what_has_no_sum_is_verified_by_its_size_and_says_so(stack, lake, folder):
    put(stack, a=b"some bytes")

    def by_kms(request, answer):
        whole = answer()
        headers = {"ETag": f'"{"0" * 32}"', "x-amz-server-side-encryption": "aws:kms"}
        return httpx.Response(200, headers=headers, content=whole.content)

    stack.faults.append((GET, by_kms))
    [each] = lake.list_data().download(folder).ok
    assert not each.verified


def test_storage_that_knows_no_ranges_begins_anew(stack, lake, folder):
    put(stack, a=b"some bytes")

    def whole(request, answer):
        del request.headers["Range"]
        return answer()

    stack.faults += [(GET, breaks_off(4)), (GET, whole)]
    assert len(lake.list_data().download(folder).ok) == 1
    assert below(folder) == {"a.bin": b"some bytes"}


def test_an_address_that_has_expired_is_asked_for_again_once(stack, lake, folder):
    put(stack, a=b"some bytes")
    stack.faults.append((GET, says(403)))
    assert len(lake.list_data().download(folder).ok) == 1
    stack.faults += [(GET, says(403))] * 2
    outcome = lake.list_data().download(folder, force_replace=True, flat=True)
    assert len(outcome.skipped) == 1
    (folder / "a.bin").unlink()
    assert [each.code for each in lake.list_data().download(folder).failed] == ["http_403"]


def test_what_is_gone_fails_alone(stack, lake, folder):
    put(stack, a=b"one", b=b"two")
    found = lake.list_data(order_by="object_name")
    assert len(found) == 2
    stack.remove("a.bin")
    outcome = found.download(folder)
    assert [each.data.object_name for each in outcome.ok] == ["b.bin"]
    assert [(each.what, each.code) for each in outcome.failed] == [("a.bin", "not_found")]


def test_names_that_lead_elsewhere_stay_in_the_folder(stack, lake, folder):
    for name in ("../../evil", "/etc/evil", "a/../../evil", "..", "x/"):
        stack.put(name, b"bytes")
    outcome = lake.list_data().download(folder)
    assert outcome.failed == []
    assert {path.resolve().is_relative_to(folder) for path in folder.rglob("*")} == {True}
    assert not [path for path in folder.parent.parent.rglob("evil") if not path.is_relative_to(folder)]


def test_a_link_in_the_folder_leads_nowhere_else(stack, lake, folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    folder.mkdir(parents=True)
    (folder / "out").symlink_to(outside)
    (folder / "a.bin").symlink_to(outside / "kept")
    stack.put("out/b.bin", b"bytes")
    stack.put("a.bin", b"bytes")
    outcome = lake.list_data().download(folder, force_replace=True)
    assert [(each.what, each.code) for each in outcome.failed] == [("out/b.bin", "outside")]
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_bytes() == b"kept"
    assert (folder / "a.bin").read_bytes() == b"bytes"
    assert not (folder / "a.bin").is_symlink()


def test_a_folder_in_the_way_fails_alone(stack, lake, folder):
    put(stack, a=b"one", b=b"two")
    (folder / "a.bin").mkdir(parents=True)
    outcome = lake.list_data().download(folder, force_replace=True)
    assert [(each.what, each.code) for each in outcome.failed] == [("a.bin", "exists")]
    assert len(outcome.ok) == 1


def test_one_alone_goes_under_its_file_name(stack, lake, folder):
    stack.put("deep/er/a.bin", b"one")
    [each] = lake.find_data(filename="a.bin").download(folder).ok
    assert each.path == folder / "a.bin"


def test_what_concerns_all_is_raised_while_nothing_is_done(stack, lake, folder):
    put(stack, a=b"one")
    found = lake.list_data()
    assert len(found) == 1
    stack.faults += [("POST .*/content", refused)] * 7
    with pytest.raises(Unreachable):
        found.download(folder)


def test_bytes_are_read_as_they_are_stored(stack, lake, folder):
    put(stack, a=b"\x1f\x8b not really gzip")

    def encoded(request, answer):
        whole = answer()
        assert request.headers["Accept-Encoding"] == "identity"
        return httpx.Response(
            200,
            headers={**whole.headers, "Content-Encoding": "gzip"},
            stream=httpx.ByteStream(b"\x1f\x8b not really gzip"),
        )

    stack.faults.append((GET, encoded))
    [each] = lake.list_data().download(folder).ok
    assert each.path.read_bytes() == b"\x1f\x8b not really gzip"


def test_addresses_of_bytes_and_thumbnails_need_no_key(stack, lake):
    stack.put("a.bin", b"bytes")
    data = lake.list_data()[0]
    assert httpx.Client(transport=stack).get(data.content_url()).content == b"bytes"
    with pytest.raises(Exception, match="no thumbnail"):
        data.thumbnail_url()


def test_a_thumbnail_that_is_still_to_be_made_is_waited_for(stack, lake, pauses):
    lake.update(preprocess="lazy")
    stack.put("a.png", png())
    [data] = lake.list_data()
    assert data.status == "indexed"
    url = data.thumbnail_url()
    assert pauses[0] >= 2
    assert httpx.Client(transport=stack).get(url).content[8:12] == b"WEBP"


def test_the_sum_of_what_lies_there_is_that_of_its_bytes(stack, lake, folder):
    body = os.urandom(3 * 1024**2)
    put(stack, a=body)
    [each] = lake.list_data().download(folder).ok
    assert hashlib.sha256(each.path.read_bytes()).digest() == hashlib.sha256(body).digest()
