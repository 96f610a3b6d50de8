import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api import cursors
from chalicelib.config import config
from chalicelib.errors import InvalidCursor
from chalicelib.model.lake import Lake
from chalicelib.query.language import parse
from chalicelib.query.pages import Query
from chalicelib.query.tree import EVERYTHING
from chalicelib.storage.records import Order

LAKE = Lake(
    id="7f8e3b0e-55d1-5b9c-9d5e-0d2f1a3c4b5d",
    name="default",
    organization="acme",
    connector="stack",
    bucket="bucket",
    bucket_owner="123456789012",
    prefix="",
    shards=4,
    created_at="2025-01-01T00:00:00.000Z",
)
QUERY = Query(order=Order.FILENAME, where=parse('status = "ready" and width > 1'))


@pytest.fixture(autouse=True, scope="module")
def signing_key():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config.__dict__, "signing_key", b"a secret")
        yield


@given(st.text(max_size=1024))
def test_a_cursor_gives_back_its_position(position):
    cursor = cursors.encode(LAKE, QUERY, position)
    assert cursor.isascii()
    assert "=" not in cursor
    assert cursors.decode(LAKE, QUERY, cursor) == position


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(LAKE, id="00000000-0000-5000-8000-000000000000"),
        replace(LAKE, organization="other"),
    ],
)
def test_a_cursor_of_another_lake_or_organization_is_refused(elsewhere):
    with pytest.raises(InvalidCursor):
        cursors.decode(elsewhere, QUERY, cursors.encode(LAKE, QUERY, "p"))


@pytest.mark.parametrize(
    "other",
    [
        {"order": Order.OBJECT_NAME},
        {"descending": True},
        {"where": EVERYTHING},
        {"where": parse('status = "ready" or width > 1')},
        {"where": parse('status = "ready" and width > 1.0')},
        {"where": parse('status = "ready" and width >= 1')},
        {"under": ""},
    ],
)
def test_a_cursor_of_another_order_or_filter_is_refused(other):
    with pytest.raises(InvalidCursor):
        cursors.decode(LAKE, replace(QUERY, **other), cursors.encode(LAKE, QUERY, "p"))


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_forged_cursor_is_refused(forged):
    with pytest.raises(InvalidCursor):
        cursors.decode(LAKE, QUERY, forged)


@given(st.text(min_size=1), st.integers(min_value=0), st.integers(1, 255))
def test_a_cursor_with_one_byte_changed_is_refused(position, place, change):
    cursor = cursors.encode(LAKE, QUERY, position)
    token = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    token[place % len(token)] ^= change
    with pytest.raises(InvalidCursor):
        cursors.decode(LAKE, QUERY, base64.urlsafe_b64encode(token).decode())


def test_a_cursor_does_not_outlive_the_signing_key(monkeypatch):
    cursor = cursors.encode(LAKE, QUERY, "p")
    monkeypatch.setitem(config.__dict__, "signing_key", b"another secret")
    with pytest.raises(InvalidCursor):
        cursors.decode(LAKE, QUERY, cursor)
