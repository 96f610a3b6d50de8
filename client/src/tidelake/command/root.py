"""The program itself, and what is the same for all its commands: what goes wrong is one line, and the exit
code says of which kind it is."""

from __future__ import annotations

import os
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

import typer

from tidelake.command.settings import NotLoggedIn
from tidelake.command.telling import INTERRUPTED, OK, REFUSED, SOME_FAILED, UNREACHABLE, USAGE, complain
from tidelake.errors import (
    Incomplete,
    JobCanceled,
    JobFailed,
    Problem,
    TidelakeError,
    TimedOut,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tidelake: an image datalake that keeps itself in step with your S3 buckets.",
    epilog="Exit codes: 0 all went well, 1 some of it failed, 2 the command makes no sense,"
    " 3 the API refuses, 4 it cannot be reached.",
)
imports = typer.Typer(no_args_is_help=True, help="What comes in bulk: rows of a file, objects of the bucket.")
app.add_typer(imports, name="import")

COLUMNS = ("created_at", "size", "status", "object_name")
"""Of data, where many are listed."""


def command(app: typer.Typer, name: str | None = None) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """What it returns is the exit code. What goes wrong is one line on stderr."""

    def decorate(act: Callable[..., int]) -> Callable[..., None]:
        @wraps(act)
        def wrapped(**given: Any) -> None:
            as_json = given.get("as_json", False)
            try:
                code = act(**given)
            except (ValueError, NotLoggedIn) as error:
                complain(str(error), "usage", as_json=as_json)
                code = USAGE
            except (JobFailed, JobCanceled, TimedOut, Incomplete) as error:
                complain(str(error), "failed", as_json=as_json)
                code = SOME_FAILED
            except Problem as error:
                complain(str(error), error.code, as_json=as_json)
                code = UNREACHABLE if isinstance(error, Unavailable) else REFUSED
            except TidelakeError as error:
                complain(str(error), "unreachable", as_json=as_json)
                code = UNREACHABLE
            except BrokenPipeError:
                # Who reads it has seen enough; Python would complain of it while it ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                code = OK
            except OSError as error:
                complain(str(error), "io_error", as_json=as_json)
                code = SOME_FAILED
            except KeyboardInterrupt:
                code = INTERRUPTED
            raise typer.Exit(code)

        return app.command(name)(wrapped)

    return decorate
