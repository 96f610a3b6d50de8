"""What grammar.lark makes of a text, as the clauses of a tree that mean something."""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lark import Lark, Token, Transformer_NonRecursive, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from chalicelib.errors import InvalidQuery
from chalicelib.query import fields, times
from chalicelib.query.fields import Content
from chalicelib.query.tree import Clause, Operator, conjoin, disjoin, negate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.query.fields import Field
    from chalicelib.query.tree import Tree, Value

CHARACTERS: Final = 4096
CLAUSES: Final = 20

_INTEGERS: Final = range(-(2**63), 2**63)
_SHOWN_CHARACTERS: Final = 100
_TERMINALS: Final = {
    "_AND": "and",
    "_OR": "or",
    "FIELD": "a field",
    "COMPARISON": "= != < <= > >=",
    "STRING": "a string",
    "NUMBER": "a number",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
}
_STRANGE: Final = "This cannot stand here"
_SEARCHING: Final = frozenset({Operator.CONTAINS, Operator.STARTS_WITH})
_SAMENESS: Final = frozenset({Operator.EQUAL, Operator.UNEQUAL, Operator.IN, Operator.NOT_IN})
_ORDERING: Final = frozenset({Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST})
_SENSELESS: Final = {
    Content.NUMBER: _SEARCHING,
    Content.BOOLEAN: _SEARCHING | _ORDERING,
    Content.TIME: _SEARCHING,
    Content.LABEL: _ORDERING,
}


def read(text: str, schema: "Mapping[str, Any] | None") -> "Tree":
    """Raises InvalidQuery."""
    if len(text) > CHARACTERS:
        raise _mistake(text, CHARACTERS, f"A query has at most {CHARACTERS:,} characters")
    try:
        tree: Tree = _Reader(text, schema).transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise _unexpected(text, error) from error
    except VisitError as error:
        raise error.orig_exc from error
    return tree


@cache
def _parser() -> Lark:
    return Lark(Path(__file__).with_name("grammar.lark").read_text(), parser="lalr", lexer="basic")


@dataclass(frozen=True, slots=True)
class _Literal:
    start: int
    value: "Value"


@v_args(inline=True)
class _Reader(Transformer_NonRecursive[Token, Any]):
    def __init__(self, text: str, schema: "Mapping[str, Any] | None") -> None:
        super().__init__()
        self.text, self.schema, self.clauses = text, schema, 0

    def disjunction(self, *trees: "Tree") -> "Tree":
        return disjoin(trees)

    def conjunction(self, *trees: "Tree") -> "Tree":
        return conjoin(trees)

    def inverse(self, _: Token, tree: "Tree") -> "Tree":
        return negate(tree)

    def clause(self, name: Token, *rest: "Token | _Literal") -> Clause:
        self.clauses += 1
        if self.clauses > CLAUSES:
            raise _mistake(self.text, _start(name), f"A query has at most {CLAUSES} clauses")
        field = self._field(name)
        operator = self._operator(field, [word for word in rest if isinstance(word, Token)])
        literals = [literal for literal in rest if isinstance(literal, _Literal)]
        return Clause(field, operator, tuple(self._value(field, operator, each) for each in literals))

    def value(self, token: Token) -> _Literal:
        return _Literal(_start(token), self._at(token, lambda: _read(token)))

    def _field(self, token: Token) -> "Field":
        name, _, key = token.partition(".")
        key = self._at(token, lambda: _text(key)) if key.startswith('"') else key
        field = fields.find(name, key, self.schema)
        if field is None:
            raise _mistake(self.text, _start(token), f"There is no field {token[:_SHOWN_CHARACTERS]}")
        return field

    def _at[T](self, token: Token, read: "Callable[[], T]") -> T:
        try:
            return read()
        except ValueError as error:
            raise _mistake(self.text, _start(token), str(error)) from error

    def _operator(self, field: "Field", words: "list[Token]") -> Operator:
        operator = Operator(" ".join(words).lower())
        if operator in _SENSELESS.get(field.content, ()):
            detail = f"`{operator}` makes no sense: {field} holds {field.content}"
            raise _mistake(self.text, _start(words[0]), detail)
        return operator

    def _value(self, field: "Field", operator: Operator, literal: _Literal) -> "Value":
        if not _fits(field.content, literal.value):
            raise _mistake(self.text, literal.start, f"{field} holds {field.content}", [field.content.value])
        if field.choices and operator in _SAMENESS and literal.value not in field.choices:
            choices = [json.dumps(choice) for choice in field.choices]
            raise _mistake(self.text, literal.start, f"{field} is never that", choices)
        return literal.value


def _read(token: Token) -> "Value":
    match token.type:
        case "NUMBER":
            return _number(token)
        case "STRING":
            return _text(token)
    return token.type == "TRUE"


def _number(token: str) -> int | float:
    number: int | float = json.loads(token)
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError("A number is at most 1.8e308")
    if isinstance(number, int) and number not in _INTEGERS:
        raise ValueError("An integer has at most 64 bits")
    return number


def _text(token: str) -> str:
    text: str = json.loads(token)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("Half a surrogate pair is no character")
    return text


def _fits(content: Content, value: "Value") -> bool:
    match content:
        case Content.ANY:
            return True
        case Content.BOOLEAN:
            return isinstance(value, bool)
        case Content.NUMBER:
            return not isinstance(value, bool | str)
        case Content.TIME:
            return isinstance(value, str) and times.read(value) is not None
    return isinstance(value, str)


def _unexpected(text: str, error: UnexpectedInput) -> InvalidQuery:
    if not isinstance(error, UnexpectedToken):
        start = error.pos_in_stream or 0
        detail = "This string does not end, or holds what must be escaped" if text[start] == '"' else _STRANGE
    elif error.token.type == "$END":
        start, detail = len(text), "The query ends too early"
    else:
        start, detail = _start(error.token), _STRANGE
    return _mistake(text, start, detail, _possible_after(text[:start]))


def _possible_after(text: str) -> list[str]:
    # The error itself no longer knows all: the parser has closed what the unexpected token might have closed.
    steps = _parser().parse_interactive(text)
    steps.exhaust_lexer()
    possible: set[str] = steps.accepts()  # type: ignore[no-untyped-call]
    return sorted(_TERMINALS.get(name, name.lower()) for name in possible)


def _mistake(text: str, start: int, detail: str, expected: "Iterable[str]" = ()) -> InvalidQuery:
    before = text[:start]
    line, column = before.count("\n") + 1, start - before.rfind("\n")
    return InvalidQuery((detail, line, column, list(expected)))


def _start(token: Token) -> int:
    return token.start_pos or 0
