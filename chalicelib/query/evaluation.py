"""Whether data is what a tree asks for. docs/query.md says the same in words."""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from chalicelib.model.label import fold
from chalicelib.query import fields, times
from chalicelib.query.fields import Content
from chalicelib.query.tree import And, Clause, Not, Operator, Or, clauses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.model.data import Data
    from chalicelib.query.fields import Field
    from chalicelib.query.tree import Tree

type Test = Callable[[Data, Names], bool]
type Names = Mapping[str, str]
"""What tags and sources are called, by their ids."""
type Operand = tuple[type, Any]
"""A value beside its kind: only values of one kind compare."""

_COMPARISONS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQUAL: operator.eq,
    Operator.IN: operator.eq,
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.ABOVE: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.CONTAINS: operator.contains,
    Operator.STARTS_WITH: str.startswith,
}
_NEGATIVES: Final = {Operator.UNEQUAL: Operator.EQUAL, Operator.NOT_IN: Operator.IN}
_ATTRIBUTES: Final = {"datalake_id": "lake_id"}
"""Of fields that records call otherwise."""


def compile(tree: "Tree") -> Test:
    match tree:
        case Clause():
            return _compile_clause(tree)
        case Not(part):
            test = compile(part)
            return lambda data, names: not test(data, names)
        case And(parts):
            tests = [compile(part) for part in parts]
            return lambda data, names: all(test(data, names) for test in tests)
        case Or(parts):
            tests = [compile(part) for part in parts]
            return lambda data, names: any(test(data, names) for test in tests)


def needs_names(tree: "Tree") -> bool:
    return any(clause.field.content is Content.LABEL for clause in clauses(tree))


def _compile_clause(clause: Clause) -> Test:
    field, asked = clause.field, clause.operator
    if asked is Operator.EXISTS:
        return lambda data, names: bool(_values(field, data, names))
    compare = _COMPARISONS[_NEGATIVES.get(asked, asked)]
    wanted = _operands(field.content, clause.values)

    def test(data: "Data", names: Names) -> bool:
        held = _operands(field.content, _values(field, data, names))
        return any(kind is other and compare(value, want) for kind, value in held for other, want in wanted)

    return (lambda data, names: not test(data, names)) if asked in _NEGATIVES else test


def _operands(content: Content, values: "Iterable[Any]") -> list[Operand]:
    return [operand for value in values if (operand := _operand(content, value))]


def _operand(content: Content, value: Any) -> Operand | None:
    match value:
        case str() if content is Content.TIME:
            moment = times.read(value)
            return (datetime, moment) if moment else None
        case str():
            return str, fold(value) if content is Content.LABEL else value
        case bool():
            return bool, value
        case int() | float():
            return float, value
    return None


def _values(field: "Field", data: "Data", names: Names) -> list[Any]:
    """What the data has in the field: nothing, one value, or several names of tags."""
    match field:
        case fields.TAGS:
            return [names[tag] for tag in data.tags if tag in names]
        case fields.SOURCE:
            return [names[data.source]] if data.source and data.source in names else []
        case fields.TAG_IDS:
            return list(data.tags)
        case fields.SOURCE_ID:
            return [data.source]
    value = getattr(data, _ATTRIBUTES.get(field.name, field.name))
    value = value.get(field.key) if field.key else value
    return [] if value is None else [value]
