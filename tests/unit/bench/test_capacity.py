from typing import Any

import pytest

from bench.capacity import count_index_units, count_read_units, count_write_units, measure_item

KEYS = ("shard", "created_key", "id")


def item(**texts: str) -> dict[str, dict[str, Any]]:
    return {name: {"S": text} for name, text in texts.items()}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "é"}, 2),
        ({"B": b"\x00\x01"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 2),
        ({"N": "12"}, 2),
        ({"N": "123"}, 3),
        ({"N": "-12"}, 3),
        ({"N": "1200"}, 2),
        ({"N": "0.0012"}, 2),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "123"]}, 5),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 9),
        ({"M": {"ab": {"S": "c"}}}, 7),
    ],
)
def test_a_value_counts_as_the_developer_guide_says_and_its_name_besides(value: Any, size: int) -> None:
    assert measure_item({"name": value}) == 4 + size


@pytest.mark.parametrize(("size", "units"), [(1, 1), (1024, 1), (1025, 2), (2049, 3)])
def test_a_write_costs_a_unit_for_each_kilobyte_begun(size: int, units: int) -> None:
    assert count_write_units(None, item(a="x" * (size - 1))) == units


@pytest.mark.parametrize(("sizes", "units"), [([], 1), ([0], 1), ([4096], 1), ([4000, 97], 2), ([8193], 3)])
def test_a_read_costs_a_unit_for_four_kilobytes_begun_and_half_if_it_may_be_late(
    sizes: list[int], units: int
) -> None:
    assert count_read_units(sizes, consistent=True) == units
    assert count_read_units(sizes, consistent=False) == units / 2


def test_a_write_costs_what_the_larger_of_before_and_after_does() -> None:
    small, large = item(id="1"), item(id="1", text="x" * 3000)
    assert count_write_units(small, large) == count_write_units(large, small) == 3
    assert count_write_units(large, None) == 3


def test_an_index_costs_only_where_its_entry_changes() -> None:
    there = item(id="1", shard="s", created_key="t", status="indexed")
    assert count_index_units(None, there, KEYS) == 1
    assert count_index_units(there, there | item(status="ready"), KEYS) == 0
    assert count_index_units(there, there | item(created_key="u"), KEYS) == 2
    assert count_index_units(there, None, KEYS) == 1


def test_an_item_that_lacks_a_key_of_the_index_is_not_in_it() -> None:
    tombstone = item(id="1", created_key="t")
    assert count_index_units(None, tombstone, KEYS) == 0
    assert count_index_units(tombstone, tombstone | item(shard="s"), KEYS) == 1
