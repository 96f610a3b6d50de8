"""Rows of files of any size, form and encoding, and where reading goes on."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.imports import lines
from chalicelib.imports.rows import Mistake, Place, Row, read_rows
from chalicelib.model import limits

START = Place(0, 1)


def rows(
    content: bytes, place: Place = START, encoding: str = "utf-8", delimiter: str = ","
) -> Iterator[Row]:
    return read_rows(lambda at, length: content[at : at + length], place, len(content), encoding, delimiter)


def cells(content: bytes, **how: str) -> list[list[str]]:
    found = list(rows(content, **how))
    assert not any(row.mistake for row in found)
    return [list(row.cells) for row in found]


def codes(found: list[Row]) -> list[tuple[int, str | None]]:
    return [(row.line, row.mistake and row.mistake.code) for row in found]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", lines.ENCODINGS)
def test_rows_are_numbered_by_the_line_on_which_they_begin(end, delimiter, encoding):
    text = end.join(["a,b", '"x', 'y","say ""é😀"""', "", "1,2"]).replace(",", delimiter)
    found = list(rows(text.encode(encoding), encoding=encoding, delimiter=delimiter))
    assert [(row.line, list(row.cells)) for row in found] == [
        (1, ["a", "b"]),
        (2, [f"x{end}y", 'say "é😀"']),
        (4, []),
        (5, ["1", "2"]),
    ]
    assert [row.blank for row in found] == [False, False, True, False]


TABLES = st.lists(
    st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1), max_size=6
)


@given(
    table=TABLES,
    encoding=st.sampled_from(lines.ENCODINGS),
    delimiter=st.sampled_from(",;\t"),
    window=st.integers(1, 9),
)
def test_what_was_written_is_read_and_reading_can_stop_after_any_row(table, encoding, delimiter, window):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    content = out.getvalue().encode(encoding)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_FIRST_WINDOW", window)
        patch.setattr(lines, "_LAST_WINDOW", window)
        found = list(rows(content, encoding=encoding, delimiter=delimiter))
        assert [list(row.cells) for row in found] == table
        for number, row in enumerate(found, 1):
            rest = list(rows(content, row.end, encoding, delimiter))
            assert rest == found[number:]


@given(st.binary(), st.sampled_from(lines.ENCODINGS), st.sampled_from(",;\t"))
def test_no_bytes_are_more_than_bad_rows_and_none_is_passed_over(content, encoding, delimiter):
    place = START
    for row in rows(content, place, encoding, delimiter):
        assert place.at < row.end.at
        assert row.line == place.line
        place = row.end
    assert len(content) - place.at <= (0 if encoding == "utf-8" else 1)


def test_a_quote_that_is_never_closed_costs_its_own_row_alone():
    found = list(rows(b'a,"b\n1,2\n3,4\n'))
    assert codes(found) == [(1, "unclosed_quote"), (2, None), (3, None)]
    assert found[1].cells == ["1", "2"]


def test_what_follows_a_quote_costs_its_row():
    found = list(rows(b'"a"b,c\n"d\ne"f\n1,2\n'))
    assert codes(found) == [(1, "invalid_row"), (2, "invalid_row"), (4, None)]


@pytest.mark.parametrize(
    ("content", "encoding", "cell"),
    [
        (b"a,\xff\n1,2\n", "utf-8", 2),
        (b"a\0,b\n1,2\n", "utf-8", 1),
        (b"a,\xed\xa0\x80\n1,2\n", "utf-8", 2),
        ("a,".encode("utf-16-le") + b"\x00\xd8" + "\n1,2\n".encode("utf-16-le"), "utf-16-le", 2),
    ],
)
def test_what_is_no_text_costs_its_row(content, encoding, cell):
    found = list(rows(content, encoding=encoding))
    assert found[0].mistake == Mistake("not_text", f"cell {cell} is not text")
    assert found[1].cells == ["1", "2"]


def test_half_a_character_at_the_end_is_left_out():
    assert cells("1,2".encode("utf-16-le") + b"x", encoding="utf-16-le") == [["1", "2"]]


class File:
    """Of any size, made while it is read."""

    def __init__(self, size: int, byte_at: Callable[[int, int], bytes]) -> None:
        self.size, self.byte_at = size, byte_at

    def rows(self, place: Place = START) -> Iterator[Row]:
        def read(at: int, length: int) -> bytes:
            return self.byte_at(at, min(length, self.size - at))

        return read_rows(read, place, self.size, "utf-8", ",")


def repeated(start: bytes, unit: bytes, end: bytes, size: int) -> File:
    def byte_at(at: int, length: int) -> bytes:
        middle = size - len(start) - len(end)
        skipped = max(0, at - len(start))
        body = (unit * (length // len(unit) + 2))[skipped % len(unit) :][: max(0, middle - skipped)]
        return (start[at:] + body + (end if at + length >= size - len(end) else b""))[:length]

    return File(size, byte_at)


def test_a_line_without_an_end_costs_one_row_and_bounded_memory(monkeypatch):
    monkeypatch.setattr(limits, "ROW_BYTES", 1024**2)
    file = repeated(b"a\n", b"x", b"\n1,2\n", 100_000_000)
    tracemalloc.start()
    try:
        found, place = [], START
        while place.at < file.size:
            # As the steps of a job read it.
            for row in file.rows(place):
                place = row.end
                if not row.blank:
                    found.append(row)
                if place.at % 7 == 0:
                    break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert codes(found) == [(1, None), (2, "row_too_long"), (3, None)]
    assert found[2].cells == ["1", "2"]
    assert peak < 50_000_000


def test_a_quote_over_fifty_megabytes_is_given_up_and_reading_goes_on_behind_its_line():
    file = repeated(b'a\n"', b"xxxxxxxxx\n", b"", 50_000_000)
    tracemalloc.start()
    try:
        found = [row for row, _ in zip(file.rows(), range(5), strict=False)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert codes(found) == [(1, None), (2, "unclosed_quote"), (3, None), (4, None), (5, None)]
    assert peak < 100_000_000


def test_a_row_of_too_many_bytes_on_many_lines_is_no_row(monkeypatch):
    monkeypatch.setattr(limits, "ROW_BYTES", 100)
    found = list(rows(b'"' + b"x" * 60 + b"\n" + b"x" * 60 + b'"\n1\n'))
    assert codes(found)[0] == (1, "unclosed_quote")
