import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model import limits
from chalicelib.storage.records import Order, span

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: len(name.encode()) <= limits.KEY_BYTES
)


@given(NAMES)
@pytest.mark.parametrize("name", ["\x00nul.txt", "\U0010ffff" * 256, "\U0010ffff" * 255 + "zzz"])
def test_every_name_has_its_place_in_the_span_of_all_and_in_that_of_its_prefixes(
    name: str, other: str
) -> None:
    for each in (name, other):
        for length in range(min(len(each), 5) + 1):
            low, high = span(Order.OBJECT_NAME, each[:length])
            assert low.encode() <= each.encode() <= high.encode()
