"""The command, as people and scripts use it: over the real API, in this process."""

import json
import stat

import pytest
from tidelake.command.app import app
from tidelake.command.telling import shown
from typer.testing import CliRunner

from tests.client import samples
from tests.client.stack import URL, refused, says


def test_who_logs_in_is_remembered_where_nobody_else_can_look(say, stack, tmp_path, monkeypatch):
    told = say("login", URL, "--json", given=f"{stack.key}\n")
    assert (told.code, told.json["datalakes"]) == (0, ["default", "other"])
    config = tmp_path / "of-me" / "config.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stack.key not in told.out + told.err
    monkeypatch.delenv("TIDELAKE_URL")
    monkeypatch.delenv("TIDELAKE_KEY")
    assert say("lakes").code == 0
    config.unlink()
    assert say("lakes").code == 2
    config.write_text("{")
    assert say("lakes").code == 2


def test_a_key_that_opens_nothing_is_not_remembered(say, tmp_path):
    told = say("login", URL, given=f"tl_0000000000000000_{'0' * 64}\n")
    assert told.code == 3
    assert not (tmp_path / "of-me").exists()


def test_folders_and_data_are_listed_for_people_and_for_scripts(say):
    assert say("lakes").out.split()[0] == "default"
    assert [line.split()[-1] for line in say("ls").out.splitlines()] == ["camera-one/", "others/"]
    told = say("ls", "others/")
    assert [line.split()[-1] for line in told.out.splitlines()] == ["others/dot.png", "others/notes.txt"]
    assert "skipped" in told.out
    assert say("ls", "--json").lines == [{"folder": "camera-one/"}, {"folder": "others/"}]
    assert len(say("ls", "-r", "--json").lines) == 4


def test_data_is_found_by_a_query_and_conditions(say):
    told = say("find", "width >= 480", "--order-by", "object_name", "--json")
    assert [line["filename"] for line in told.lines] == ["0600.jpg", "1000.jpg"]
    others = say("find", "--prefix", "others/", "--order-by", "-object_name", "--json").lines
    assert [line["type"] for line in others] == ["other", "image"]
    assert len(say("find", "-n", "1", "--json").lines) == 1
    nothing = say("find", 'filename = "nothing"', "--json")
    assert (nothing.code, nothing.out) == (0, "")
    assert say("find", 'filename = "dot.png"', "--explain", "--json").json["access"] == "filename"
    wrong = say("find", "width >", "--json")
    assert (wrong.code, json.loads(wrong.err)["code"]) == (3, "invalid_query")
    assert "line 1, column" in say("find", "width >").err


def test_one_is_shown_by_any_of_its_names(say):
    one = say("show", "others/dot.png", "--json").json
    assert say("show", "dot.png", "--json").json == one
    assert say("show", one["id"], "--json").json == one
    assert "others/dot.png" in say("show", "dot.png").out
    missing = say("show", "nothing")
    assert (missing.code, missing.out) == (3, "")
    assert "no such data" in missing.err


def test_files_go_up_with_what_is_said_of_them(say, stack, tmp_path):
    samples.write(tmp_path)
    told = say(
        *("upload", "a.png", "b.png", "--to", "new", "--tag", "car", "--source", "phone"),
        *("--metadata", "lot=A7", "--wait", "--json"),
    )
    assert told.code == 0
    assert {each["status"] for each in told.json["ok"]} == {"ready"}
    one = say("show", "new/a.png", "--json").json
    assert (one["tags"], one["source"], one["custom_metadata"]) == (["car"], "phone", {"lot": "A7"})
    again = say("upload", "a.png", "--to", "new")
    assert (again.code, again.out) == (1, "0 uploaded, 1 failed\n")
    assert "a.png" in again.err
    skipped = say("upload", "a.png", "--to", "new", "--if-exists", "skip")
    assert (skipped.code, skipped.out) == (0, "0 uploaded, 1 skipped\n")
    assert say("upload", "a.png", "--if-exists", "perhaps").code == 2
    assert say("upload", "a.png", "--metadata", "lot").code == 2
    assert say("upload", "nothing.png").code == 1


def test_data_comes_down_by_names_and_by_conditions(say, tmp_path):
    told = say("download", "into", "--type", "image", "--json")
    assert (told.code, len(told.json["ok"])) == (0, 3)
    assert (tmp_path / "into" / "camera-one" / "0600.jpg").stat().st_size > 0
    assert say("download", "into", "--type", "image").out == "0 downloaded, 3 skipped\n"
    one = say("download", "other", "others/notes.txt", "nothing", "--flat")
    assert one.code == 1
    assert "nothing" in one.err
    assert (tmp_path / "other" / "notes.txt").read_bytes() == b"some notes"
    assert say("download", "other", "others/notes.txt", "--type", "image").code == 2


def test_data_is_tagged_by_names_by_prefix_and_by_a_query(say):
    assert say("tag", "car, red", "others/dot.png", "--json").json["changed"] == 1
    assert say("tag", "night", "--prefix", "camera-one/", "--json").json["changed"] == 2
    job = say("tag", "picture", "-q", 'type = "image"', "--json").json
    assert (job["state"], job["progress"]["changed"]) == ("succeeded", 3)
    assert say("show", "dot.png", "--json").json["tags"] == ["car", "picture", "red"]
    assert len(say("find", "--tag", "night", "--tag", "car", "--json").lines) == 3
    assert len(say("find", "--tag", "picture", "--tag", "car", "--all-tags", "--json").lines) == 1
    assert say("untag", "car", "others/dot.png", "--json").json["changed"] == 1
    assert say("untag", "picture", "-q", "width > 0").code == 0
    assert say("tag", "car").code == 2
    assert say("tag", ",", "others/dot.png").code == 2
    assert say("tag", "car", "nothing").code == 1


def test_jobs_are_listed_watched_and_canceled(say, stack):
    stack.arrives = False
    job = say("tag", "picture", "-q", 'type = "image"', "--no-wait", "--json").json
    assert job["state"] == "queued"
    assert [each["id"] for each in say("jobs", "--json").lines] == [job["id"]]
    assert say("jobs", job["id"], "--cancel", "--json").json["state"] == "canceled"
    assert say("jobs", job["id"], "--wait").code == 1
    assert say("jobs", "--state", "failed", "--json").out == ""


def test_rows_of_a_file_are_imported(say, tmp_path):
    (tmp_path / "frames.csv").write_text("name,image_bytes\na.png,no base64\n")
    told = say("import", "csv", "frames.csv", "--action", "upload", "--report", "report.csv", "--json")
    assert (told.code, told.json["progress"]["failed"]) == (1, 1)
    assert "a.png" in (tmp_path / "report.csv").read_text()
    assert say("import", "csv", "nothing.csv").code == 1
    assert say("import", "csv", "frames.csv", "--report", "x", "--no-wait").code == 2


def test_objects_of_the_bucket_are_imported(say, stack, tmp_path):
    (tmp_path / "names.txt").write_text("others/*\nnothing.jpg\n")
    foreseen = say("import", "bucket", "--manifest", "names.txt", "--dry-run")
    assert foreseen.code == 1, foreseen.err
    assert "requests, $0." in foreseen.out
    told = say("import", "bucket", "--manifest", "names.txt", "--tag", "x", "--report", "r.csv", "--json")
    assert (told.code, told.json["progress"]["edited"], told.json["progress"]["failed"]) == (1, 2, 1)
    assert "nothing.jpg" in (tmp_path / "r.csv").read_text()
    told = say("import", "bucket", "camera-one/", "others/", "--source", "camera", "--json")
    assert (told.code, told.json["progress"]["seen"], told.json["progress"]["edited"]) == (0, 4, 4)
    assert say("import", "bucket").code == 2
    assert say("import", "bucket", "a", "--key", "b").code == 2
    assert say("import", "bucket", "--manifest", "names.txt", "--format", "xml").code == 2
    assert say("import", "bucket", "a", "--report", "x", "--no-wait").code == 2


def test_a_snapshot_is_taken_and_cloned_in_each_way(say, stack, tmp_path):
    told = say("snapshot", "pictures.jsonl", "-q", 'type = "image"', "--json")
    assert (told.code, told.json["count"]) == (0, 3)
    assert say("clone", "pictures.jsonl", "copied").out == "3 written\n"
    assert (tmp_path / "copied" / "others" / "dot.png").read_bytes() == stack.object("others/dot.png")
    assert say("clone", "pictures.jsonl", "linked", "--how", "link").code == 0
    link = json.loads((tmp_path / "linked" / "others" / "dot.png.json").read_text())
    assert link["metadata"]["linkInfo"]["ref"] == f"s3://{stack.lake.bucket}/others/dot.png"
    assert say("clone", "pictures.jsonl", "listed", "--how", "list").code == 0
    assert "others/dot.png\n" in (tmp_path / "listed" / "manifest.txt").read_text()
    stack.put("others/dot.png", b"new bytes")
    changed = say("clone", "pictures.jsonl", "again", "--json")
    assert changed.code == 1
    assert [each["code"] for each in changed.json["failed"]] == ["etag_mismatch"]
    lines = (tmp_path / "pictures.jsonl").read_text().splitlines()
    for broken in ("", "{}", "no json", "\n".join(lines[:-1])):
        (tmp_path / "broken.jsonl").write_text(broken)
        assert say("clone", "broken.jsonl", "never").code == 2
    assert say("clone", "pictures.jsonl", "never", "--lake", "other").code == 2


def test_what_happens_is_watched(say, stack, monkeypatch):
    happens = iter(
        [
            lambda: stack.put("new.txt", b"new"),
            lambda: stack.put("others/notes.txt", b"other notes"),
            lambda: stack.remove("new.txt"),
            lambda: None,
        ]
    )

    def sleep(seconds):
        try:
            next(happens)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(
        "tidelake.watching.watch.__kwdefaults__", {"interval": 1, "latest": 200, "sleep": sleep}
    )
    stack.world.clock += 5
    told = say("watch", "--json")
    assert told.code == 130
    events = [(each["kind"], each["data"]["object_name"]) for each in told.lines]
    assert events == [("added", "new.txt"), ("changed", "others/notes.txt"), ("removed", "new.txt")]


def test_exit_codes_tell_what_kind_of_thing_went_wrong(say, stack, monkeypatch):
    assert say("ls", "--lake", "nowhere").code == 3
    stack.faults = [("GET", refused)] * 7
    assert say("lakes").code == 4
    stack.faults = [("GET", says(503))] * 7
    told = say("lakes", "--json")
    assert (told.code, told.out) == (4, "")
    assert json.loads(told.err)["detail"]
    assert say("fly").code == 2
    assert say("find", "--limit", "-1").code == 2


def test_a_name_does_nothing_to_a_terminal(say, stack):
    assert shown("a\x1b[2J\nb\u202e") == "a\\x1b[2J\\nb\\u202e"
    stack.put("x/evil\x1b[2J.txt", b"")
    assert "\x1b" not in say("ls", "x/").out
    assert "\x1b" not in say("ls", "x/", "--json").out


def test_every_subcommand_explains_itself_and_speaks_json():
    for name in [command.callback.__name__ for command in app.registered_commands]:
        told = CliRunner().invoke(app, [name, "--help"])
        assert told.exit_code == 0
        assert "--json" in told.stdout


def test_the_index_is_exported_and_imported_again(say, stack, tmp_path):
    known = len(stack.world.s3.buckets[stack.lake.bucket].listing())
    told = say("export", "lake.jsonl.gz", "--json")
    assert (told.code, told.json["progress"]["seen"]) == (0, known), told.err
    assert (tmp_path / "lake.jsonl.gz").read_bytes()[:2] == b"\x1f\x8b"
    told = say("import", "export", "lake.jsonl.gz", "--report", "r.csv", "--json")
    assert (told.code, told.json["progress"]["skipped"]) == (0, known)
    assert (tmp_path / "r.csv").read_text().startswith("row,name")
    made = say("export", "--format", "parquet", "--json").json
    assert say("import", "export", "--job", made["id"]).code == 0
    assert say("import", "export").code == 2
    assert say("import", "export", "nothing.jsonl").code == 1
    assert say("export", "x", "--no-wait").code == 2
    assert say("export", "--format", "csv").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(shell):
    source = CliRunner().invoke(app, [], env={"_TIDELAKE_COMPLETE": f"source_{shell}"}, prog_name="tidelake")
    assert "_TIDELAKE_COMPLETE" in source.output
    asked = {
        "_TIDELAKE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "tidelake up",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "tidelake up",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    told = CliRunner().invoke(app, [], env=asked, prog_name="tidelake")
    assert "upload" in told.output
    assert "download" not in told.output


def test_every_command_that_there_should_be_is_there():
    told = {command.callback.__name__ for command in app.registered_commands}
    assert told >= {
        "login",
        "lakes",
        "ls",
        "find",
        "show",
        "upload",
        "download",
        "tag",
        "untag",
        "sync",
        "export",
        "jobs",
    }
    assert told >= {"watch", "connect", "check", "snapshot", "clone"}
    for name in ("csv", "bucket", "export"):
        assert "--json" in CliRunner().invoke(app, ["import", name, "--help"]).stdout


def test_help_says_whose_word_goes_over_whose(say):
    told = " ".join(say("upload", "--help").out.replace("│", " ").split())
    assert "That goes over EXIF, which the service reads" in told
