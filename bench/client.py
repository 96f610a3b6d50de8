"""Files a second through the command `tidelake`, beside `aws s3 cp --recursive` of the same folder to the
same local endpoint, in turns.

Both are as pip installs them, each into an environment of its own, and are started anew for each turn, with
what they do by default. The functions that follow the bucket are held back meanwhile, because on AWS they
have machines of their own. The calls of the API are those of the SDK for a thousand files.
"""

import os
import random
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import httpx
from tidelake import Client

from bench import stack
from bench.environments import install
from bench.results import figure
from infra.package import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidelake import Datalake

    from bench.results import Results
    from bench.stack import Stack

FILES: Final = 1000
BYTES: Final = range(2_000, 20_000)
ROUNDS: Final = 3

FLOOR: Final = 1.0
BUDGET_CALLS: Final = 2

PEER: Final = "awscli==1.46.2"


class Counted(httpx.HTTPTransport):
    """Counts what goes to the API."""

    calls = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += "Authorization" in request.headers
        return super().handle_request(request)


def measure() -> "Results":
    aws = install("awscli", PEER) / "aws"
    ours = install("tidelake", f"{ROOT / 'client'}[command]", anew=True) / "tidelake"
    with stack.deployed() as cloud, tempfile.TemporaryDirectory() as folder:
        cloud.hold(*stack.FED)
        files = Path(folder) / "files"
        _write(files)
        transport = Counted()
        with Client(cloud.handle.api_url, cloud.handle.api_key, transport=transport) as client:
            lake = client.get_datalake()
            found, calls = _count_uploads(lake, transport, files)
            cloud.switch(cloud.source("Upstream"), on=True)
            cloud.wait_until_empty("events")
            stack.wait_until(lambda: len(lake.list_data(prefix="counted/", status="indexed")) == FILES, 1)
            cloud.hold("Upstream")
            calls |= _count_downloads(lake, transport, Path(folder) / "counted")
            down = [_download(cloud, ours, aws, Path(folder), turn) for turn in range(ROUNDS)]
            # Last, as upstream would have to take all of it, too.
            up = [_upload(cloud, ours, aws, files, turn) for turn in range(ROUNDS)]
    if found != FILES:
        raise RuntimeError(f"{found} of {FILES} files went up")
    return _told("upload", up) | _told("download", down) | calls


def _told(what: str, turns: "Sequence[tuple[float, float]]") -> "Results":
    ours, theirs = (median(each) for each in zip(*turns, strict=True))
    return {
        f"client_{what}_vs_aws_cli": figure(ours / theirs, "ratio", FLOOR),
        f"client_{what}_rate": figure(ours, "files/s", digits=0),
        f"client_{what}_rate_of_aws_cli": figure(theirs, "files/s", digits=0),
    }


def _count_uploads(lake: "Datalake", transport: Counted, files: Path) -> tuple[int, "Results"]:
    transport.calls = 0
    outcome = lake.upload_data(files, folder="counted").raise_for_failures()
    calls = figure(transport.calls, "calls/1000 files", BUDGET_CALLS, digits=0)
    return len(outcome.ok), {"client_upload_calls": calls}


def _count_downloads(lake: "Datalake", transport: Counted, folder: Path) -> "Results":
    transport.calls = 0
    lake.list_data(prefix="counted/", order_by="object_name").download(folder).raise_for_failures()
    return {"client_download_calls": figure(transport.calls, "calls/1000 files", BUDGET_CALLS, digits=0)}


def _upload(cloud: "Stack", ours: Path, aws: Path, files: Path, turn: int) -> tuple[float, float]:
    rate = _rate(cloud, [ours, "upload", str(files), "--to", f"ours/{turn}"])
    bucket = f"s3://{cloud.handle.bucket}/theirs/{turn}/"
    return rate, _rate(cloud, [aws, "s3", "cp", "--recursive", "--only-show-errors", str(files), bucket])


def _download(cloud: "Stack", ours: Path, aws: Path, folder: Path, turn: int) -> tuple[float, float]:
    rate = _rate(cloud, [ours, "download", str(folder / f"ours-{turn}"), "--prefix", "counted/"])
    bucket = f"s3://{cloud.handle.bucket}/counted/"
    theirs = str(folder / f"theirs-{turn}")
    return rate, _rate(cloud, [aws, "s3", "cp", "--recursive", "--only-show-errors", bucket, theirs])


def _rate(cloud: "Stack", command: "Sequence[Any]") -> float:
    handle = cloud.handle
    environment = os.environ | {
        "TIDELAKE_URL": handle.api_url,
        "TIDELAKE_KEY": handle.api_key,
        "AWS_ENDPOINT_URL": handle.endpoint_url,
        "AWS_DEFAULT_REGION": handle.region,
        "AWS_ACCESS_KEY_ID": handle.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": handle.aws_secret_access_key,
        "AWS_CONFIG_FILE": os.devnull,
    }
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return FILES / (time.perf_counter() - start)


def _write(folder: Path) -> None:
    chance = random.Random(1)
    for n in range(FILES):
        path = folder / f"{n // 100}" / f"{n:04}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice(BYTES)))
