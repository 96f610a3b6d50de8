"""Cold starts from the deployment package, unpacked into a read-only folder as on Lambda.

Every start is a fresh process, and the kinds take turns. The budget is for the API's function, imported and
with the room and the clients that a first request for a page of data needs, beside boto3 with the same two
clients out of the same package. What an interpreter takes to start is in neither.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.results import figure
from infra import package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.results import Results

ROUNDS: Final = 15
ROUNDS_WITHOUT_BYTECODE: Final = 5

BUDGET: Final = 1.5

_BOTO3: Final = "import boto3; boto3.client('dynamodb'); boto3.client('s3')"
_OURS: Final = "import app; from chalicelib.storage import aws; [aws.client(name) for name in {}]"
STARTS: Final = {
    "boto3": _BOTO3,
    "api": _OURS.format(("dynamodb", "s3")) + "; from chalicelib.api import searches",
    "upstream": _OURS.format(("dynamodb", "sqs")),
    "preprocess": _OURS.format(("dynamodb", "s3")) + "; from chalicelib.preprocess import imaging",
}

_PROGRAM: Final = """
import sys, time
wall, processor = time.perf_counter(), time.process_time()
{}
wall, processor = time.perf_counter() - wall, time.process_time() - processor
import json
pillow = sum(name.partition(".")[0] == "PIL" for name in sys.modules)
print(json.dumps({{"wall_ms": wall * 1000, "processor_ms": processor * 1000, "pillow_modules": pillow}}))
"""

_UNCHECKED_HASH: Final = MAGIC_NUMBER + (1).to_bytes(4, "little")
"""How bytecode begins that Python takes without looking at its source.
Source: https://peps.python.org/pep-0552/"""


@dataclass(frozen=True, slots=True)
class Start:
    wall_ms: float
    processor_ms: float
    pillow_modules: int


def measure() -> "Results":
    with tempfile.TemporaryDirectory() as temporary, unpacked(Path(temporary)) as folder:
        stale = count_slow_modules(folder)
        before = _list(folder)
        starts = _start_in_turns(folder, tuple(STARTS), ROUNDS)
        written = len(_list(folder) - before)
    with tempfile.TemporaryDirectory() as temporary, unpacked(Path(temporary), bytecode=False) as folder:
        compiling = _start_in_turns(folder, ("boto3", "api"), ROUNDS_WITHOUT_BYTECODE)
    results = {
        "cold_start_api_vs_boto3": figure(_ratio(starts, "wall_ms"), "ratio of wall time", BUDGET),
        "cold_start_api_vs_boto3_processor": figure(
            _ratio(starts, "processor_ms"), "ratio of CPU time", BUDGET
        ),
        "cold_start_api_pillow": figure(starts["api"][0].pillow_modules, "modules", 0),
        "cold_start_modules_to_compile": figure(stale, "modules", 0),
        "cold_start_files_written": figure(written, "files", 0),
    }
    for name, each in starts.items():
        results[f"cold_start_{name}"] = figure(_median(each, "wall_ms"), "ms", digits=0)
        results[f"cold_start_{name}_processor"] = figure(_median(each, "processor_ms"), "ms", digits=0)
    for name, each in compiling.items():
        results[f"cold_start_{name}_without_bytecode"] = figure(_median(each, "wall_ms"), "ms", digits=0)
    return results


@contextmanager
def unpacked(folder: Path, *, bytecode: bool = True) -> "Iterator[Path]":
    """The package in a folder that cannot be written to, while the block lasts."""
    with zipfile.ZipFile(package.build().code) as archive:
        archive.extractall(
            folder, [name for name in archive.namelist() if bytecode or not name.endswith(".pyc")]
        )
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield folder
    finally:
        for each in folders:
            each.chmod(0o755)


def count_slow_modules(folder: Path) -> int:
    """Those that Python would compile again, or check against their source."""
    return sum(not _is_ready(source) for source in folder.rglob("*.py"))


def _is_ready(source: Path) -> bool:
    bytecode = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    return bytecode.exists() and bytecode.read_bytes().startswith(_UNCHECKED_HASH)


def _list(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _start_in_turns(folder: Path, names: tuple[str, ...], rounds: int) -> dict[str, list[Start]]:
    starts: dict[str, list[Start]] = {name: [] for name in names}
    # The first reads the files from the disk.
    for turn in range(rounds + 1):
        for name in names:
            start = _start(folder, STARTS[name])
            if turn:
                starts[name].append(start)
    return starts


def _start(folder: Path, statements: str) -> Start:
    # Root may write to any folder: it is told not to.
    command = [_interpreter(), "-B", "-s", "-c", _PROGRAM.format(statements)]
    environment = {
        "PYTHONPATH": str(folder),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return Start(**json.loads(done.stdout))


def _interpreter() -> str:
    """The one that has nothing installed, not that of the virtual environment."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _median(starts: list[Start], name: str) -> float:
    return float(median(getattr(start, name) for start in starts))


def _ratio(starts: dict[str, list[Start]], name: str) -> float:
    return _median(starts["api"], name) / _median(starts["boto3"], name)
