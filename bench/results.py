"""What measurements say: `{"value", "unit", "budget"}` by name, as bench/results.json keeps them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

type Figure = dict[str, Any]
type Results = dict[str, Figure]

FLOORS: Final = frozenset(
    {
        "events_rate_vs_log_only",
        "csv_rows_rate_vs_bare_inserts",
        "scan_rate_vs_bare_script",
        "scan_rate_vs_label_studio",
        "scan_slowly_vs_datachain",
        "client_upload_vs_aws_cli",
        "client_download_vs_aws_cli",
    }
)
"""What must not be below its budget. Nothing else may be above."""

LESS_OR_EQUAL, GREATER_OR_EQUAL = "\N{LESS-THAN OR EQUAL TO}", "\N{GREATER-THAN OR EQUAL TO}"

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
        label, style = name.replace("_", " "), "bold red" if _is_missed(name, found) else ""
        table.add_row(label, f"{found['value']:,}", found["unit"], _budget(name, found), style=style)
    return table


def _is_missed(name: str, found: Figure) -> bool:
    value, budget = found["value"], found["budget"]
    return budget is not None and bool(value < budget if name in FLOORS else value > budget)


def _budget(name: str, found: Figure) -> str:
    if found["budget"] is None:
        return ""
    return f"{GREATER_OR_EQUAL if name in FLOORS else LESS_OR_EQUAL} {found['budget']:,}"
