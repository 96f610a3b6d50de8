"""Programs that are measured as pip installs them, each in an environment of its own: those of others want
other libraries than ours."""

import subprocess
import sys
import venv
from typing import TYPE_CHECKING

from infra.package import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def install(name: str, requirement: str, *, anew: bool = False) -> "Path":
    """The folder of its programs. What is installed `anew` changes while its version stays the same."""
    folder = ROOT / ".local" / "peers" / name
    ready = folder / "ready"
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    if not ready.exists() or ready.read_text() != requirement:
        print(f"Installing {name} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([*pip, requirement], check=True)
        ready.write_text(requirement)
    elif anew:
        subprocess.run([*pip, "--force-reinstall", "--no-deps", requirement], check=True)
    return folder / "bin"
