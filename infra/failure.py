"""What a person at a terminal is told when something cannot go on: one sentence, and a status not 0."""

import errno
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Failure(Exception):
    """Its text is the sentence."""


@contextmanager
def reported() -> "Iterator[None]":
    try:
        yield
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"AWS refused: {error}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit("The disk is full: nothing more can be written.")
