"""What a query asks for, as a tree in normal form, so that equal trees are written the same: no "and" in an
"and", no "or" in an "or", no "not" of a "not"."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.query.fields import Field

type Value = str | int | float | bool
type Tree = Clause | Not | And | Or


class Operator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    IN = "in"
    NOT_IN = "not in"
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Clause:
    field: "Field"
    operator: Operator
    values: tuple[Value, ...] = ()
    """One, but any number after `in` and `not in`, and none after `exists`."""

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return f"{self.field} exists"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.field} {self.operator} ({', '.join(map(_spell, self.values))})"
        return f"{self.field} {self.operator} {_spell(*self.values)}"


@dataclass(frozen=True, slots=True)
class Not:
    part: "Clause | And | Or"

    def __str__(self) -> str:
        return f"not {self.part}" if isinstance(self.part, Clause) else f"not ({self.part})"


@dataclass(frozen=True, slots=True)
class And:
    parts: "tuple[Clause | Not | Or, ...]"

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    parts: "tuple[Clause | Not | And, ...]"

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))


EVERYTHING: Final = And(())
"""No condition at all. It has no text: the language always asks for something."""


def conjoin(trees: "Iterable[Tree]") -> Tree:
    parts = tuple(part for tree in trees for part in conjuncts(tree))
    return parts[0] if len(parts) == 1 else And(parts)


def disjoin(trees: "Iterable[Tree]") -> Tree:
    """Of at least one."""
    parts = tuple(part for tree in trees for part in _disjuncts(tree))
    return parts[0] if len(parts) == 1 else Or(parts)


def negate(tree: Tree) -> Tree:
    return tree.part if isinstance(tree, Not) else Not(tree)


def conjuncts(tree: Tree) -> "tuple[Clause | Not | Or, ...]":
    """The conditions that must all hold."""
    return tree.parts if isinstance(tree, And) else (tree,)


def clauses(tree: Tree) -> "Iterator[Clause]":
    match tree:
        case Clause():
            yield tree
        case Not(part):
            yield from clauses(part)
        case And(parts) | Or(parts):
            for each in parts:
                yield from clauses(each)


def _disjuncts(tree: Tree) -> "tuple[Clause | Not | And, ...]":
    return tree.parts if isinstance(tree, Or) else (tree,)


def _spell(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
