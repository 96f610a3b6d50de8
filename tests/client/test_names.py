"""What objects are called as files."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidelake.names import plan


def planned(*names, flat=False, windows=False):
    ids = [f"{n:08x}-0000-5000-8000-000000000000" for n in range(len(names))]
    found = plan(dict(zip(ids, names, strict=True)), flat=flat, windows=windows)
    return [str(found[each]) for each in ids]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("/etc/passwd", "etc/passwd"),
        ("../../a", "_/_/a"),
        ("a/./b/../c", "a/_/b/_/c"),
        ("a//b", "a/b"),
        ("...", "_"),
        ("a\0b\n", "a_b_"),
        ("12:00:00.jpg", "12:00:00.jpg"),
        ("C:\\Windows\\x", "C:\\Windows\\x"),
    ],
)
def test_no_name_leads_out_of_the_folder(name, path):
    assert planned(name) == [path]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("C:\\Windows\\x", "C__Windows_x"),
        ("12:00:00.jpg", "12_00_00.jpg"),
        ("a. /b.", "a/b"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("COM¹", "_COM¹"),
        ("console.jpg", "console.jpg"),
        ("..", "_"),
        (". .", "_"),
    ],
)
def test_what_windows_keeps_for_itself(name, path):
    assert planned(name, windows=True) == [path]


def test_where_names_meet_all_are_marked_so_that_the_order_does_not_matter():
    assert planned("a/x.jpg", "b/x.jpg", "y.jpg", flat=True) == ["x-00000000.jpg", "x-00000001.jpg", "y.jpg"]
    assert planned("A.jpg", "a.jpg") == ["A-00000000.jpg", "a-00000001.jpg"]
    assert planned("é", "e\u0301") == ["é-00000000", "e\u0301-00000001"]
    assert planned("a", "a/b") == ["a-00000000", "a/b"]


def test_who_names_an_object_as_another_would_be_marked_gains_nothing():
    paths = planned("a/x.jpg", "b/x.jpg", "x-00000001.jpg", flat=True)
    assert len(set(paths)) == 3


_steps = st.sampled_from(
    ["a", "A", "..", ".", "", "con", "é", "e\u0301", "a.jpg", "a-00000000.jpg", "x" * 300]
)


@given(
    st.lists(st.lists(_steps, min_size=1, max_size=3).map("/".join), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_no_two_share_a_file_and_none_is_a_folder_of_another(names, flat, windows):
    paths = planned(*names, flat=flat, windows=windows)
    folded = [path.casefold() for path in paths]
    assert len(set(folded)) == len(folded)
    parents = {str(parent).casefold() for path in paths for parent in PurePosixPath(path).parents}
    assert not parents & set(folded)
    for path in paths:
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(path.split("/"))
        assert all(len(step.encode()) <= 255 for step in path.split("/"))
