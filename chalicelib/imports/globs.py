"""Names of objects in which `*` stands for any characters, `/` among them, or none. `\\*` is a star and
`\\\\` a backslash; any other backslash is one, too."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(r"\\[*\\]|\*+|[^*\\]+|\\")
"""Stars in a row are one: each takes its time with every name."""


@dataclass(frozen=True, slots=True)
class Glob:
    parts: "Sequence[str]"
    """What stands between the stars. A single one: there is no star, and it is a name."""

    @property
    def prefix(self) -> str:
        return self.parts[0]

    @property
    def is_name(self) -> bool:
        return len(self.parts) == 1

    def matches(self, name: str) -> bool:
        first, *middle = self.parts
        if not middle:
            return name == first
        last = middle.pop()
        end = len(name) - len(last)
        if not name.startswith(first) or not name.endswith(last):
            return False
        # Each as early as can be: no other choice leaves more room for the rest.
        at = len(first)
        for part in middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return at <= end


def read(text: str) -> Glob:
    parts = [""]
    for token in _TOKEN.findall(text):
        if token.startswith("*"):
            parts.append("")
        else:
            parts[-1] += token[1:] if token in (r"\*", r"\\") else token
    return Glob(tuple(parts))
