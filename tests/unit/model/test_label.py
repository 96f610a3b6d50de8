import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model import limits
from chalicelib.model.label import fold, mistake_in


@given(st.text())
def test_a_name_is_the_same_in_every_unicode_form(name):
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name)) == fold(name)


@given(st.text())
def test_folding_twice_is_folding_once(name):
    assert fold(fold(name)) == fold(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Car", "cAR"), ("É", "e\u0301"), ("STRASSE", "straße"), ("ΣΑΣ", "σας"), ("\u01f0", "J\u030c")],
)
def test_a_name_is_the_same_in_every_case(one, other):
    assert fold(one) == fold(other)


def test_names_that_look_alike_are_others():
    assert len({fold(name) for name in ("car", "car ", "café", "cafe", "\uff11", "1")}) == 6


@pytest.mark.parametrize("name", ["x", "x" * 128, "😀" * 128, "\x00", ' / "é" ', "\U0001d160" * 85])
def test_these_can_be_names(name):
    assert mistake_in(name) is None
    assert len(fold(name).encode()) <= limits.KEY_BYTES


@pytest.mark.parametrize("name", ["", "x" * 129, "\U0001d160" * 86])
def test_these_cannot_be_names(name):
    assert mistake_in(name)
