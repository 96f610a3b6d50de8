"""The stack is stopped while it works, its functions killed and its cloud ended, and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from infra import cloud, local
from tests.e2e.lake import Stack, eventually, png

ROOT = Path(__file__).parents[2]
UP = """
import sys
from pathlib import Path
from infra import local
if __name__ == "__main__":
    with local.stack(Path(sys.argv[1]), int(sys.argv[2]), stays=True):
        pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    local.down(tmp_path)


def test_what_is_under_way_when_the_stack_dies_is_done_after_it_came_back(folder: Path) -> None:
    port = cloud.free_port()
    stack = start(folder, port)
    for queue in stack.handle["queues"].values():
        # So that what a killed function held comes again within the patience of a test.
        stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    names = [f"{n}.png" for n in range(120)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: stack.s3.put_object(Bucket=stack.bucket, Key=name, Body=png()), names))
    assert eventually(lambda: any(True for _ in stack.index()))
    kill_functions(folder)
    time.sleep(1)
    local.down(folder, keep=True)

    stack = start(folder, port)

    assert eventually(lambda: stack.settled(), 120), [r["status"] for r in stack.index()]
    assert {r["object_name"]: r["status"] for r in stack.index()} == dict.fromkeys(names, "ready")
    whole = {"items": len(names), "by_status": {"ready": len(names)}}
    assert eventually(lambda: counters(stack) == whole, 30)


def counters(stack: Stack) -> dict[str, Any]:
    stats = stack.call("/datalakes/default/stats").body
    return {name: stats[name] for name in ("items", "by_status")}


def start(folder: Path, port: int) -> Stack:
    subprocess.run([sys.executable, "-c", UP, str(folder), str(port)], cwd=ROOT, check=True)
    handle = local.read(folder / "stack.json")
    assert handle
    return Stack(asdict(handle))


def kill_functions(folder: Path) -> None:
    parent = cloud.running(folder / "cloud")
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if f"\nPPid:\t{parent}\n" in status.read_text():
                os.kill(int(status.parent.name), signal.SIGKILL)
