import pytest

from chalicelib.errors import Hopeless
from chalicelib.imports.dialect import Column, Header, recognize
from chalicelib.imports.rows import Place


def header(content: bytes) -> Header:
    return recognize(content[: 64 * 1024], len(content))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("mark", "encoding", "recognized"),
    [
        (b"", "utf-8", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8", "utf-8"),
        (b"\xff\xfe", "utf-16-le", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be", "utf-16-be"),
        (b"", "utf-16-le", "utf-16-le"),
        (b"", "utf-16-be", "utf-16-be"),
    ],
)
def test_encoding_and_delimiter_are_told_by_the_first_row(mark, encoding, recognized, delimiter):
    names = ["\u00a0NAME ", '"url"', "Item_Metadata", "comment, or not"]
    content = mark + (delimiter.join(names).replace("comment,", "comment") + "\r\nx\r\n").encode(encoding)
    found = header(content)
    dialect = found.dialect
    assert (dialect.encoding, dialect.delimiter) == (recognized, delimiter)
    assert dialect.columns == {Column.NAME: 0, Column.URL: 1, Column.METADATA: 2}
    assert (dialect.width, found.unknown, found.line) == (4, ["comment or not"], 1)
    assert found.end == Place(len(content) - len("x\r\n".encode(encoding)), 2)


def test_cells_are_found_by_their_column():
    dialect = header(b"tags,URL,name\n").dialect
    assert dialect.cells([" a ", "b"]) == {Column.TAGS: "a", Column.URL: "b", Column.NAME: ""}


def test_empty_lines_before_the_first_row_do_not_count():
    assert header(b"\n,,\nurl\n").line == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file has no row"),
        (b"\n\r\n  \n", "the file has no row"),
        (b"a,b\r\n1,2\r\n", "its first row should name a column URL or image_bytes"),
        (b"\0\0\0", "its first row should name a column URL or image_bytes"),
        (b"\xff\xfe\0\0u\0\0\0", "the file should be UTF-8 or UTF-16"),
        (b"\xff\xfe", "the file has no row"),
        (b"url,URL\n", "its first row names the column url twice"),
        (b"url" + b",c" * 10_000 + b"\n", "the file has more than 1000 columns"),
        (b"url," + b"c" * 70_000 + b"\n", "its first row has more than 65536 bytes"),
        (b'"url\n', "its first row should name a column URL or image_bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "its first row should name a column URL or image_bytes"),
        (b"PK\x03\x04\x14\0\x06\0", "its first row should name a column URL or image_bytes"),
    ],
)
def test_what_is_no_such_file_says_why(content, reason):
    with pytest.raises(Hopeless) as caught:
        header(content)
    assert caught.value.args == (reason,)


def test_long_names_of_many_unknown_columns_are_shortened():
    found = header(b"url," + b",".join(b"%03d" % n + b"x" * 100 for n in range(300)) + b"\n")
    assert len(found.unknown) == 20
    assert {len(name) for name in found.unknown} == {40}
