"""Every example in the SDK's docstrings is run, each over a stack of its own."""

import doctest
import functools
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
import tidelake
from tidelake import Client

from tests.client import samples
from tests.client.stack import URL, Stack

MODULES = [import_module(f"tidelake.{module.name}") for module in pkgutil.iter_modules(tidelake.__path__)]
EXAMPLES = [
    example
    for module in (tidelake, *MODULES)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module)
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_in_a_docstring_says_what_happens(
    example: doctest.DocTest, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples.fill(stack)
    samples.write(tmp_path)
    opened = functools.partial(Client, transport=stack)
    with opened(URL, stack.key) as client:
        example.globs |= {
            "Client": opened,
            "url": URL,
            "key": stack.key,
            "client": client,
            "lake": client.get_datalake(),
            "folder": tmp_path,
        }
        told: list[str] = []
        results = doctest.DocTestRunner().run(example, out=told.append, clear_globs=False)
    assert results.failed == 0, "".join(told)
    assert results.skipped == 0


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 15
