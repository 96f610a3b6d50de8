"""What the READMEs show is what happens, each in one run from top to bottom."""

import doctest
import functools
import re
import shlex
from pathlib import Path

import pytest
from tidelake import Client

from tests.client import samples
from tests.client.stack import URL, Stack

ROOT = Path(__file__).parents[2]
README = ROOT / "client" / "README.md"

EVERY = pytest.mark.parametrize("readme", [ROOT / "README.md", README], ids=["of all", "of the client"])


def blocks(readme: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def commands(readme: Path) -> list[str]:
    lines = blocks(readme, "console")[-1].splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@EVERY
def test_its_python_says_what_happens(
    readme: Path, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples.fill(stack)
    samples.write(tmp_path)
    monkeypatch.setattr("tidelake.Client", functools.partial(Client, transport=stack))
    told: list[str] = []
    given = {"url": URL, "key": stack.key}
    examples = "\n".join(blocks(readme, "python"))
    test = doctest.DocTestParser().get_doctest(examples, given, "README", str(readme), 0)
    results = doctest.DocTestRunner().run(test, out=told.append)
    assert results.failed == 0, "".join(told)
    assert results.attempted > 4


@EVERY
def test_its_commands_go_well(readme: Path, say, stack: Stack, tmp_path: Path) -> None:
    samples.write(tmp_path)
    for line in commands(readme):
        program, *words = shlex.split(line.rpartition(" | ")[2].replace('"$API"', URL))
        assert program == "tidelake"
        told = say(*words, given=f"{stack.key}\n")
        assert told.code == 0, (line, told.err)
    assert list((tmp_path / "pictures").rglob("a.png"))


def test_the_client_shows_most_of_its_commands() -> None:
    assert len(commands(README)) > 10
