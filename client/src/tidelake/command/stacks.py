"""Which stack is meant, and what datalakes it has."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tidelake.command import settings
from tidelake.command.options import Json
from tidelake.command.root import app, command
from tidelake.command.settings import Settings
from tidelake.command.telling import OK, tell, tell_one


@command(app)
def login(
    url: Annotated[str, typer.Argument(help="Of the API, as `make deploy` prints it.")],
    as_json: Json = False,
) -> int:
    """Keep which stack is meant, and a key, in a file that only you can read. The key is asked for, or read
    from standard input."""
    key = typer.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    given = Settings(url, key.strip())
    with given.open() as client:
        lakes = client.list_datalakes()
    path = settings.write(given)
    found = {"config": str(path), "datalakes": [lake.name for lake in lakes]}
    tell_one(found, as_json=as_json)
    return OK


@command(app)
def lakes(as_json: Json = False) -> int:
    """The datalakes of your organization."""
    with settings.read().open() as client:
        tell(client.list_datalakes(), ("name", "bucket", "prefix"), as_json=as_json)
    return OK
