"""The directories of a TIFF file, and of an EXIF block. Reading never raises: what is not there is empty."""

import math
import struct
from dataclasses import dataclass, field
from typing import Final, Self

SUB_DIRECTORIES: Final = 330
STRIP_OFFSETS: Final = 273
STRIP_BYTES: Final = 279
TILE_OFFSETS: Final = 324
TILE_BYTES: Final = 325

ENTRIES: Final = 1000
"""Read of one directory at most; real ones have fewer than a hundred."""

VALUE_BYTES: Final = 1 << 20
"""Longest value that is looked at: the strip offsets of the largest images."""

_FORMATS: Final = {
    1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 6: "b", 7: "c", 8: "h", 9: "i", 10: "ii",
    11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_RATIONALS: Final = ("II", "ii")
_BYTES: Final = ("c", "B")


@dataclass(frozen=True, slots=True)
class Entry:
    format: str
    count: int
    position: int


@dataclass(frozen=True, slots=True)
class Directory:
    data: bytes = b""
    order: str = "<"
    big: bool = False
    entries: dict[int, Entry] = field(default_factory=dict)

    def text(self, tag: int) -> bytes:
        return self._raw(tag, _BYTES)

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Fractions by zero are not a number."""
        entry = self.entries.get(tag)
        if entry is None or entry.format == "c":
            return ()
        raw = self._raw(tag, (entry.format,))
        values: tuple[float, ...] = struct.unpack(
            f"{self.order}{len(raw) // struct.calcsize(entry.format[0])}{entry.format[0]}", raw
        )
        if entry.format in _RATIONALS:
            return tuple(a / b if b else math.nan for a, b in zip(values[::2], values[1::2], strict=True))
        return values

    def number(self, tag: int) -> float | None:
        values = self.numbers(tag)
        return values[0] if values and math.isfinite(values[0]) else None

    def follow(self, tag: int) -> "Directory":
        """The directory that an entry points to."""
        offset = self.number(tag)
        return self._at(int(offset)) if offset is not None and offset > 0 else Directory()

    def whole(self) -> bool:
        """Whether all pixels that the directory promises lie within the file."""
        offsets = self.numbers(STRIP_OFFSETS) or self.numbers(TILE_OFFSETS)
        counts = self.numbers(STRIP_BYTES) or self.numbers(TILE_BYTES)
        return 0 < len(offsets) == len(counts) and all(
            offset + count <= len(self.data) for offset, count in zip(offsets, counts, strict=True)
        )

    def _raw(self, tag: int, formats: tuple[str, ...]) -> bytes:
        entry = self.entries.get(tag)
        if entry is None or entry.format not in formats:
            return b""
        size = entry.count * struct.calcsize("=" + entry.format)
        inline, pointer = (8, "Q") if self.big else (4, "I")
        position = entry.position
        if size > inline:
            (position,) = struct.unpack_from(self.order + pointer, self.data, position)
        value = self.data[position : position + min(size, VALUE_BYTES)]
        return value if len(value) == size else b""

    def _at(self, offset: int) -> Self:
        count_format, entry_format = ("Q", "HHQ") if self.big else ("H", "HHI")
        start = offset + struct.calcsize("=" + count_format)
        if start > len(self.data):
            return type(self)()
        (count,) = struct.unpack_from(self.order + count_format, self.data, offset)
        length, head = (20, 12) if self.big else (12, 8)
        end = min(len(self.data) - length, start + length * (min(count, ENTRIES) - 1))
        entries: dict[int, Entry] = {}
        for at in range(start, end + 1, length):
            tag, kind, values = struct.unpack_from(self.order + entry_format, self.data, at)
            if kind in _FORMATS:
                entries.setdefault(tag, Entry(_FORMATS[kind], values, at + head))
        return type(self)(self.data, self.order, self.big, entries)


def read(data: bytes) -> Directory:
    """The first directory."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return Directory()
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43):
        return Directory()
    big = version == 43
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    return Directory(data, order, big)._at(offset)
