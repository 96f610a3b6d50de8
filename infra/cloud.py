"""MiniStack as the local cloud: started with IAM enforced, bound to loopback, and ended without a trace."""

import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING

from infra.failure import Failure
from infra.lifeline import LOCK
from infra.package import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
REGION = "us-east-1"

START_SECONDS = 60
SAVE_SECONDS = 60
"""A large state takes its time to be written down."""


class Cloud:
    """It ends with the process that made this object, until it is released."""

    def __init__(self, folder: "Path", handle: "Path", port: int, *, persist: bool) -> None:
        self.endpoint_url = endpoint(port)
        self.access_key_id = f"LOCAL{secrets.token_hex(8).upper()}"
        self.secret_access_key = secrets.token_hex(20)
        self._log = folder / "log"
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        reading, self._lifeline = os.pipe()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.lifeline", str(folder), str(handle), str(reading)],
                cwd=ROOT,
                env=self.environment() | _settings(folder, port, persist=persist),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[reading],
                start_new_session=True,
            )
        os.close(reading)

    def environment(self) -> dict[str, str]:
        """For programs that are to use this cloud, whatever the person's own environment says of AWS."""
        return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with (
                suppress(OSError),
                urllib.request.urlopen(f"{self.endpoint_url}/_ministack/ready", timeout=5),
            ):
                return
            time.sleep(0.1)
        last = (self._log.read_text().strip() or "it gives no reason").splitlines()[-1]
        raise Failure(f"The local cloud does not start: {last}")

    def release(self) -> None:
        os.write(self._lifeline, b"!")
        os.close(self._lifeline)

    def end(self) -> None:
        _kill(self._process.pid)
        self._process.wait()
        os.close(self._lifeline)


def _settings(folder: "Path", port: int, *, persist: bool) -> dict[str, str]:
    """Source: https://ministack.org/docs/configuration"""
    return {
        "AUTH": "true",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder / "tmp"),
        "PERSIST_STATE": str(int(persist)),
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": str(int(persist)),
        "S3_DATA_DIR": str(folder / "objects"),
    }


def endpoint(port: int) -> str:
    return f"http://{HOST}:{port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def running(folder: "Path") -> int | None:
    """The process id of the cloud that keeps its things in the folder, if it lives."""
    with suppress(FileNotFoundError), (folder / LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read())
    return None


def end(folder: "Path", *, keep: bool) -> bool:
    """Whether there was one to end. With `keep` it first writes down what it holds."""
    process = running(folder)
    if process is None:
        return False
    if keep:
        os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + SAVE_SECONDS
        while running(folder) and time.monotonic() < deadline:
            time.sleep(0.1)
    _kill(process)
    while running(folder):
        time.sleep(0.05)
    return True


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
