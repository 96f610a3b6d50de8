"""The command `tidelake`."""

import sys


def main() -> None:
    try:
        from tidelake.command.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit("tidelake: the command needs more: pip install 'tidelake[command]'")
    run()
