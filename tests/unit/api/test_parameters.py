import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api import parameters
from chalicelib.api.parameters import PageParameters, Parameters
from chalicelib.errors import InvalidRequest
from chalicelib.model.data import Status, Type


def read(**given):
    return parameters.read(PageParameters, {name: [value] for name, value in given.items()})


def mistakes_of(given, model=PageParameters):
    with pytest.raises(InvalidRequest) as caught:
        parameters.read(model, given)
    return dict(caught.value.args)


def test_what_is_not_given_has_its_default():
    asked = read()
    assert (asked.limit, asked.cursor, asked.order_by) == (100, None, "created_at")
    assert (asked.prefix, asked.status, asked.type) == ("", None, None)


def test_what_is_given_is_read():
    asked = read(
        limit="1000", cursor="c", order_by="-filename", prefix="é/\x01", status="failed", type="video"
    )
    assert (asked.limit, asked.order_by, asked.prefix) == (1000, "-filename", "é/\x01")
    assert (asked.cursor, asked.status, asked.type) == ("c", Status.FAILED, Type.VIDEO)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("limit", text) for text in ("", "0", "1001", "-1", "+5", " 5", "1_0", "5.0", "٣", "9" * 5000)],
        *[("order_by", text) for text in ("", "size", "--created_at", "CREATED_AT", "created_at ")],
        ("status", "pending "),
        ("type", ""),
        ("prefix", "é" * 513),
        ("prefix", "\ud800"),
        ("cursor", "\udfff"),
        ("colour", "red"),
    ],
)
def test_a_value_that_cannot_be_is_a_mistake_with_its_name(name, value):
    assert list(mistakes_of({name: [value]})) == [name]


def test_the_longest_prefix_is_that_of_the_longest_key():
    assert read(prefix="é" * 512).prefix == "é" * 512


def test_every_mistake_is_told_at_once():
    assert mistakes_of({"limit": ["x"], "colour": ["red"], "type": ["sound"]}) == {
        "limit": "Input should be a number in digits",
        "colour": "There is no such parameter",
        "type": "Input should be 'image', 'video' or 'other'",
    }


def test_a_parameter_that_is_repeated_is_a_mistake():
    assert mistakes_of({"limit": ["5", "5"]}) == {"limit": "Input should be given once"}


def test_routes_without_parameters_take_none():
    assert mistakes_of({"limit": ["5"]}, model=Parameters) == {"limit": "There is no such parameter"}


@given(st.dictionaries(st.text() | st.just("prefix"), st.lists(st.characters(), min_size=1), min_size=1))
def test_no_text_is_more_than_a_mistake(given):
    try:
        parameters.read(PageParameters, given)
    except InvalidRequest as error:
        for place, detail in error.args:
            assert (place + detail).encode()
