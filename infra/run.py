"""The stack on this machine with pictures in it, until Ctrl-C. IMAGES may name a folder of one's own."""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from infra import local, samples
from infra.failure import Failure, reported

if TYPE_CHECKING:
    from infra.local import Handle

UPLOADS_AT_ONCE = 16
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 120
"""How long the index may stand still."""

ROWS = 100
"""What is shown of a large folder."""

NAME_COLUMNS = 31
"""The longest name of a sample: in a narrow terminal, reasons are folded before names."""

TIMES = "\N{MULTIPLICATION SIGN}"
SETTLED = ("ready", "skipped", "failed")

console = Console()


def main() -> None:
    local.heed_signals()
    _end_with_parent()
    folder = _pictures()
    console.print("Starting the local cloud and deploying into it …")
    with local.stack(port=local.chosen_port()) as handle:
        put = _upload(handle, folder)
        _wait_for_index(handle, put)
        _show(handle, put)
        try:
            while local.is_up():
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            return
        raise Failure("The local cloud has ended by itself.")


def _end_with_parent() -> None:
    """Make is the parent; killed outright, it would leave this program and the cloud behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _pictures() -> Path:
    if named := os.environ.get("IMAGES"):
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise Failure(f"IMAGES={named} is no folder.")
        return folder
    folder = local.FOLDER / "samples"
    for sample in samples.generate():
        file = folder / sample.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sample.content)
    return folder


def _upload(handle: "Handle", folder: Path) -> set[str]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if not files:
        raise Failure(f"There is no file in {folder}.")
    s3 = handle.client("s3")
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        # Read to the end, so that a failure is heard of.
        list(pool.map(lambda name: s3.upload_file(str(files[name]), handle.bucket, name), files))
    return set(files)


def _wait_for_index(handle: "Handle", put: set[str]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Indexed", total=len(put))
        done, last_step = -1, time.monotonic()
        while True:
            by_status = _get(handle, "/datalakes/default/stats")["by_status"]
            settled = sum(by_status.get(status, 0) for status in SETTLED)
            if settled > done:
                done, last_step = settled, time.monotonic()
                progress.update(task, completed=done)
            if done == len(put) and {item["object_name"] for item in _items(handle)} == put:
                return
            if time.monotonic() - last_step > PATIENCE_SECONDS:
                raise Failure(
                    f"The index stands still at {done} of {len(put)} objects; the log is .local/cloud/log."
                )
            time.sleep(POLL_SECONDS)


def _items(handle: "Handle") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    query = {"order_by": "object_name", "limit": "1000"}
    while True:
        page = _get(handle, "/datalakes/default/data?" + urllib.parse.urlencode(query))
        items += page["items"]
        if not page["next_cursor"]:
            return items
        query["cursor"] = page["next_cursor"]


def _get(handle: "Handle", path: str) -> Any:
    request = urllib.request.Request(
        handle.api_url + path, headers={"Authorization": f"Bearer {handle.api_key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=35) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise Failure(f"The API answers GET {path} with {error.code}: {error.read().decode()}") from error
    except urllib.error.URLError as error:
        raise Failure(f"The API cannot be reached: {error.reason}.") from error


def _show(handle: "Handle", put: set[str]) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("name", overflow="fold", min_width=NAME_COLUMNS)
    for column in ("type", "size", "pixels"):
        table.add_column(column, no_wrap=True)
    table.add_column("status", overflow="fold")
    for item in _items(handle)[:ROWS]:
        table.add_row(
            item["object_name"],
            item["type"],
            decimal(item["size"]),
            f"{item['width']} {TIMES} {item['height']}" if item["width"] else "",
            ": ".join(filter(None, (item["status"], item["status_reason"]))),
        )
    console.print(table)
    if len(put) > ROWS:
        console.print(f"… and {len(put) - ROWS:,} more")
    example = f"{handle.api_url}/datalakes/default/data?limit=3"
    addresses = f"""
Gallery {handle.gallery_url}
API     {handle.api_url}
Key     {handle.api_key}
Bucket  s3://{handle.bucket} at {handle.endpoint_url}, with the credentials in .local/stack.json

curl -H 'Authorization: Bearer {handle.api_key}' '{example}'

Ctrl-C ends it, and leaves nothing behind."""
    console.print(addresses, soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    with reported():
        main()
