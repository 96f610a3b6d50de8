"""Other programs that list a bucket into a database of their own, each in a process of its own, with what
they do by default, but for one thing: they call nobody but this machine."""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.environments import install
from infra.package import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local import Handle

DATACHAIN: Final = "datachain==0.62.0"
LABEL_STUDIO: Final = "label-studio==1.23.2"

SCRIPTS: Final = {
    DATACHAIN: "bench.peers.datachain_listing",
    LABEL_STUDIO: "bench.peers.label_studio_sync",
}

SILENCE: Final = {
    "DATACHAIN_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What they are told not to do. bench/peers/turns.py makes sure of it."""


class Peer:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def list_objects(self, prefix: str, objects: int) -> float:
        """Seconds until so many are in its database."""
        assert self._process.stdin
        assert self._process.stdout
        print(prefix, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} died")
        count, seconds = json.loads(answer)
        if count != objects:
            raise RuntimeError(f"{self._process.args!r} saw {count} objects, not {objects}")
        return float(seconds)


@contextmanager
def at_work(requirement: str, handle: "Handle", endpoint_url: str | None = None) -> "Iterator[Peer]":
    """It keeps what it has until the end of the block."""
    programs = _programs(requirement)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        shutil.copytree(_prepared(requirement), Path(folder) / "data")
        surroundings = {
            "AWS_ENDPOINT_URL": endpoint_url or handle.endpoint_url,
            "AWS_DEFAULT_REGION": handle.region,
            "AWS_ACCESS_KEY_ID": handle.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": handle.aws_secret_access_key,
            "AWS_CONFIG_FILE": os.devnull,
            "BUCKET": handle.bucket,
        }
        with subprocess.Popen(
            [str(programs / "python"), "-m", SCRIPTS[requirement]],
            env=_environment(Path(folder) / "data") | surroundings,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process:
            try:
                yield Peer(process)
            finally:
                process.kill()


def _programs(requirement: str) -> Path:
    return install(requirement.partition("==")[0], requirement)


def _prepared(requirement: str) -> Path:
    """Its empty database, which takes some of them a minute to make, and is made once."""
    programs = _programs(requirement)
    folder = programs.parent / "empty"
    if not folder.exists():
        with tempfile.TemporaryDirectory() as made:
            command = [str(programs / "python"), "-m", SCRIPTS[requirement], "prepare"]
            subprocess.run(command, env=_environment(Path(made)), cwd=made, check=True)
            shutil.copytree(made, folder)
    return folder


def _environment(data: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    places = {"DATACHAIN_ROOT_DIR": str(data), "LABEL_STUDIO_BASE_DATA_DIR": str(data)}
    return own | SILENCE | places | {"PYTHONPATH": str(ROOT)}
