"""The local cloud ends with the process that started it, however that ends, and leaves nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra import cloud, local
from infra.failure import Failure, require_space

ROOT = Path(__file__).parents[2]
CLOUD = """
import sys
from pathlib import Path
from infra.cloud import Cloud, free_port
folder = Path(sys.argv[1])
started = Cloud(folder / "cloud", folder / "stack.json", free_port(), persist=False)
started.wait_until_ready()
"""
WAITING = CLOUD + "print('ready', flush=True); sys.stdin.read()"
RELEASING = CLOUD + "started.release()"
UP = """
import sys
from pathlib import Path
from infra import local
with local.stack(Path(sys.argv[1]), int(sys.argv[2]), stays=True):
    pass
"""


def run(script, *arguments):
    subprocess.run([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, check=True)


def wait_until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "(zombie)" not in Path(f"/proc/{process}/status").read_text()


@pytest.fixture
def starter(tmp_path):
    command = [sys.executable, "-c", WAITING, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_starter_and_takes_its_folder_along(starter, tmp_path, how):
    (tmp_path / "stack.json").write_text("{}")
    process = cloud.running(tmp_path / "cloud")
    assert is_alive(process)
    starter.send_signal(how)
    assert wait_until(lambda: not is_alive(process))
    assert wait_until(lambda: not list(tmp_path.iterdir()))


def test_one_that_was_killed_is_not_taken_for_running(starter, tmp_path):
    process = cloud.running(tmp_path / "cloud")
    os.kill(process, signal.SIGKILL)
    assert wait_until(lambda: cloud.running(tmp_path / "cloud") is None)
    assert not local.down(tmp_path)
    assert not list(tmp_path.iterdir())


def test_one_that_was_released_lives_until_it_is_ended(tmp_path):
    run(RELEASING, tmp_path)
    assert cloud.running(tmp_path / "cloud")
    with pytest.raises(Failure, match="is up already"), local.stack(tmp_path):
        pass
    assert local.down(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_refused_before_anything_starts(tmp_path):
    with socket.create_server((cloud.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failure, match=f"Port {port} is taken"), local.stack(tmp_path, port):
            pass
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_in_one_sentence(tmp_path):
    with pytest.raises(Failure, match=r"^The disk is full: .* MB are left\.$"):
        require_space(tmp_path, 10**9)


def test_what_is_kept_is_there_again(tmp_path):
    port = cloud.free_port()
    run(UP, tmp_path, port)
    before = local.read(tmp_path / "stack.json")
    before.client("s3").put_object(Bucket=before.bucket, Key="kept.txt", Body=b"kept")
    assert local.down(tmp_path, keep=True)
    run(UP, tmp_path, port)
    after = local.read(tmp_path / "stack.json")
    objects = after.client("s3").list_objects_v2(Bucket=after.bucket)["Contents"]
    local.down(tmp_path)
    assert [found["Key"] for found in objects] == ["kept.txt"]
    assert (after.api_key, after.tables) == (before.api_key, before.tables)
    assert not list(tmp_path.iterdir())
