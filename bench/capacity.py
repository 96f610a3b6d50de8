"""DynamoDB's arithmetic: how large it takes an item to be, and how many units it asks to read or change it.

Items are in DynamoDB's own form, `{"name": {"S": "value"}}`, as its stream shows them.
"""

from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

type Item = Mapping[str, Mapping[str, Any]]

_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096


def measure_item(item: "Item") -> int:
    """Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(len(name.encode()) + _measure_value(value) for name, value in item.items())


def count_read_units(sizes: "Iterable[int]", *, consistent: bool) -> float:
    """Of what is measured together: all that one Query reads, but each item of a BatchGetItem alone. Nothing
    costs as much as a little, and what need not be the very latest costs half."""
    return max(1, ceil(sum(sizes) / READ_UNIT_BYTES)) * (1 if consistent else 0.5)


def count_write_units(before: "Item | None", after: "Item | None") -> int:
    """Of the larger of what was there and what is there now."""
    return max(_units(item) for item in (before, after) if item is not None)


def count_index_units(before: "Item | None", after: "Item | None", attributes: "Sequence[str]") -> int:
    """Of an index that holds these attributes, all of them keys. An entry that comes or goes is one write,
    one that moves is two, and one that stays is none.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
    """
    old, new = _entry(before, attributes), _entry(after, attributes)
    return 0 if old == new else sum(_units(entry) for entry in (old, new) if entry is not None)


def _entry(item: "Item | None", attributes: "Sequence[str]") -> "Item | None":
    if item is None or not item.keys() >= set(attributes):
        return None
    return {name: item[name] for name in attributes}


def _units(item: "Item") -> int:
    return max(1, ceil(measure_item(item) / _UNIT_BYTES))


def _measure_value(value: "Mapping[str, Any]") -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return _measure_number(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _measure_value(element) for element in content)
        case "M":
            return 3 + sum(1 + measure_item({name: element}) for name, element in content.items())
        case "SS" | "BS" | "NS":
            return sum(_measure_value({kind[0]: element}) for element in content)
    raise ValueError(f"DynamoDB has no type {kind}")


def _measure_number(text: str) -> int:
    """One byte for two digits, and one more; zeros at both ends are free. A sign takes another one."""
    number = Decimal(text).normalize()
    return ceil(len(number.as_tuple().digits) / 2) + 1 + (number < 0)
