"""What a lake wants custom metadata to be like:
`{"fields": {"lot": {"type": "string", "required": true}}, "extra": false}`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.model import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class ValueType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    """RFC 3339, with its offset from UTC."""
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Rule:
    type: ValueType
    required: bool = False
    choices: "Sequence[str]" = ()

    def admits(self, value: object) -> bool:
        return value in self.choices if self.type is ValueType.CHOICE else _ADMITS[self.type](value)

    def __str__(self) -> str:
        return f"one of {', '.join(self.choices)}" if self.type is ValueType.CHOICE else f"a {self.type}"


@dataclass(frozen=True, slots=True)
class Schema:
    rules: "Mapping[str, Rule]"
    extra: bool
    """Whether there may be other keys."""

    @classmethod
    def read(cls, given: "Mapping[str, Any]") -> "Schema":
        """Raises ValueError or TypeError when it is none."""
        rules = {
            key: Rule(**rule | {"type": ValueType(rule["type"])}) for key, rule in given["fields"].items()
        }
        return cls(rules, bool(given["extra"]))

    def mistakes_in(self, metadata: "Mapping[str, Any]") -> "Iterator[tuple[str, str]]":
        """(key, what is wrong with it)."""
        for key, value in metadata.items():
            rule = self.rules.get(key)
            if rule and not rule.admits(value):
                yield key, f"The datalake's schema wants {rule}"
            elif not rule and not self.extra:
                yield key, "The datalake's schema has no such key"
        for key, rule in self.rules.items():
            if rule.required and key not in metadata:
                yield key, "The datalake's schema requires it"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_datetime(value: object) -> bool:
    return isinstance(value, str) and moment.is_rfc3339(value)


_ADMITS: "Mapping[ValueType, Callable[[object], bool]]" = {
    ValueType.STRING: lambda value: isinstance(value, str),
    ValueType.INTEGER: _is_integer,
    ValueType.FLOAT: lambda value: isinstance(value, float) or _is_integer(value),
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.DATETIME: _is_datetime,
}
