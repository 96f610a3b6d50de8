"""What a person at a terminal is told when something cannot go on: one sentence, and a status not 0."""

import errno
import shutil
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Failure(Exception):
    """Its text is the sentence."""


def require_space(folder: "Path", megabytes: int) -> None:
    free = shutil.disk_usage(folder).free // 2**20
    if free < megabytes:
        raise Failure(f"The disk is full: {megabytes} MB are needed in {folder}, {free} MB are left.")


@contextmanager
def reported() -> "Iterator[None]":
    try:
        yield
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except ClientError as error:
        sys.exit(f"AWS refused: {error}")
    except BotoCoreError as error:
        sys.exit(f"AWS could not be asked: {error}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit("The disk is full: nothing more can be written.")
