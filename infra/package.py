"""What is deployed everywhere: Chalice's template with resources.yaml laid over it, and a zip of code.

The zip is the same, byte for byte, for the same sources. It holds bytecode, because Lambda's folder is
read-only and every cold start would compile all libraries again; `unchecked-hash`, because a zip has no times
worth comparing.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from compileall import compile_dir
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

from chalice.package import YAMLTemplateSerializer

from infra.failure import Failure, reported, require_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / ".local" / "package"
REQUIREMENTS = ROOT / "requirements.txt"

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
"""Lambda's names for the machines that can package: what runs here must be what runs there."""

GLIBC_MINORS = range(17, 35)
"""Wheels for these fit Amazon Linux 2023, which python3.13 runs on and which has glibc 2.34."""

AWS_SERVICES = {"dynamodb", "events", "s3", "secretsmanager", "sqs", "sts"}
"""What the code talks to. botocore describes 400 more services, three quarters of the package."""

UNUSED = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/parser",
    "bin",
    "boto3/examples",
)
"""A third of the files. Unpacking them is most of what a cold start takes, at least on the local cloud."""

SHIPPED = ("*.py", "*.lark", "*.css", "*.html", "*.js", "*.svg", "LICENSE-*")
"""What runs, goes to browsers, or says on which terms it may."""

MEGABYTES = 400
"""What building takes on the disk, most of it only while it lasts."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""


@dataclass(frozen=True)
class Package:
    template: Path
    code: Path


def build(output: Path = OUTPUT) -> Package:
    """Quick when nothing has changed, and nearly so when only our own sources have."""
    if sys.version_info[:2] != (3, 13):
        raise Failure(
            f"Packaging needs Python 3.13, the runtime of the functions; this is {platform.python_version()}."
        )
    if platform.system() != "Linux" or platform.machine() not in ARCHITECTURES:
        raise Failure(
            "Packaging needs Linux on x86_64 or aarch64, as the functions' libraries are compiled for it."
        )
    package = Package(output / "template.json", output / "deployment.zip")
    output.mkdir(parents=True, exist_ok=True)
    require_space(output, MEGABYTES)
    with _locked(output / "lock"):
        state = _digest([REQUIREMENTS, *_sources(), *_settings()])
        built = output / "built"
        if not (
            built.exists()
            and built.read_text() == state
            and package.template.exists()
            and package.code.exists()
        ):
            built.unlink(missing_ok=True)
            _write(package, _libraries(output))
            built.write_text(state)
    return package


def _sources() -> list[Path]:
    ours = ROOT / "chalicelib"
    files = (file for pattern in SHIPPED for file in ours.rglob(pattern))
    return [ROOT / "app.py", *sorted(files)]


def _settings() -> list[Path]:
    return [Path(__file__), ROOT / "infra" / "resources.yaml", *sorted((ROOT / ".chalice").glob("*.json"))]


def _digest(files: "Iterable[Path]") -> str:
    """Of names and contents, unlike Chalice's own, to which a renamed file is no change."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _libraries(output: Path) -> Path:
    """A zip of what requirements.txt names, kept until that changes."""
    libraries = output / f"libraries-{_digest([REQUIREMENTS, Path(__file__)])[:16]}.zip"
    if libraries.exists():
        return libraries
    for outdated in output.glob("libraries-*.zip"):
        outdated.unlink()
    with _workshop(output) as folder:
        _install(folder)
        _prune(folder)
        _compile(folder)
        draft = folder.with_suffix(".zip")
        with zipfile.ZipFile(draft, "w") as archive:
            _add(archive, folder)
        draft.rename(libraries)
    return libraries


def _install(folder: Path) -> None:
    machine = platform.machine()
    platforms = [f"manylinux2014_{machine}", *(f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += ["--requirement", str(REQUIREMENTS), "--target", str(folder), "--only-binary", ":all:"]
    for name in platforms:
        command += ["--platform", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"The functions' libraries could not be installed: {_last_line(done.stderr)}")


def _prune(folder: Path) -> None:
    for unused in UNUSED:
        shutil.rmtree(folder / unused)
    for services in (folder / "botocore" / "data", folder / "boto3" / "data"):
        for service in services.iterdir():
            if service.is_dir() and service.name not in AWS_SERVICES:
                shutil.rmtree(service)
    for stub in folder.rglob("*.pyi"):
        stub.unlink()


def _compile(folder: Path) -> None:
    compiled = compile_dir(
        folder,
        quiet=2,
        stripdir=folder,
        prependdir="/var/task",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )
    if not compiled:
        raise Failure("The code could not be compiled: a file holds a syntax error.")


def _write(package: Package, libraries: Path) -> None:
    with _workshop(package.code.parent) as folder:
        packaged = _run_chalice(folder)
        unpacked = folder / "unpacked"
        with zipfile.ZipFile(packaged / "deployment.zip") as ours:
            ours.extractall(unpacked)
        _compile(unpacked)
        shutil.copyfile(libraries, folder / "code.zip")
        with zipfile.ZipFile(folder / "code.zip", "a") as archive:
            _add(archive, unpacked)
        (folder / "code.zip").rename(package.code)
        merged = YAMLTemplateSerializer().load_template((packaged / "sam.yaml").read_text())
    # As JSON, because YAML would repeat the overlay's anchors as aliases, which CloudFormation does not know.
    package.template.write_text(json.dumps(merged, indent=1, ensure_ascii=False))


def _run_chalice(folder: Path) -> Path:
    """Of a copy of the sources, without requirements and without Chalice's cache, to which a package with a
    renamed file is the one before."""
    for source in [*_sources(), *_settings()]:
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    settings = folder / ".chalice" / "config.json"
    architecture = ARCHITECTURES[platform.machine()]
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"lambda_architecture": architecture}))
    (folder / "requirements.txt").touch()
    chalice = str(Path(sys.executable).with_name("chalice"))
    command = [chalice, "package", "--merge-template", "infra/resources.yaml", "packaged"]
    # Chalice asks for a region though the template that it writes holds none.
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"Chalice could not package the application: {_last_line(done.stderr)}")
    return folder / "packaged"


def _last_line(text: str) -> str:
    return (text.strip() or "no reason given").splitlines()[-1][:300]


def _add(archive: zipfile.ZipFile, folder: Path) -> None:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        entry = zipfile.ZipInfo(str(file.relative_to(folder)), EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100755 << 16 if file.suffix == ".so" else 0o100644 << 16
        archive.writestr(entry, file.read_bytes())


@contextmanager
def _workshop(parent: Path) -> "Iterator[Path]":
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


@contextmanager
def _locked(path: Path) -> "Iterator[None]":
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with reported():
        print(build().code.parent)
