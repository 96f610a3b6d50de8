"""What is drawn on a terminal while something takes long."""

import io
from itertools import count

import pytest
from rich.console import Console
from tidelake.command import telling

from tests.client import samples


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """People look at it, and each look at the clock is a second later."""
    shown = io.StringIO()
    monkeypatch.setattr(
        telling, "Console", lambda stderr: Console(file=shown, force_terminal=True, width=100)
    )
    clock = count()
    monkeypatch.setattr(telling.time, "monotonic", lambda: float(next(clock)))
    return shown


LONG = [
    (("upload", "a.png", "b.png", "--to", "new"), "uploading"),
    (("download", "into", "--type", "image"), "downloading"),
    (("clone", "pictures.jsonl", "copied"), "cloning"),
    (("snapshot", "again.jsonl"), "freezing: 4"),
    (("tag", "picture", "-q", 'type = "image"'), "edit_by_query: succeeded"),
]


@pytest.mark.parametrize(("words", "what"), LONG, ids=[words[0] for words, _ in LONG])
def test_a_bar_is_drawn_on_a_terminal_where_something_takes_longer_than_a_second(
    say, tmp_path, terminal, words, what
):
    samples.write(tmp_path)
    assert say("snapshot", "pictures.jsonl", "-q", 'type = "image"').code == 0
    terminal.truncate(0)
    assert say(*words).code == 0
    assert what in terminal.getvalue()


@pytest.mark.parametrize(("words", "what"), LONG, ids=[words[0] for words, _ in LONG])
def test_scripts_see_none(say, tmp_path, terminal, words, what):
    samples.write(tmp_path)
    say("snapshot", "pictures.jsonl", "-q", 'type = "image"', "--json")
    assert say(*words, "--json").code == 0
    assert terminal.getvalue() == ""


def test_what_is_soon_done_draws_none(say, terminal, monkeypatch):
    monkeypatch.setattr(telling.time, "monotonic", lambda: 0.0)
    assert say("download", "into", "--type", "image").code == 0
    assert terminal.getvalue() == ""
