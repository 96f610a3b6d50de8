"""Files a second through the command `tidelake`, beside `aws s3 cp --recursive` of the same folder to the
same local endpoint, in turns.

Both are as pip installs them, each into an environment of its own, and are started anew for each turn, with
what they do by default. Who begins changes with each turn. The functions that follow the bucket are held back
meanwhile, because on AWS they have machines of their own. The AWS CLI has the key of a user who may read and
write the bucket: what the root signs the local cloud holds against no signature and no policy, and all that
our addresses are signed with. The calls of the API are those of the SDK for a thousand files, the seconds
those of the processor that the command itself takes.
"""

import json
import os
import random
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
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
ROUNDS: Final = 5

FLOOR: Final = 1.0
BUDGET_CALLS: Final = 2

PEER: Final = "awscli==1.46.2"


@dataclass(frozen=True)
class Turn:
    """All files, once."""

    seconds: float
    processor: float
    """Seconds of it that the command took."""

    @property
    def rate(self) -> float:
        return FILES / self.seconds


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
        commands = Commands(ours, aws, _environment(cloud))
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
            down = [_download(cloud, commands, Path(folder), turn) for turn in range(ROUNDS)]
            # Last, as upstream would have to take all of it, too.
            up = [_upload(cloud, commands, files, turn) for turn in range(ROUNDS)]
    if found != FILES:
        raise RuntimeError(f"{found} of {FILES} files went up")
    return _told("upload", up) | _told("download", down) | calls


def _told(what: str, turns: "Sequence[tuple[Turn, Turn]]") -> "Results":
    ours, theirs = (median(each.rate for each in side) for side in zip(*turns, strict=True))
    seconds = [median(each.processor for each in side) for side in zip(*turns, strict=True)]
    return {
        f"client_{what}_vs_aws_cli": figure(ours / theirs, "ratio", FLOOR),
        f"client_{what}_rate": figure(ours, "files/s", digits=0),
        f"client_{what}_rate_of_aws_cli": figure(theirs, "files/s", digits=0),
        f"client_{what}_processor": figure(seconds[0], "s/1000 files"),
        f"client_{what}_processor_of_aws_cli": figure(seconds[1], "s/1000 files"),
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


def _upload(cloud: "Stack", commands: "Commands", files: Path, turn: int) -> tuple[Turn, Turn]:
    bucket = f"s3://{cloud.handle.bucket}/theirs/{turn}/"
    return commands.both(turn, ["upload", files, "--to", f"ours/{turn}"], [files, bucket])


def _download(cloud: "Stack", commands: "Commands", folder: Path, turn: int) -> tuple[Turn, Turn]:
    ours, theirs = folder / f"ours-{turn}", folder / f"theirs-{turn}"
    bucket = f"s3://{cloud.handle.bucket}/counted/"
    return commands.both(turn, ["download", ours, "--prefix", "counted/"], [bucket, theirs])


@dataclass(frozen=True)
class Commands:
    ours: Path
    aws: Path
    environment: dict[str, str]

    def both(self, turn: int, ours: "Sequence[Any]", theirs: "Sequence[Any]") -> tuple[Turn, Turn]:
        copy = [self.aws, "s3", "cp", "--recursive", "--only-show-errors", *theirs]
        if turn % 2:
            last = self._time(copy)
            return self._time([self.ours, *ours]), last
        return self._time([self.ours, *ours]), self._time(copy)

    def _time(self, command: "Sequence[Any]") -> Turn:
        before, start = _processor(), time.perf_counter()
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        return Turn(time.perf_counter() - start, _processor() - before)


def _processor() -> float:
    """Seconds, of the programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment(cloud: "Stack") -> dict[str, str]:
    handle, iam = cloud.handle, cloud.handle.client("iam")
    bucket = f"arn:aws:s3:::{handle.bucket}"
    rights = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{bucket}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": rights})
    iam.create_user(UserName="peer")
    iam.put_user_policy(UserName="peer", PolicyName="files", PolicyDocument=document)
    key = iam.create_access_key(UserName="peer")["AccessKey"]
    return os.environ | {
        "TIDELAKE_URL": handle.api_url,
        "TIDELAKE_KEY": handle.api_key,
        "AWS_ENDPOINT_URL": handle.endpoint_url,
        "AWS_DEFAULT_REGION": handle.region,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_CONFIG_FILE": os.devnull,
    }


def _write(folder: Path) -> None:
    chance = random.Random(1)
    for n in range(FILES):
        path = folder / f"{n // 100}" / f"{n:04}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice(BYTES)))
