"""The stack on a local cloud, and the handle that people, scripts and tests reach it by.

`python -m infra.local up|down`, with PORT and KEEP from the environment; for tests there is `stack`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra import cloud, concessions, package
from infra.failure import Failure, reported, require_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = package.ROOT / ".local"
STAGE = "local"

PARAMETERS = {
    "ConnectorSeconds": "2",
    "DeletionProtection": "false",
    "RequireTls": "false",
    "Size": "small",
}
"""What is different here: nobody waits, all is thrown away, loopback speaks plain HTTP, and a laptop has few
cores."""


MEGABYTES = 1000
"""A dozen workers of functions, each with the unpacked code."""


@dataclass(frozen=True, kw_only=True)
class Handle:
    """All that it takes to use the stack; stack.json holds the same."""

    endpoint_url: str
    region: str
    aws_access_key_id: str
    aws_secret_access_key: str
    api_url: str
    gallery_url: str = ""
    """Not in what was kept of a stack that had none."""
    api_key: str
    bucket: str
    artifacts_bucket: str
    queues: dict[str, str]
    tables: dict[str, str]
    stack: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            config=Config(signature_version="s3v4" if service == "s3" else None),
        )


@contextmanager
def stack(
    folder: "Path" = FOLDER,
    port: int = 0,
    *,
    stays: bool = False,
    parameters: "Mapping[str, str]" = PARAMETERS,
) -> "Iterator[Handle]":
    """Deployed and answering. It ends with the block, or with this process however that ends; one that
    `stays` lives on after a block that went well, until `down`. Port 0 is any that is free."""
    if is_up(folder):
        raise Failure("The stack is up already; `make down` ends it.")
    port = port or cloud.free_port()
    kept = read(_state(folder) / "stack.json")
    if kept and kept.endpoint_url != cloud.endpoint(port):
        raise Failure(
            f"What was kept belongs to {kept.endpoint_url}: take that port, or drop it with `make down`."
        )
    if cloud.is_taken(port):
        raise Failure(f"Port {port} is taken by another program; choose another one with PORT=….")
    if not kept:
        _clear(folder)
    package.build()
    _state(folder).mkdir(parents=True, exist_ok=True)
    require_space(_state(folder), MEGABYTES)
    written = folder / "stack.json"
    local_cloud = cloud.Cloud(_state(folder), written, port, persist=stays)
    try:
        local_cloud.wait_until_ready()
        handle = _deploy(local_cloud, parameters, kept)
        written.write_text(json.dumps(asdict(handle), indent=2) + "\n")
        yield handle
    except BaseException:
        stays = False
        raise
    finally:
        if stays:
            (_state(folder) / "stack.json").unlink(missing_ok=True)
            local_cloud.release()
        else:
            local_cloud.end()
            written.unlink(missing_ok=True)
            if not kept:
                _clear(folder)


def down(folder: "Path" = FOLDER, *, keep: bool = False) -> bool:
    """Whether there was a stack to end. What is kept is there again with the next `up`."""
    ended = cloud.end(_state(folder), keep=keep)
    if not keep:
        _clear(folder)
    elif ended:
        (folder / "stack.json").rename(_state(folder) / "stack.json")
        shutil.rmtree(_state(folder) / "tmp", ignore_errors=True)
    return ended


def is_up(folder: "Path" = FOLDER) -> bool:
    return cloud.running(_state(folder)) is not None


def _state(folder: "Path") -> "Path":
    return folder / "cloud"


def read(path: "Path" = FOLDER / "stack.json") -> Handle | None:
    return Handle(**json.loads(path.read_text())) if path.exists() else None


def _clear(folder: "Path") -> None:
    shutil.rmtree(_state(folder), ignore_errors=True)
    (folder / "stack.json").unlink(missing_ok=True)


def _deploy(local_cloud: cloud.Cloud, parameters: "Mapping[str, str]", kept: Handle | None) -> Handle:
    """In a process of its own, because the code that is seeded with reads its environment once."""
    command = [sys.executable, "-m", "infra.deploy", "--json", STAGE]
    given = {"TestEndpoint": local_cloud.endpoint_url, **parameters}
    command += [f"{name}={value}" for name, value in given.items()]
    done = subprocess.run(
        command, cwd=package.ROOT, env=local_cloud.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failure(done.stderr.strip())
    answer = json.loads(done.stdout)
    handle = _handle(local_cloud, answer["outputs"], answer["api_key"] or (kept.api_key if kept else ""))
    concessions.make(handle, answer["outputs"])
    return handle


def _handle(local_cloud: cloud.Cloud, outputs: "Mapping[str, str]", api_key: str) -> Handle:
    stage_url = f"{local_cloud.endpoint_url}/_aws/execute-api/{outputs['RestAPIId']}/api"
    return Handle(
        endpoint_url=local_cloud.endpoint_url,
        region=cloud.REGION,
        aws_access_key_id=local_cloud.access_key_id,
        aws_secret_access_key=local_cloud.secret_access_key,
        api_url=f"{stage_url}/v1",
        gallery_url=f"{stage_url}/",
        api_key=api_key,
        bucket=outputs["DataBucket"],
        artifacts_bucket=outputs["ArtifactsBucket"],
        queues={
            "events": outputs["EventsQueue"],
            "events_dlq": outputs["EventsDeadLetters"],
            "preprocess": outputs["PreprocessQueue"],
            "preprocess_dlq": outputs["PreprocessDeadLetters"],
            "preprocess_large": outputs["PreprocessLargeQueue"],
            "preprocess_large_dlq": outputs["PreprocessLargeDeadLetters"],
            "fetches": outputs["FetchesQueue"],
            "fetches_dlq": outputs["FetchesDeadLetters"],
            "jobs": outputs["JobsQueue"],
            "jobs_dlq": outputs["JobsDeadLetters"],
            "walks": outputs["WalksQueue"],
            "walks_dlq": outputs["WalksDeadLetters"],
        },
        tables={
            "data": outputs["DataTable"],
            "lakes": outputs["LakesTable"],
            "connectors": outputs["ConnectorsTable"],
            "organizations": outputs["OrganizationsTable"],
            "keys": outputs["KeysTable"],
            "claims": outputs["ClaimsTable"],
            "labels": outputs["LabelsTable"],
            "taggings": outputs["TaggingsTable"],
            "traces": outputs["TracesTable"],
            "jobs": outputs["JobsTable"],
            "ranges": outputs["RangesTable"],
            "counters": outputs["CountersTable"],
        },
        stack=f"tidelake-{STAGE}",
    )


def heed_signals() -> None:
    """So that every polite way to end a program unwinds it, also one that was started in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def chosen_port() -> int:
    text = os.environ.get("PORT") or "4566"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Failure(f"PORT={text} is no port.")
    return int(text)


def main() -> None:
    heed_signals()
    if sys.argv[1] == "up":
        with stack(port=chosen_port(), stays=True) as handle:
            print(f"The stack is up at {handle.api_url}; .local/stack.json says the rest.")
            print(f"Gallery  {handle.gallery_url}\nKey      {handle.api_key}")
    else:
        keep = os.environ.get("KEEP", "") not in ("", "0")
        print("The stack is down." if down(keep=keep) else "There was no stack to end.")


if __name__ == "__main__":
    with reported():
        main()
