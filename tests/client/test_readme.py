"""What the README shows is what happens, in one run from top to bottom."""

import doctest
import functools
import re
import shlex
from pathlib import Path

import pytest
from tidelake import Client

from tests.client import samples
from tests.client.stack import URL, Stack

README = Path(__file__).parents[2] / "client" / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_its_python_says_what_happens(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples.fill(stack)
    samples.write(tmp_path)
    monkeypatch.setattr("tidelake.Client", functools.partial(Client, transport=stack))
    told: list[str] = []
    given = {"url": URL, "key": stack.key}
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("python")), given, "README", str(README), 0)
    results = doctest.DocTestRunner().run(test, out=told.append)
    assert results.failed == 0, "".join(told)
    assert results.attempted > 10


def test_its_commands_go_well(say, stack: Stack, tmp_path: Path) -> None:
    samples.write(tmp_path)
    commands = [
        line.removeprefix("$ ") for line in blocks("console")[-1].splitlines() if line.startswith("$ ")
    ]
    for line in commands:
        program, *words = shlex.split(line.rpartition(" | ")[2].replace('"$API"', URL))
        assert program == "tidelake"
        told = say(*words, given=f"{stack.key}\n")
        assert told.code == 0, (line, told.err)
    assert len(commands) > 10
    assert (tmp_path / "copied" / "camera-one" / "0600.jpg").exists()
    assert (tmp_path / "pictures" / "new" / "a.png").exists()
