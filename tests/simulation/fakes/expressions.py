"""DynamoDB's expressions, as far as this project writes them. Whatever else is written raises, so that
nothing passes here that DynamoDB might understand differently."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from tests.simulation.fakes.errors import refusal

type Value = tuple[str, Any]
"""An attribute's type letters and its value, hashable: ("S", "x"), ("N", Decimal), ("SS", frozenset)."""
type Item = Mapping[str, Value]


class Unsupported(Exception):
    """The fake does not know this construct: teach it, or do without."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What the aliases of one request stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Value]


type Term = Callable[[Item, Binding], Value | None]
type Condition = Callable[[Item, Binding], bool]
type Projection = Callable[[Item, Binding], Item]


@dataclass(frozen=True, slots=True)
class Action:
    verb: str
    path: str
    term: Term | None = None


@dataclass(frozen=True, slots=True)
class Parsed[T]:
    meaning: T
    aliases: frozenset[str]
    """Every `#name` and `:value` in the text: DynamoDB refuses a request that defines another."""
    paths: frozenset[str]


@cache
def parse_condition(text: str) -> Parsed[Condition]:
    parser = _Parser(text)
    return parser.finish(parser.either())


@cache
def parse_update(text: str) -> Parsed[tuple[Action, ...]]:
    parser = _Parser(text)
    return parser.finish(tuple(parser.actions()))


@cache
def parse_projection(text: str) -> Parsed[Projection]:
    parser = _Parser(text)
    return parser.finish(parser.projection())


def apply_update(actions: tuple[Action, ...], item: Item, binding: Binding) -> dict[str, Value]:
    """Every term is read from the item as it was before."""
    after = dict(item)
    for action in actions:
        name = binding.names.get(action.path, action.path)
        value = action.term(item, binding) if action.term else None
        if action.verb == "REMOVE":
            after.pop(name, None)
        elif value is None:
            raise Unsupported("an update with a path that is not there")
        elif action.verb == "SET":
            after[name] = value
        elif value[0] == "SS":
            _change_set(after, name, value, action.verb)
        elif action.verb == "DELETE":
            raise Unsupported("DELETE from what is no set")
        else:
            after[name] = _sum(item.get(name, ("N", Decimal(0))), value)
    return after


def _change_set(after: dict[str, Value], name: str, value: Value, verb: str) -> None:
    there = after.pop(name, ("SS", frozenset()))[1]
    # There are no empty sets.
    if left := there | value[1] if verb == "ADD" else there - value[1]:
        after[name] = ("SS", left)


def _sum(left: Value, right: Value) -> Value:
    if left[0] != "N" or right[0] != "N":
        raise Unsupported("ADD to what is no number")
    return ("N", left[1] + right[1])


_TOKEN = re.compile(r"\s*(<=|>=|<>|[#:]?[A-Za-z0-9_]+|[()=<>,])")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(slots=True)
class _Parser:
    text: str
    tokens: list[str] = field(init=False)
    aliases: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tokens = _TOKEN.findall(self.text)
        if "".join(self.tokens) != re.sub(r"\s", "", self.text):
            raise Unsupported(self.text)

    def finish[T](self, meaning: T) -> Parsed[T]:
        if self.tokens:
            raise Unsupported(self.text)
        return Parsed(meaning, frozenset(self.aliases), frozenset(self.paths))

    def either(self) -> Condition:
        parts = [self.both()]
        while self.skip("OR"):
            parts.append(self.both())
        return lambda item, binding: any(part(item, binding) for part in parts)

    def both(self) -> Condition:
        parts = [self.single()]
        while self.skip("AND"):
            parts.append(self.single())
        return lambda item, binding: all(part(item, binding) for part in parts)

    def single(self) -> Condition:
        if self.skip("("):
            inner = self.either()
            self.expect(")")
            return inner
        if self.skip("attribute_not_exists"):
            path = self.argument()
            return lambda item, binding: path(item, binding) is None
        if self.skip("attribute_exists"):
            path = self.argument()
            return lambda item, binding: path(item, binding) is not None
        return self.comparison()

    def comparison(self) -> Condition:
        left = self.term()
        if self.skip("BETWEEN"):
            low = self.term()
            self.expect("AND")
            return _between(left, low, self.term())
        sign = self.take()
        if sign == "<>":
            # What is of another type is another value.
            other = self.term()
            return lambda item, binding: not _compare(operator.eq, left(item, binding), other(item, binding))
        if sign not in _COMPARISONS:
            raise Unsupported(f"{sign} in {self.text}")
        compare, right = _COMPARISONS[sign], self.term()
        return lambda item, binding: _compare(compare, left(item, binding), right(item, binding))

    def actions(self) -> list[Action]:
        found = []
        while self.tokens:
            verb = self.take()
            if verb not in ("SET", "REMOVE", "ADD", "DELETE"):
                raise Unsupported(f"{verb} in {self.text}")
            found.append(self.action(verb))
            while self.skip(","):
                found.append(self.action(verb))
        if len({action.path for action in found}) < len(found):
            raise Unsupported(f"a path twice in {self.text}")
        return found

    def action(self, verb: str) -> Action:
        path = self.take()
        self.note(path)
        if verb == "SET":
            self.expect("=")
        return Action(verb, path, None if verb == "REMOVE" else self.term())

    def projection(self) -> Projection:
        paths = [self.take()]
        while self.skip(","):
            paths.append(self.take())
        for path in paths:
            self.note(path)

        def project(item: Item, binding: Binding) -> Item:
            names = [binding.names.get(path, path) for path in paths]
            return {name: item[name] for name in names if name in item}

        return project

    def argument(self) -> Term:
        self.expect("(")
        path = self.term()
        self.expect(")")
        return path

    def term(self) -> Term:
        if self.skip("if_not_exists"):
            self.expect("(")
            path = self.term()
            self.expect(",")
            default = self.term()
            self.expect(")")
            return lambda item, binding: path(item, binding) or default(item, binding)
        token = self.take()
        if not re.match(r"[#:A-Za-z]", token):
            raise Unsupported(f"{token} in {self.text}")
        self.note(token)
        if token.startswith(":"):
            return lambda item, binding: binding.values[token]
        return lambda item, binding: item.get(binding.names.get(token, token))

    def note(self, token: str) -> None:
        if token[0] in "#:":
            self.aliases.add(token)
        if token[0] != ":":
            self.paths.add(token)

    def take(self) -> str:
        if not self.tokens:
            raise Unsupported(self.text)
        return self.tokens.pop(0)

    def skip(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.skip(token):
            raise Unsupported(f"{token} is missing in {self.text}")


def _compare(compare: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    """False where something is missing or of another type, as DynamoDB has it."""
    if left is None or right is None or left[0] != right[0]:
        return False
    return compare(_order(left), _order(right))


def _between(term: Term, low: Term, high: Term) -> Condition:
    def holds(item: Item, binding: Binding) -> bool:
        value, lowest, highest = (each(item, binding) for each in (term, low, high))
        if lowest and highest and not _compare(operator.le, lowest, highest):
            raise refusal("", "ValidationException")
        return _compare(operator.ge, value, lowest) and _compare(operator.le, value, highest)

    return holds


def _order(value: Value) -> Any:
    """Text is ordered by its UTF-8 bytes."""
    return value[1].encode() if value[0] == "S" else value[1]
