"""Everything that can be asked of the command: one room for each kind of thing."""

from __future__ import annotations

from tidelake.command import connectors, data, frozen, imports, jobs, stacks, transfers
from tidelake.command.root import app

ROOMS = (stacks, data, transfers, imports, jobs, connectors, frozen)
"""Their commands are the program's once they are imported."""


def run() -> None:
    app()
