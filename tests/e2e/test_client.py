"""The SDK and the command against the deployed stack."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidelake import Client, Datalake, Unauthorized

from tests.e2e.lake import Stack, png

MIB = 1024**2


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Iterator[Datalake]:
    with Client(stack.handle["api_url"], stack.handle["api_key"]) as client:
        yield client.get_datalake()


@pytest.fixture
def folder(stack: Stack) -> Iterator[str]:
    name = f"client-{uuid.uuid4().hex[:8]}"
    yield name
    stack.clear(f"{name}/")


def test_files_go_up_are_looked_at_and_come_down_again(lake: Datalake, folder: str, tmp_path: Path) -> None:
    bodies = {f"é {n}+%2F.png": png(8 + n, 6) for n in range(5)}
    (tmp_path / "up").mkdir()
    for name, body in bodies.items():
        (tmp_path / "up" / name).write_bytes(body)
    outcome = lake.upload_data(
        tmp_path / "up", folder=folder, tags=["car", "shift/7"], custom_metadata={"lot": "A7"}
    ).raise_for_failures()
    ready = outcome.ok.wait_until_processed(timeout=60)
    assert {(data.status, data.type, tuple(data.tags)) for data in ready} == {
        ("ready", "image", ("car", "shift/7"))
    }
    again = lake.upload_data(tmp_path / "up", folder=folder)
    assert {failed.code for failed in again.failed} == {"conflict"}
    found = lake.list_data(prefix=f"{folder}/", tags=["car"])
    down = found.download(tmp_path / "down", flat=True).raise_for_failures()
    assert {file.path.name: file.path.read_bytes() for file in down.ok} == bodies
    assert all(file.verified for file in down.ok)
    assert len(found.download(tmp_path / "down", flat=True).skipped) == len(bodies)


def test_a_large_file_goes_up_in_parts(lake: Datalake, folder: str, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(MIB) * 65)
    [data] = lake.upload_data(path, folder=folder).raise_for_failures().ok
    [seen] = lake.list_data(ids=[data.id]).wait_until_processed(timeout=60)
    assert (seen.size, seen.status) == (65 * MIB, "skipped")
    [file] = seen.download(tmp_path / "down").raise_for_failures().ok
    assert file.path.read_bytes() == path.read_bytes()


def test_other_bytes_than_were_announced_are_refused(lake: Datalake, folder: str) -> None:
    body = {
        "object_name": f"{folder}/a.bin",
        "size": 5,
        "content_type": "application/octet-stream",
        "sha256": "0" * 64,
    }
    [announced] = lake.call("POST", "uploads", body={"uploads": [body]})["ok"]
    form = announced["upload"]
    answer = lake.wire.storage.post(form["url"], data=form["fields"], files={"file": b"bytes"})
    assert answer.status_code == 400


def test_the_command_speaks_to_the_stack(stack: Stack, folder: str, tmp_path: Path) -> None:
    # Bytes of its own: those that another test has just deleted would bring their tags along.
    (tmp_path / "a.png").write_bytes(png(31, 17))

    def say(*words: str, key: str = "", given: str | None = None) -> "subprocess.CompletedProcess[str]":
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TIDELAKE_")},
            "TIDELAKE_CONFIG": str(tmp_path / "config.json"),
            **({"TIDELAKE_KEY": key} if key else {}),
        }
        program = str(Path(sys.executable).with_name("tidelake"))
        return subprocess.run(
            [program, *words],
            env=environment,
            cwd=tmp_path,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    logged_in = say("login", stack.handle["api_url"], given=f"{stack.handle['api_key']}\n")
    assert logged_in.returncode == 0, logged_in.stderr
    uploaded = say("upload", "a.png", "--to", folder, "--tag", "car", "--wait", "--json")
    assert uploaded.returncode == 0, uploaded.stderr
    [data] = json.loads(uploaded.stdout)["ok"]
    assert (data["status"], data["tags"]) == ("ready", ["car"])
    listed = say("ls", f"{folder}/", "--json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [data["id"]]
    assert say("download", "down", data["id"]).returncode == 0
    assert (tmp_path / "down" / folder / "a.png").read_bytes() == png(31, 17)
    refused = say("ls", key=f"tl_0000000000000000_{'0' * 64}")
    assert (refused.returncode, refused.stdout) == (3, "")


def test_a_wrong_key_is_one_plain_error(stack: Stack) -> None:
    key = f"tl_0000000000000000_{'0' * 64}"
    with Client(stack.handle["api_url"], key) as client, pytest.raises(Unauthorized):
        client.get_datalake()
