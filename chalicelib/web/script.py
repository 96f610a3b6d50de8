"""All modules of the gallery as one, so that a first visit waits for one script.

Each becomes a function that is called once, in the order in which a browser would run them, and that returns
what it exports. That is the same as long as they import in no circle and export nothing that changes. What is
written so that it would not be the same is refused.
"""

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IMPORT = re.compile(r'^import\s*(\w+)?[\s,]*({[^{}]*})?\s*from\s*"(\.[\w./-]+\.js)";?', re.MULTILINE)
_DECLARATION = re.compile(
    r"^export (default )?(?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE
)
# What is vendored is one long line.
_EXPRESSION = re.compile(r"(?:^|(?<=[;}]))export default ", re.MULTILINE)
_LIST = re.compile(r"(?:^|(?<=[;}]))export\s*{([^{}]*)}(?!\s*from);?", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def join(folder: "Path", first: str) -> str:
    """Raises ValueError where a module is written so that it cannot be joined."""
    done: dict[str, str] = {}
    _add(folder, first, done, ())
    return "".join(done.values())


def _add(folder: "Path", name: str, done: dict[str, str], before: tuple[str, ...]) -> None:
    if name in before:
        raise ValueError(f"modules import each other in a circle: {' → '.join((*before, name))}")
    text = (folder / name).read_text()
    for found in _IMPORT.finditer(text):
        imported = _resolve(name, found[3])
        if imported not in done:
            _add(folder, imported, done, (*before, name))
    done[name] = _as_function(name, text)


def _as_function(name: str, text: str) -> str:
    exported: list[str] = []

    def imports(found: re.Match[str]) -> str:
        default = [f"default: {found[1]}"] if found[1] else []
        named = [f"{theirs}: {ours}" for theirs, ours in _pairs(found[2] or "{}")]
        return f"const {{ {', '.join(default + named)} }} = {_variable(_resolve(name, found[3]))};"

    def declares(found: re.Match[str]) -> str:
        exported.append(f"default: {found[2]}" if found[1] else found[2])
        return ""

    def expresses(_: re.Match[str]) -> str:
        exported.append("default: $default")
        return "const $default = "

    def lists(found: re.Match[str]) -> str:
        exported.extend(f"{theirs}: {ours}" for ours, theirs in _pairs(found[1]))
        return ""

    steps = ((_IMPORT, imports), (_DECLARATION, declares), (_EXPRESSION, expresses), (_LIST, lists))
    for pattern, replace in steps:
        text = pattern.sub(replace, text)
    if left := _LEFT.search(text):
        raise ValueError(f"{name} cannot be joined: {left[0]}")
    return f"const {_variable(name)} = (() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def _pairs(names: str) -> "Iterator[tuple[str, str]]":
    """Of `{a, b as c}`: what is called so here, and there."""
    for each in filter(None, (part.strip() for part in names.strip("{}").split(","))):
        first, _, second = each.partition(" as ")
        yield first, second or first


def _resolve(name: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), address))


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name)
