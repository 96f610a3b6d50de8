import json
import re

import pytest

from chalicelib.model import limits, link

URL = "https://images.example.org/a.jpg"


def test_a_file_that_was_exported_is_understood() -> None:
    exported = link.as_file(URL, "image/jpeg")
    assert exported["metadata"]["linkInfo"] == {"type": "url", "ref": URL, "mimetype": "image/jpeg"}
    assert link.url_in_file(json.dumps(exported).encode()) == URL
    assert link.url_in_file(b"\xef\xbb\xbf" + json.dumps(exported, indent=2).encode()) == URL


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"link"',
        b"{}",
        b"\xff{}",
        b'{"type": "link", "shebang": "dataloop"}',
        b'{"type": "link", "shebang": "dataloop", "metadata": []}',
        b'{"type": "link", "shebang": "dataloop", "metadata": {"linkInfo": {"type": "id", "ref": "5f"}}}',
        b'{"type": "link", "shebang": "dataloop", "metadata": {"linkInfo": {"type": "url", "ref": 5}}}',
        b'{"type": "item", "shebang": "dataloop", "metadata": {"linkInfo": {"type": "url", "ref": "x"}}}',
        b'{"type": "link", "metadata": {"linkInfo": {"type": "url", "ref": "x"}}}',
        b"[" * 16_000,
        json.dumps(link.as_file(URL, "x" * link.FILE_BYTES)).encode(),
    ],
)
def test_what_is_no_link_is_none(content: bytes) -> None:
    assert link.url_in_file(content) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/frame.0001.jpg", r"a/frame\.0001-[0-9a-f]{12}\.jpg"),
        ("frame", r"frame-[0-9a-f]{12}"),
        (".hidden", r"\.hidden-[0-9a-f]{12}"),
        ("a.b/c", r"a\.b/c-[0-9a-f]{12}"),
    ],
)
def test_a_suffix_keeps_the_ending(name: str, expected: str) -> None:

    assert re.fullmatch(expected, link.apart(name, URL))
    assert link.apart(name, URL) == link.apart(name, URL) != link.apart(name, URL + "?")


@pytest.mark.parametrize("folder", ["x/y", "/x/y", "x/y/", "//x/y//"])
def test_a_folder_is_put_before_the_name(folder: str) -> None:
    assert link.name_in(folder, "a.jpg") == "x/y/a.jpg"
    assert link.name_in("", "a.jpg") == link.name_in("/", "a.jpg") == "a.jpg"


@pytest.mark.parametrize("name", ["", "a/", ".", "../a", "a/./b", "a\x00b", "a\nb", "a\ud800", "é" * 506])
def test_a_name_that_could_be_no_objects_or_leads_elsewhere_is_refused(name: str) -> None:
    assert link.mistake_in(name)


@pytest.mark.parametrize("name", ["a", "...", "a..b", "a//b", "/a", "é" * 505, "frame.0001.jpg", "😀"])
def test_names_are_kept_as_given(name: str) -> None:
    assert link.mistake_in(name) is None
    assert len(link.apart(name, URL).encode()) <= limits.LINK_NAME_BYTES
