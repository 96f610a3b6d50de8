"""What is drawn on a terminal while something takes long."""

import io
import sys
import threading
from types import SimpleNamespace

import pytest
from rich.console import Console
from tidelake.command import bars, drawing

from tests.client import samples


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class AtOnce(threading.Timer):
    def start(self) -> None:
        self.function()


class Never(threading.Timer):
    def start(self) -> None:
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """People look at it, and a second has gone by as soon as anything begins."""
    shown = io.StringIO()
    monkeypatch.setattr(
        drawing, "Console", lambda stderr: Console(file=shown, force_terminal=True, width=100)
    )
    monkeypatch.setattr(bars, "sys", SimpleNamespace(stderr=Terminal(), stdout=sys.stdout))
    monkeypatch.setattr(bars, "Timer", AtOnce)
    return shown


LONG = [
    (("upload", "a.png", "b.png", "--to", "new"), "uploading"),
    (("download", "into", "--type", "image"), "downloading"),
    (("clone", "pictures.jsonl", "copied"), "cloning: 0.0 MB"),
    (("snapshot", "again.jsonl"), "freezing: 4"),
    (("ls", "-r"), "finding: 4"),
    (("ls", "others/"), "listing"),
    (("find", "width > 1"), "finding: 2"),
    (("tag", "dotted", "others/dot.png"), "tagging"),
    (("check",), "checking"),
    (("export", "lake.jsonl.gz"), "saving"),
    (("tag", "picture", "-q", 'type = "image"'), "edit_by_query: succeeded"),
]


@pytest.mark.parametrize(("words", "what"), LONG, ids=[what for _, what in LONG])
def test_a_bar_is_drawn_on_a_terminal_where_something_takes_longer_than_a_second(
    say, tmp_path, terminal, words, what
):
    samples.write(tmp_path)
    assert say("snapshot", "pictures.jsonl", "-q", 'type = "image"').code == 0
    terminal.truncate(0)
    assert say(*words).code == 0
    assert what in terminal.getvalue()


@pytest.mark.parametrize(("words", "what"), LONG, ids=[what for _, what in LONG])
def test_scripts_see_none(say, tmp_path, terminal, words, what):
    samples.write(tmp_path)
    say("snapshot", "pictures.jsonl", "-q", 'type = "image"', "--json")
    assert say(*words, "--json").code == 0
    assert terminal.getvalue() == ""


def test_what_is_soon_done_draws_none(say, terminal, monkeypatch):
    monkeypatch.setattr(bars, "Timer", Never)
    assert say("download", "into", "--type", "image").code == 0
    assert terminal.getvalue() == ""


def test_lines_that_people_see_come_take_the_place_of_the_bar(terminal, monkeypatch):
    monkeypatch.setattr(bars.sys, "stdout", Terminal())
    with bars.bar("finding") as drawn:
        lines = drawn.precede(iter("ab"))
        assert next(lines) == "a"
        before = terminal.getvalue()
        assert list(lines) == ["b"]
    assert "finding" in before
    assert terminal.getvalue() == before
