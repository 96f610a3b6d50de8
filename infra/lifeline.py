"""The process that is the local cloud: MiniStack, which ends with the process that started it.

`python -m infra.lifeline FOLDER HANDLE PIPE`: all is kept in FOLDER, PIPE is the reading end of a pipe.
When that closes, because the starter ended in whatever way, the cloud ends too, and FOLDER and HANDLE are
removed; a byte in it lets the cloud live on. Its process group is it and the workers of its functions.
"""

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

LOCK = "lock"
"""Locked as long as the cloud lives; holds its process id, which alone could be anybody's after a while."""


def main(folder: Path, handle: Path, pipe: int) -> None:
    lock = (folder / LOCK).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.write(str(os.getpid()))
    lock.flush()
    threading.Thread(target=_watch, args=(folder, handle, pipe), daemon=True).start()
    from ministack.app import main as serve

    from infra import pace
    from infra.mends import mend

    mend()
    pace.keep()
    sys.argv = ["ministack"]
    serve()


def _watch(folder: Path, handle: Path, pipe: int) -> None:
    if not os.read(pipe, 1):
        # From another session, as nothing in this one survives the signal to do the removing.
        script = 'kill -s KILL -- "-$1"; rm -rf -- "$2" "$3"'
        command = ["sh", "-c", script, "sh", str(os.getpgid(0)), str(folder), str(handle)]
        subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
