"""Files of columns that are small and unfold to much."""

import gzip
import struct
from collections.abc import Sequence

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
"""Types of the compact Thrift protocol."""

_MAGIC = b"PAR1"
_TEXT, _REQUIRED, _GZIP, _DICTIONARY = 6, 0, 2, 8
"""What the format calls them."""


def bomb(rows: int, characters: int) -> bytes:
    """In each row the same text, which stands there once, and one run says how often."""
    text = struct.pack("<i", characters) + b"x" * characters
    dictionary = _page(2, text, 7, [(1, I32, _number(1)), (2, I32, _number(0))])
    run = b"\0" + _varint(rows << 1)
    levels = [(3, I32, _number(3)), (4, I32, _number(3))]
    page = _page(0, run, 5, [(1, I32, _number(rows)), (2, I32, _number(_DICTIONARY)), *levels])
    size = _number(len(dictionary + page))
    column = _struct(
        (1, I32, _number(_TEXT)),
        (2, LIST, _list(I32, _number(0), _number(_DICTIONARY))),
        (3, LIST, _list(BINARY, _text(b"object_name"))),
        (4, I32, _number(_GZIP)),
        (5, I64, _number(rows)),
        (6, I64, size),
        (7, I64, size),
        (9, I64, _number(len(_MAGIC + dictionary))),
        (11, I64, _number(len(_MAGIC))),
    )
    chunk = _struct((2, I64, _number(len(_MAGIC))), (3, STRUCT, column))
    group = _struct((1, LIST, _list(STRUCT, chunk)), (2, I64, size), (3, I64, _number(rows)))
    root = _struct((4, BINARY, _text(b"schema")), (5, I32, _number(1)))
    leaf = _struct(
        (1, I32, _number(_TEXT)),
        (3, I32, _number(_REQUIRED)),
        (4, BINARY, _text(b"object_name")),
        (6, I32, _number(0)),
    )
    footer = _struct(
        (1, I32, _number(1)),
        (2, LIST, _list(STRUCT, root, leaf)),
        (3, I64, _number(rows)),
        (4, LIST, _list(STRUCT, group)),
    )
    return _MAGIC + dictionary + page + footer + struct.pack("<i", len(footer)) + _MAGIC


def _page(kind: int, content: bytes, place: int, header: Sequence[tuple[int, int, bytes]]) -> bytes:
    packed = gzip.compress(content)
    sizes = (2, I32, _number(len(content))), (3, I32, _number(len(packed)))
    return _struct((1, I32, _number(kind)), *sizes, (place, STRUCT, _struct(*header))) + packed


def _struct(*fields: tuple[int, int, bytes]) -> bytes:
    """The number of each, its type, its value."""
    found, last = b"", 0
    for number, kind, value in fields:
        found, last = found + bytes([(number - last) << 4 | kind]) + value, number
    return found + b"\0"


def _list(kind: int, *values: bytes) -> bytes:
    return bytes([len(values) << 4 | kind]) + b"".join(values)


def _text(text: bytes) -> bytes:
    return _varint(len(text)) + text


def _number(value: int) -> bytes:
    return _varint(value << 1)


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])
