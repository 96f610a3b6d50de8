import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from chalicelib.api import bodies
from chalicelib.api.bodies import Body
from chalicelib.errors import InvalidBody, TooLarge


class Place(Body):
    latitude: float
    names: list[str] = Field(default_factory=list)


class Sight(Body):
    count: int | None = None
    place: Place | None = None
    extra: dict[str, object] = Field(default_factory=dict)


def mistakes_in(text: str | bytes) -> dict[str, str]:
    with pytest.raises(InvalidBody) as caught:
        bodies.read(Sight, text if isinstance(text, bytes) else text.encode())
    return dict(caught.value.args)


def test_a_body_is_read_as_its_model_has_it():
    sight = bodies.read(Sight, '{"count": 3, "place": {"latitude": 1, "names": ["é😀"]}}'.encode())
    assert sight == Sight(count=3, place=Place(latitude=1.0, names=["é😀"]))


def test_every_mistake_is_told_with_its_place():
    assert mistakes_in('{"count": "3", "place": {"names": ["a", 5]}, "a/b~c": 1}') == {
        "#/count": "Input should be a valid integer",
        "#/place/latitude": "Field required",
        "#/place/names/1": "Input should be a valid string",
        "#/a~1b~0c": "There is no such field",
    }


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'{"count": 1, "count": 1}',
        b'{"place": {"latitude": 1, "latitude": 2}}',
        b'{"extra": {"x": NaN}}',
        b'{"extra": {"x": -Infinity}}',
        b'{"extra": {"x": 1e999}}',
        b'{"extra": {"x": 9223372036854775808}}',
        b'{"extra": {"x": -9223372036854775809}}',
        b'{"extra": {"x": ' + b"9" * 5000 + b"}}",
        b'{"extra": {"x": "\\ud800"}}',
        b'{"extra": {"\\udfff": 1}}',
        b'{"extra": {"x": "\x01"}}',
        b'{"extra": {"x": ' + b"[" * 31 + b"]" * 31 + b"}}",
        b"[" * 500_000,
        b'{"extra":' * 100_000,
    ],
)
def test_what_is_no_body_is_a_mistake(text):
    assert all(place.startswith("#") and detail for place, detail in mistakes_in(text).items())


def test_the_largest_numbers_and_the_deepest_object_are_taken():
    deep = "[" * 30 + "]" * 30
    text = f'{{"extra": {{"a": 9223372036854775807, "b": -9223372036854775808, "c": 1.7e308, "d": {deep}}}}}'
    assert bodies.read(Sight, text.encode()).extra["a"] == 2**63 - 1


def test_a_body_over_one_mebibyte_is_too_large():
    text = json.dumps({"extra": {"x": "x" * (1024**2 - 20)}}).encode()
    assert len(text) == 1024**2
    assert bodies.read(Sight, text)
    with pytest.raises(TooLarge):
        bodies.read(Sight, text + b" ")


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_are_more_than_a_mistake(text):
    try:
        bodies.read(Sight, text)
    except InvalidBody as error:
        for place, detail in error.args:
            assert (place + detail).encode()
