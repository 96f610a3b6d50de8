"""What measurements say: `{"value", "unit", "budget"}` by name, as bench/results.json keeps them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

type Figure = dict[str, Any]
type Results = dict[str, Figure]

FILE: Final = Path(__file__).with_name("results.json")


def figure(value: float, unit: str, budget: float | None = None, *, digits: int = 2) -> Figure:
    return {"value": round(value, digits) if digits else round(value), "unit": unit, "budget": budget}


def read() -> Results:
    found: Results = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def write(results: "Mapping[str, Figure]") -> None:
    FILE.write_text(json.dumps(dict(sorted(results.items())), indent=2) + "\n")


def tabulate(results: "Mapping[str, Figure]") -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("budget", justify="right")
    for name, found in results.items():
        style = "bold red" if is_missed(found) else ""
        table.add_row(name.replace("_", " "), f"{found['value']:,}", found["unit"], _budget(found), style=style)
    return table


def is_missed(found: Figure) -> bool:
    if found["budget"] is None:
        return False
    missed: bool = found["value"] < found["budget"] if _is_floor(found) else found["value"] > found["budget"]
    return missed
