"""JSON that means the same to everybody who reads it: no name twice in an object, no numbers that others
cannot hold, no depth that somebody's stack ends before."""

import json
import re
from math import isinf
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEPTH = 32
_INTEGERS = range(-(2**63), 2**63)
_INTEGER_CHARACTERS = 20
_SHOWN_CHARACTERS = 100
_HALF_PAIRS = re.compile("[\ud800-\udfff]")


class InvalidJson(ValueError):
    """Its argument says why, for people."""


def read(text: str) -> Any:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"Input should be JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise _too_deep() from error
    if _is_deeper(value, _DEPTH):
        raise _too_deep()
    return value


def read_unicode(text: str) -> Any:
    """The same, where nobody else looks whether escapes spell half a surrogate pair."""
    value = read(text)
    if _HALF_PAIRS.search(json.dumps(value, ensure_ascii=False)):
        raise InvalidJson("it should be Unicode text")
    return value


def _object(pairs: "Sequence[tuple[str, Any]]") -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidJson(f"{twice[:_SHOWN_CHARACTERS]!a} should be given once in an object")
    return found


def _integer(text: str) -> int:
    if len(text) > _INTEGER_CHARACTERS or int(text) not in _INTEGERS:
        raise InvalidJson("Integers should have at most 64 bits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    return _refuse(text) if isinf(number) else number


def _refuse(text: str) -> NoReturn:
    raise InvalidJson(f"Numbers should be finite and at most 1.8e308: {text[:_SHOWN_CHARACTERS]}")


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return False
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def _too_deep() -> InvalidJson:
    return InvalidJson(f"Objects and lists should be at most {_DEPTH} deep")
