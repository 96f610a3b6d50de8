"""What rows ask for, and every mistake that they can have."""

import base64
import json
from typing import Any

import pytest

from chalicelib.errors import InvalidUrl
from chalicelib.imports.dialect import Column, Dialect
from chalicelib.imports.items import BadRow, Item, Rules, content_type_of, decode, read_item
from chalicelib.imports.rows import Place, Row
from chalicelib.model.sheet import Action

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
ENCODED = base64.b64encode(PNG).decode()
URL = "https://images.example.org/a/b%20c.jpg?x=/y.png"


def check_url(text: str) -> str:
    if not text.startswith("https://"):
        raise InvalidUrl("it should begin with https://")
    return text


def read(default: Action = Action.LINK, schema: Any = None, **given: str) -> Item:
    dialect = Dialect("utf-8", ",", {column: n for n, column in enumerate(Column)}, len(Column))
    rules = Rules(dialect=dialect, folder="f/", action=default, schema=schema, check_url=check_url)
    names = {column.name.lower(): column for column in Column}
    cells = {names[name]: value for name, value in given.items() if name in names}
    row = Row(7, Place(0, 8), [*(cells.get(column, "") for column in Column), given.get("extra", "")])
    return read_item(row, rules)


def mistakes(**given: Any) -> list[tuple[str, str]]:
    with pytest.raises(BadRow) as caught:
        read(**given)
    return [tuple(each) for each in caught.value.args]


def columns(**given: Any) -> list[str]:
    return [column for column, _ in mistakes(**given)]


def test_all_columns_together():
    item = read(
        id="77",
        url=URL,
        name="sub/n.jpg",
        action="LINK",
        mimetype="image/jpg",
        metadata='{"lot": "A7", "n": 3, "x": 1.5, "ok": true, "no": null}',
        description="one\ntwo",
        tags="car, red|big;car",
        source="Camera",
    )
    assert item == Item(
        line=7,
        name="sub/n.jpg",
        action=Action.LINK,
        url=URL,
        mimetype="image/jpg",
        tags=("car", "red", "big"),
        source="Camera",
        metadata={"custom_id": "77"},
        custom_metadata={"lot": "A7", "n": 3, "x": 1.5, "ok": True},
        description="one\ntwo",
    )


def test_a_link_needs_a_url_alone():
    item = read(url=URL)
    assert (item.action, item.name, item.custom_metadata, item.tags) == (Action.LINK, None, {}, ())


def test_bytes_alone_are_uploaded_whatever_is_the_default():
    assert read(image_bytes=ENCODED, name="a.png").action is Action.UPLOAD


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"url": URL}, "b c.jpg"),
        ({"url": URL, "id": "7"}, "b c.jpg"),
        ({"url": "https://a.example.org/", "id": "7"}, "7"),
        ({"image_bytes": ENCODED, "id": "7.png"}, "7.png"),
        ({"image_bytes": ENCODED, "id": "7", "name": "n"}, "n"),
    ],
)
def test_what_is_uploaded_without_a_name_is_called_after_its_url_or_id(given, name):
    assert read(Action.UPLOAD, **given).name == name


@pytest.mark.parametrize(
    "text", [ENCODED, f"data:image/png;base64,{ENCODED}", f"{ENCODED[:8]}\r\n {ENCODED[8:]}"]
)
def test_bytes_may_be_a_data_url_and_broken_into_lines(text):
    assert decode(text) == PNG
    assert read(image_bytes=text, name="n").encoded == text


@pytest.mark.parametrize("text", ["!!!", "A", "QUJD=A==", "QUJ\u00e9", "data:image/png,abc"])
def test_what_is_not_base64_says_so(text):
    assert mistakes(image_bytes=text, name="n") == [("image_bytes", "it is not base64")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<html><body>404</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
    ],
)
def test_only_images_and_videos_are_uploaded(body):
    with pytest.raises(ValueError, match="not an image or a video"):
        content_type_of(body)


def test_every_mistake_of_a_row_is_told():
    assert columns(url="ftp://x", action="explode", metadata="{", tags='["a", 1]', source="s" * 200) == [
        "action",
        "url",
        "tags",
        "source",
        "item_metadata",
    ]


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ({}, "url"),
        ({"url": URL, "image_bytes": ENCODED}, "url"),
        ({"image_bytes": ENCODED, "action": "link", "name": "n"}, "action"),
        ({"image_bytes": ENCODED}, "name"),
        ({"url": URL, "extra": "x"}, "row"),
        ({"url": URL, "id": "x" * 1025}, "id"),
        ({"url": URL, "description": "x" * 4097}, "item_description"),
        ({"url": URL, "tags": "x" * 129}, "tags"),
        ({"url": URL, "tags": ",".join(map(str, range(91)))}, "tags"),
        ({"url": URL, "tags": '["a"'}, "tags"),
        ({"url": URL, "mimetype": "x" * 200}, "mimetype"),
    ],
)
def test_one_mistake_is_of_its_column(given, column):
    assert column in columns(**given)


@pytest.mark.parametrize(
    "name", ["a//b", "/a", "a/", "..", "a/../b", "a/./b", "a\x07b", "a\u0085b", "x" * 1023]
)
def test_names_that_no_object_should_have(name):
    assert columns(image_bytes=ENCODED, name=name) == ["name"]


HOSTILE = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"a": ' + "[" * 40 + "]" * 40 + "}",
    '{"a": NaN}',
    '{"a": 1e999}',
    '{"a": 1, "a": 2}',
    '{"a": ' + "9" * 5000 + "}",
    '{"a": 9223372036854775808}',
    '{"a": "\\ud800"}',
    '{"\\udfff": 1}',
    '{"a": {"b": 1}}',
    '{"a": [1]}',
    '{"a": "' + "x" * 1025 + '"}',
    '{"": 1}',
    json.dumps({"k" * 129: 1}),
    json.dumps({str(n): n for n in range(101)}),
    json.dumps({str(n): "x" * 1000 for n in range(20)}),
    "[]",
    "3",
    "{not json",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_metadata_that_is_refused(text):
    assert set(columns(url=URL, metadata=text)) == {"item_metadata"}


def test_metadata_is_held_to_the_lakes_schema():
    schema = {"fields": {"lot": {"type": "string", "required": True}}, "extra": False}
    assert read(url=URL, metadata='{"lot": "A"}', schema=schema).custom_metadata == {"lot": "A"}
    assert mistakes(url=URL, metadata='{"lot": 3, "x": 1}', schema=schema) == [
        ("item_metadata", "lot: The datalake's schema wants a string"),
        ("item_metadata", "x: The datalake's schema has no such key"),
    ]


def test_tags_may_be_a_json_list():
    assert read(url=URL, tags='["a,b", " c ", ""]').tags == ("a,b", "c")
