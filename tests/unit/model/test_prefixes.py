"""What people mean by a prefix, and what a bucket is asked to tell of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.lake import normalize_prefix, told_prefixes


@pytest.mark.parametrize(
    ("given_text", "meant"),
    [
        ("", ""),
        ("/", ""),
        ("a", "a/"),
        ("/a/", "a/"),
        ("a//", "a/"),
        ("a//b", "a//b/"),
        ("./a", "./a/"),
        (" a ", " a /"),
        ("e\u0301", "e\u0301/"),
        ("\u00e9", "\u00e9/"),
    ],
)
def test_only_slashes_at_both_ends_are_not_taken_as_they_stand(given_text, meant):
    assert normalize_prefix(given_text) == meant


@given(st.text())
def test_a_prefix_that_is_normal_stays_so(text):
    assert normalize_prefix(normalize_prefix(text)) == normalize_prefix(text)


@given(st.lists(st.text(alphabet="ab/ +é*", max_size=5), max_size=6))
def test_told_prefixes_hold_all_and_none_holds_another(prefixes):
    told = told_prefixes(prefixes)
    assert all(any(prefix.startswith(each) for each in told) for prefix in prefixes)
    for each in told:
        assert not any(other != each and other.startswith(each) for other in told)
        assert not set(each) & set(" +é*")
